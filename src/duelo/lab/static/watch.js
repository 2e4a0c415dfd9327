/* Watching the duel: the referee's bar, the stage, the curves, and everything that can be changed. */

import { controls } from "./controls.js";
import { curves } from "./curves.js";
import { h } from "./dom.js";
import { drawingBoard } from "./drawing.js";
import { findings } from "./findings.js";
import { imageStage } from "./images.js";
import { liveGame } from "./live.js";
import { refereeBar } from "./referee.js";
import { pointStage } from "./stage.js";
import { transport } from "./transport.js";

const LAYERS = [
  ["real", "real"],
  ["fake", "g"],
  ["heat", "d"],
  ["optimal", "d"],
  ["arrows", "g"],
  ["grid", "g"],
];
const RIVALS = { heat: "optimal", optimal: "heat" }; // both colour the whole plane: one at a time
const chosen = {}; // layers as they were left, for when the view comes back

export function mount(element, context) {
  const { t } = context;
  const live = liveGame(context);
  const bar = refereeBar(context);
  const stage = gameStage(context, live);
  const transporting = transport(context, live);
  const drawn = curves(context, ["right", "losses", "gradients", "rates"]);
  const said = findings(context);
  const draw = h("button", { type: "button", class: "button small", onclick: () => stage.draw() }, t("lab.draw.begin"));
  const dials = controls(context, live, { extra: { start: [draw] } });
  const lost = h("p", { class: "notice bad", role: "alert", hidden: true }, t("lab.lost"));
  const reading = h("p", { class: "notice", hidden: true });

  let grid;
  element.append(
    h("h1", { class: "visually-hidden" }, t("lab.watch.title")),
    lost,
    reading,
    live.notice,
    h(
      "div",
      { class: "watch" },
      h(
        "div",
        { class: "stack watch-main" },
        bar.element,
        transporting.element,
        (grid = h(
          "div",
          { class: "watch-grid" },
          h("section", { class: "card stage", "aria-label": t("lab.stage.title") }, stage.element),
          h("div", { class: "stack" }, h("section", { class: "card", "aria-label": t("lab.curves.title") }, drawn.element), said.element),
        )),
      ),
      h("section", { class: "card controls-card", "aria-label": t("lab.controls.title") }, h("div", { class: "card-head" }, h("h2", {}, t("lab.controls.title"))), dials.element),
    ),
  );

  live.on("settings", () => [bar, transporting, dials, stage, said].forEach((part) => part.show(live)));
  live.on("tick", () => [bar, transporting, drawn, said].forEach((part) => part.show(live)));
  live.on("anew", () => [drawn, said].forEach((part) => part.show(live)));
  for (const name of ["duel", "finding", "failed"]) live.on(name, () => said.show(live));
  live.on("failed", () => transporting.show(live));
  live.on("frame", () => {
    grid.classList.toggle("with-images", live.frame.meta.kind === "images");
    stage.show(live);
  });
  live.on("connection", () => (lost.hidden = live.connected));
  live.on("progress", () => {
    const { stage, done, total } = live.progress;
    reading.textContent = t("lab.runs.read_so_far", { stage: stage[context.lang], done: context.format.count(done), total: context.format.count(total) });
  });
  for (const name of ["progress", "settings", "tick", "failed"]) live.on(name, () => (reading.hidden = live.state !== "starting" || !live.progress));
  live.load().then((told) => told?.state === "empty" && live.start({ play: false }));
  return () => {};
}

/** The stage that fits the data: for points or for images. own: its layers are not those that were left on elsewhere;
 *  beside: what stands beside the plane, under its layers. */
export function gameStage(context, live, { layers = {}, own = false, beside = null } = {}) {
  const { t, format } = context;
  const points = pointStage(context, own ? layers : { ...layers, ...chosen });
  const images = imageStage(context);
  const board = drawingBoard(context, points, (drawn) => live.draw(drawn), dress);
  const waiting = h("div", { class: "stage-waiting" }, t("lab.stage.waiting"));
  points.element.append(waiting);
  points.canvas.setAttribute("aria-label", t("lab.stage.waiting"));
  const summary = h("p", { class: "visually-hidden" });
  const key = h("div", { class: "stage-key", role: "group", "aria-label": t("lab.stage.layers") }, LAYERS.map(([name, tone]) => layerChip(name, tone)));
  const plane = h("div", { class: own ? "stage-plane beside" : "stage-plane" }, points.element, h("div", { class: "stage-side" }, key, beside));
  const element = h("div", { class: "stack game-stage" }, board.element, plane, images.element, summary);
  images.element.hidden = true;

  live.showOptimal(points.layers.optimal);

  function layerChip(name, tone) {
    const chip = h("button", { type: "button", class: `chip ${tone}`, "aria-pressed": String(points.layers[name]), title: t(`lab.layer_hint.${name}`) }, t(`lab.layer.${name}`));
    chip.dataset.layer = name;
    chip.addEventListener("click", () => {
      if (toggle(name) && points.layers[RIVALS[name]]) toggle(RIVALS[name]);
    });
    return chip;
  }

  function toggle(name) {
    const on = points.toggle(name);
    if (!own) chosen[name] = on;
    key.querySelector(`[data-layer=${name}]`).setAttribute("aria-pressed", String(on));
    if (name === "optimal") live.showOptimal(on);
    return on;
  }

  /** Show what there is to show: points or images; who draws sees the plane in any case. */
  function dress() {
    const kind = live.frame?.meta.kind ?? "points";
    const drawing = board.active;
    plane.hidden = kind !== "points" && !drawing;
    images.element.hidden = kind !== "images" || drawing;
    waiting.hidden = Boolean(live.frame) || drawing;
    return kind;
  }

  let described = 0;
  if (!own) board.resume();
  return {
    element,
    draw() {
      board.begin(); // first: its tools are above the stage, and should be seen, too
      element.scrollIntoView({ block: "start" });
      board.element.querySelector("button").focus({ preventScroll: true });
    },
    show() {
      const kind = dress();
      if (!live.frame) return;
      if (kind === "images") images.show(live);
      else points.show(live.frame);
      element.dataset.frame = live.frame.meta.frame;
      if (performance.now() - described < 4000) return;
      described = performance.now();
      const judged = live.tick?.judgement;
      const modes = Number.isFinite(judged?.modes) ? t("lab.stage.modes", { n: judged.modes, of: judged.k }) : "";
      const text = t("lab.stage.summary", { n: format.count(live.frame.meta.nimg), modes });
      summary.textContent = text;
      points.canvas.setAttribute("aria-label", text);
    },
  };
}
