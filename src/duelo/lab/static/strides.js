/* The chapter on strides: a convolution reads squares, a transposed one paints them, pixel by pixel, at one's own pace. */

import { grown, layers, painted, read, shrunk, transposed, zeros } from "./convolution.js";
import { clear, h, icon } from "./dom.js";
import { channels, colour } from "./theme.js";

const SMALL = [
  [0.1, 0.9, 0.8, 0.1],
  [0.2, 0.1, 0.7, 0.3],
  [0.1, 0.5, 0.8, 0.1],
  [0.9, 1.0, 0.9, 0.8],
];
const LARGE = 8; // side of the image that is read
const PACE_MS = 420;
const KERNELS = {
  ones: (k) => zeros(k).map((row) => row.map(() => 1)),
  tent: (k) => zeros(k).map((row, i) => row.map((_, j) => tent(i, k) * tent(j, k))),
  edge: (k) => zeros(k).map((row) => row.map((_, j) => (j < k / 2 ? 1 : -1))),
};
const tent = (i, k) => Math.round(100 * (1 - Math.abs(i - (k - 1) / 2) / (k / 2 + 0.5))) / 100;

/** context: of the view; reached(): called once, when both have been seen to their end. Returns the element. */
export function stridesLab(context, reached) {
  const { t, format } = context;
  const state = { way: "transposed", kernel: 2, stride: 2, padding: 0, weights: "ones", at: 0, playing: false };
  const seen = new Set(); // ways that were followed to their end, and whether squares overlapped there
  const boards = { input: board(context), kernel: board(context), output: board(context) };
  const sum = h("p", { class: "sum well mono", "aria-live": "polite" });
  const play = h("button", { type: "button", class: "button primary play" });
  const note = h("p", { class: "notice" });
  const captions = { input: h("h3"), kernel: h("h3", {}, t("lab.strides.kernel")), output: h("h3") };
  const setting = (name, values) => segmented(t(`lab.strides.${name}`), values, state[name], (value) => change({ [name]: value }));
  const shelf = h("div", { class: "strides-boards" }, ["input", "kernel", "output"].map((name) => h("div", { class: `board board-${name}` }, captions[name], boards[name].canvas)));
  const element = h(
    "section",
    { class: "card strides", "aria-label": t("lab.strides.title") },
    h(
      "div",
      { class: "cluster" },
      segmented(t("lab.strides.way"), [["transposed", t("lab.strides.transposed")], ["convolution", t("lab.strides.convolution")]], "transposed", (way) => change({ way })),
    ),
    h(
      "div",
      { class: "cluster" },
      setting("stride", [[1, "1"], [2, "2"], [3, "3"]]),
      setting("kernel", [[2, "2×2"], [3, "3×3"], [4, "4×4"]]),
      segmented(t("lab.strides.weights"), Object.keys(KERNELS).map((name) => [name, t(`lab.strides.weights_${name}`)]), "ones", (weights) => change({ weights })),
    ),
    shelf,
    sum,
    h(
      "div",
      { class: "transport" },
      play,
      h("button", { type: "button", class: "button", onclick: () => go(state.at + 1), dataset: { step: "1" } }, t("lab.strides.next")),
      h("button", { type: "button", class: "button", onclick: () => go(state.at - 1) }, t("lab.strides.previous")),
      h("button", { type: "button", class: "button quiet", onclick: () => go(steps()) }, t("lab.strides.all")),
    ),
    note,
  );

  const input = () => (state.way === "transposed" ? SMALL : enlarge(SMALL, LARGE));
  const kernel = () => KERNELS[state.weights](state.kernel);
  const outputSide = () => (state.way === "transposed" ? grown : shrunk)(input().length, state.kernel, state.stride, state.padding);
  const steps = () => (state.way === "transposed" ? input().length ** 2 : outputSide() ** 2);
  let timer = 0;

  function change(changes) {
    Object.assign(state, changes, { at: 0 });
    pause();
    draw();
  }

  function go(at) {
    state.at = Math.min(Math.max(at, 0), steps());
    if (state.at === steps()) {
      pause();
      seen.add(state.way);
      if (seen.has("transposed") && seen.has("convolution")) reached();
    }
    draw();
  }

  function pause() {
    state.playing = false;
    clearInterval(timer);
    dress();
  }

  function toggle() {
    if (state.playing) return pause();
    if (state.at === steps()) state.at = 0;
    state.playing = true;
    timer = setInterval(() => go(state.at + 1), PACE_MS);
    dress();
    return draw();
  }

  function dress() {
    clear(play).append(icon(state.playing ? "pause" : "play"), t(state.playing ? "lab.transport.pause" : "lab.transport.play"));
  }

  function draw() {
    const [image, weights] = [input(), kernel()];
    captions.input.textContent = t("lab.strides.input", { n: image.length });
    captions.output.textContent = t("lab.strides.output", { n: outputSide() });
    // a pixel is equally large on all three
    shelf.style.setProperty("--boards", `${image.length}fr ${weights.length}fr ${outputSide()}fr`);
    shelf.style.setProperty("--two-boards", `${image.length}fr ${weights.length}fr`);
    (state.way === "transposed" ? drawTransposed : drawConvolution)(image, weights);
    element.dataset.at = state.at;
    element.dataset.steps = steps();
    note.textContent = remark(state, t);
  }

  function drawTransposed(image, weights) {
    const now = state.at - 1;
    const out = transposed(image, weights, state.stride, state.padding, state.at);
    const square = now >= 0 ? painted(image, weights, state.stride, state.padding, now) : [];
    const n = image.length;
    boards.input.show(image, { marked: now >= 0 ? [[Math.floor(now / n), now % n]] : [], tone: "g" });
    boards.kernel.show(weights);
    boards.output.show(out, { marked: square.map((one) => [one.row, one.column]), tone: "g", outline: { size: state.stride } });
    if (now < 0) return (sum.textContent = t("lab.strides.start_transposed"));
    const pixel = image[Math.floor(now / n)][now % n];
    const values = square.map((one) => format.number(one.value, 2)).join("  ");
    return (sum.textContent = t("lab.strides.paints", { pixel: format.number(pixel, 2), side: state.kernel, values }));
  }

  function drawConvolution(image, weights) {
    const now = state.at - 1;
    const side = outputSide();
    const out = zeros(side).map((row) => row.map(() => null));
    for (let i = 0; i < state.at; i++) {
      const terms = read(image, weights, state.stride, state.padding, Math.floor(i / side), i % side);
      out[Math.floor(i / side)][i % side] = terms.reduce((total, one) => total + one.pixel * one.weight, 0);
    }
    const terms = now >= 0 ? read(image, weights, state.stride, state.padding, Math.floor(now / side), now % side) : [];
    boards.input.show(image, { marked: terms.map((one) => [one.row, one.column]), tone: "d" });
    boards.kernel.show(weights);
    boards.output.show(out, { marked: now >= 0 ? [[Math.floor(now / side), now % side]] : [], tone: "d" });
    if (now < 0) return (sum.textContent = t("lab.strides.start_convolution"));
    const value = out[Math.floor(now / side)][now % side];
    const words = terms.map((one) => `${format.number(one.pixel, 2)}·${format.number(one.weight, 2)}`).join(" + ");
    return (sum.textContent = `${words} = ${format.number(value, 3)}`);
  }

  play.addEventListener("click", toggle);
  context.onLeave(pause);
  context.onTheme(() => requestAnimationFrame(draw));
  dress();
  draw();
  return element;
}

