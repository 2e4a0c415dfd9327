/* Drawing a distribution by hand, on the stage for points. */

import { h } from "./dom.js";
import { colour } from "./theme.js";

const BRUSH = 0.035; // its spread, as a share of half the plane
const AT_ONCE = 6; // points a movement leaves
const MOST = 12000;
const FEWEST = 50;

/** Shapes for whoever does not draw with a pointer: t in [0, 1) -> a place in [-1, 1]^2. */
const SHAPES = {
  spiral: (s) => [0.8 * s * Math.cos(4.5 * Math.PI * s), 0.8 * s * Math.sin(4.5 * Math.PI * s)],
  heart: (s) => {
    const a = 2 * Math.PI * s;
    return [0.047 * 16 * Math.sin(a) ** 3, 0.047 * (13 * Math.cos(a) - 5 * Math.cos(2 * a) - 2 * Math.cos(3 * a) - Math.cos(4 * a))];
  },
  moons: (s) => {
    const a = 2 * Math.PI * s;
    return a < Math.PI ? [0.55 * Math.cos(a) - 0.22, 0.55 * Math.sin(a) - 0.1] : [0.55 * Math.cos(a) + 0.22, 0.55 * Math.sin(a) + 0.1];
  },
};

let unfinished = null; // {points, strokes}: a drawing outlives its view, for whoever changes the language meanwhile

/** stage: of stage.js. send(points): what to do with them; told(): the drawing began or ended.
 *  Returns {element, begin(), resume(), active}. */
export function drawingBoard(context, stage, send, told) {
  const { t } = context;
  let points = [];
  let strokes = [];
  let down = false;
  let before = null;
  const count = h("span", { class: "hint", "aria-live": "polite" });
  const use = h("button", { type: "button", class: "button primary small", onclick: () => finish(true) }, t("lab.draw.use"));
  const element = h(
    "div",
    { class: "cluster", hidden: true },
    h("strong", {}, t("lab.draw.title")),
    Object.keys(SHAPES).map((name) => h("button", { type: "button", class: "button small", onclick: () => shape(name) }, t(`lab.draw.${name}`))),
    h("button", { type: "button", class: "button quiet small", onclick: undo }, t("lab.draw.undo")),
    use,
    h("button", { type: "button", class: "button quiet small", onclick: () => finish(false) }, t("lab.draw.cancel")),
    count,
  );
  const board = { element, active: false, begin, resume: () => unfinished && begin() };

  function begin() {
    if (board.active) return;
    unfinished ??= { points: [], strokes: [] };
    ({ points, strokes } = unfinished);
    before = { ...stage.layers };
    Object.assign(stage.layers, { heat: false, optimal: false, real: false, fake: false, arrows: false, grid: false });
    stage.overlay = paint;
    stage.element.classList.add("drawing");
    element.hidden = false;
    board.active = true;
    addEventListener("keydown", escape);
    told();
    changed();
  }

  function escape(event) {
    if (event.key === "Escape" && !event.target.closest("select, dialog")) finish(false); // there it closes what is open
  }

  async function finish(keep) {
    if (!board.active) return;
    if (keep) {
      use.disabled = true;
      const done = await send(points);
      if (!done) return changed(); // the sentence why was shown
    }
    board.active = false;
    unfinished = null;
    removeEventListener("keydown", escape);
    element.hidden = true;
    stage.overlay = null;
    stage.element.classList.remove("drawing");
    Object.assign(stage.layers, before);
    told();
    stage.draw();
  }

  function spread(x, y, n) {
    const r = stage.reach();
    for (let i = 0; i < n && points.length < MOST; i++) {
      const [a, b] = [Math.random(), Math.random()];
      const length = BRUSH * r * Math.sqrt(-2 * Math.log(1 - a));
      const clip = (value) => Math.min(Math.max(value, -0.98 * r), 0.98 * r);
      points.push([clip(x + length * Math.cos(2 * Math.PI * b)), clip(y + length * Math.sin(2 * Math.PI * b))]);
    }
  }

  function shape(name) {
    strokes.push(points.length);
    const r = stage.reach();
    for (let i = 0; i < 2000; i++) {
      const [x, y] = SHAPES[name](i / 2000);
      spread(x * r, y * r, 1);
    }
    changed();
  }

  function undo() {
    points.length = strokes.pop() ?? 0;
    changed();
  }

  function changed() {
    use.disabled = points.length < FEWEST;
    count.textContent = points.length ? t("lab.draw.count", { n: context.format.count(points.length) }) : t("lab.draw.hint");
    stage.draw();
  }

  function paint(ctx, place, scale) {
    ctx.fillStyle = colour("real");
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    for (const [x, y] of points) {
      ctx.moveTo(place.x(x) + 1.8 * scale, place.y(y));
      ctx.arc(place.x(x), place.y(y), 1.8 * scale, 0, 2 * Math.PI);
    }
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  const { canvas } = stage;
  canvas.addEventListener("pointerdown", (event) => {
    if (!board.active) return;
    down = true;
    canvas.setPointerCapture(event.pointerId);
    strokes.push(points.length);
    spread(...stage.toPlane(event), 3 * AT_ONCE);
    changed();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!board.active || !down) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) spread(...stage.toPlane(one), AT_ONCE);
    changed();
  });
  context.onLeave(() => removeEventListener("keydown", escape));
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (down = false));
  return board;
}