/** What there is to see with these settings. */
function remark({ way, kernel, stride }, t) {
  if (way === "convolution") return t(stride === 1 ? "lab.strides.remark_slow" : "lab.strides.remark_shrinks", { stride });
  if (kernel === stride) return t("lab.strides.remark_tiles");
  if (kernel < stride) return t("lab.strides.remark_holes");
  const counts = new Set(layers(6, kernel, stride).slice(kernel, -kernel).flatMap((row) => row.slice(kernel, -kernel)));
  return t(counts.size > 1 ? "lab.strides.remark_checkerboard" : "lab.strides.remark_overlap");
}

/** A larger image with the same shape: what the discriminator would be shown. */
function enlarge(image, side) {
  return zeros(side).map((row, i) => row.map((_, j) => image[Math.floor((i * image.length) / side)][Math.floor((j * image.length) / side)]));
}

function segmented(label, options, first, choose) {
  const buttons = options.map(([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === first), dataset: { value }, onclick: () => press(value) }, text),
  );
  function press(value) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(options[i][0] === value)));
    choose(value);
  }
  return h("div", { class: "field" }, h("span", {}, label), h("div", { class: "segmented", role: "group", "aria-label": label }, buttons));
}

/** A square of numbers, drawn as grey cells with the numbers in them. */
function board(context) {
  const canvas = h("canvas", { role: "img" });
  let shown = null;
  const write = (value) => (value === null ? "–" : context.format.number(Math.round(100 * value) / 100, 3));

  function draw() {
    if (!shown || !canvas.clientWidth) return;
    const { values, marked, tone, outline } = shown;
    const side = values.length;
    const cell = Math.max(8, Math.floor((canvas.clientWidth * Math.min(devicePixelRatio, 2)) / side));
    canvas.width = canvas.height = side * cell + 2;
    const ctx = canvas.getContext("2d");
    ctx.font = `${Math.min(cell * 0.36, 40)}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const shades = [channels("card"), channels("ink")];
    const most = Math.max(1, ...values.flat().map((value) => Math.abs(value ?? 0)));
    values.forEach((row, i) => row.forEach((value, j) => drawCell(ctx, { text: value === null ? "" : write(value), share: (0.75 * Math.abs(value ?? 0)) / most, i, j, cell, shades })));
    if (outline) drawRaster(ctx, side, cell, outline.size);
    drawMarked(ctx, marked.filter((place) => place.every((at) => at >= 0 && at < side)), cell, colour(`${tone}-fill`));
  }

  const resizing = new ResizeObserver(draw);
  resizing.observe(canvas);
  context.onLeave(() => resizing.disconnect());
  return {
    canvas,
    show(values, { marked = [], tone = "d", outline = null } = {}) {
      shown = { values, marked, tone, outline };
      canvas.setAttribute("aria-label", values.map((row) => row.map(write).join(" ")).join("; "));
      draw();
    },
  };
}

function drawCell(ctx, { text, share, i, j, cell, shades: [low, high] }) {
  const grey = low.map((from, c) => Math.round(from * (1 - share) + high[c] * share));
  ctx.fillStyle = `rgb(${grey.join(" ")})`;
  ctx.fillRect(j * cell + 1, i * cell + 1, cell, cell);
  ctx.strokeStyle = colour("line");
  ctx.lineWidth = 1;
  ctx.strokeRect(j * cell + 1.5, i * cell + 1.5, cell - 1, cell - 1);
  ctx.fillStyle = colour(contrast(grey, low) > contrast(grey, high) ? "card" : "ink");
  ctx.fillText(text, (j + 0.5) * cell + 1, (i + 0.5) * cell + 1);
}

/** Contrast of two colours as WCAG 2 defines it. */
function contrast(a, b) {
  const light = (rgb) => rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dark + 0.05);
}

/** A frame around the places that are read or painted now. */
function drawMarked(ctx, places, cell, ink) {
  if (!places.length) return;
  const [rows, columns] = [0, 1].map((axis) => places.map((place) => place[axis]));
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  ctx.strokeStyle = ink;
  ctx.lineWidth = Math.max(3, cell / 11);
  ctx.strokeRect(left * cell + 1, top * cell + 1, (Math.max(...columns) - left + 1) * cell, (Math.max(...rows) - top + 1) * cell);
}

/** Lines every `size` cells: the squares of the stride's size, one for each input pixel. */
function drawRaster(ctx, side, cell, size) {
  ctx.strokeStyle = colour("ink-2");
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (let at = size; at < side; at += size) {
    ctx.moveTo(at * cell + 1, 0);
    ctx.lineTo(at * cell + 1, side * cell);
    ctx.moveTo(0, at * cell + 1);
    ctx.lineTo(side * cell, at * cell + 1);
  }
  ctx.stroke();
}
