/* The stage for points: the plane, what is real, what the generator makes of its latents, what the discriminator thinks where. */

import { h } from "./dom.js";
import { channels, colour } from "./theme.js";

const TINT = 0.42; // how much of a side's colour the surest place of the surface has
const FLAT = 0.4; // steps of 256 within a cell: where the surface is that flat, its border means nothing
const ARROW = 0.16; // the longest arrow, as a share of half the plane
const ARROW_MEMORY = 0.998; // of the longest arrow, a frame

/** context: of the view; layers: which are on at first. Returns {element, canvas, show(frame), layers, toggle(name), toPlane(event), place}. */
export function pointStage(context, layers = {}) {
  const canvas = h("canvas", { role: "img" });
  const element = h("div", { class: "stage-canvas square" }, canvas);
  const stage = {
    element, canvas, layers: { heat: true, optimal: false, real: true, fake: true, arrows: false, grid: false, ...layers },
    overlay: null,
  };
  let frame = null;
  let ramp = null;
  const arrows = { data: null, unit: 0 };

  function draw() {
    const side = Math.round(element.clientWidth * Math.min(devicePixelRatio, 2));
    if (!side) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const ctx = canvas.getContext("2d");
    const place = placing(side, reach(frame));
    ctx.clearRect(0, 0, side, side);
    ctx.fillStyle = colour("card");
    ctx.fillRect(0, 0, side, side);
    const scale = side / 560;
    if (frame) {
      const { arrays } = frame;
      const surface = stage.layers.optimal && arrays.optimal ? arrays.optimal : stage.layers.heat ? arrays.heat : null;
      if (surface) drawSurface(ctx, side, surface, (ramp ??= makeRamp()), scale);
      if (stage.layers.grid && arrays.grid) drawGrid(ctx, arrays.grid, place, scale);
      if (stage.layers.fake && arrays.fake) drawPoints(ctx, arrays.fake, place, colour("g-fill"), 2.3 * scale, 0.9);
      if (stage.layers.real && arrays.real) drawPoints(ctx, arrays.real, place, colour("real"), 1.5 * scale, 0.62);
      if (stage.layers.arrows && arrays.arrows) drawArrows(ctx, arrays.arrows, place, scale, arrowUnit(arrows, frame));
    }
    stage.overlay?.(ctx, place, scale);
  }

  stage.draw = draw;
  stage.reach = () => reach(frame);
  stage.show = (next) => {
    frame = next;
    draw();
  };
  stage.toggle = (name) => {
    stage.layers[name] = !stage.layers[name];
    draw();
    return stage.layers[name];
  };
  stage.toPlane = (event) => {
    const box = canvas.getBoundingClientRect();
    const r = reach(frame);
    return [((event.clientX - box.left) / box.width) * 2 * r - r, r - ((event.clientY - box.top) / box.height) * 2 * r];
  };
  const resizing = new ResizeObserver(draw);
  resizing.observe(element);
  context.onLeave(() => resizing.disconnect());
  context.onTheme(() => {
    ramp = null;
    requestAnimationFrame(draw);
  });
  return stage;
}

const reach = (frame) => frame?.meta.extent ?? 2;

/** From the plane to the canvas. */
function placing(side, r) {
  const scale = side / (2 * r);
  return { x: (value) => (value + r) * scale, y: (value) => (r - value) * scale, scale, r };
}

/** 256 colours: from the generator's (surely generated) over the card's (a coin's toss) to the discriminator's (surely real). */
function makeRamp() {
  const [generated, even, real] = ["g-fill", "card", "d-fill"].map(channels);
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const lean = i / 127.5 - 1;
    const end = lean < 0 ? generated : real;
    const share = TINT * Math.abs(lean) ** 0.8;
    for (let c = 0; c < 3; c++) table[4 * i + c] = even[c] * (1 - share) + end[c] * share;
    table[4 * i + 3] = 255;
  }
  return table;
}

const small = document.createElement("canvas");

function drawSurface(ctx, side, { data: seen, shape: [rows, columns] }, ramp, scale) {
  const data = smoothed(seen, rows, columns);
  small.width = columns;
  small.height = rows;
  const picture = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = 4 * Math.round(data[(rows - 1 - row) * columns + column]); // row 0 of the data is at the bottom
      picture.data.set(ramp.subarray(from, from + 4), 4 * (row * columns + column));
    }
  }
  small.getContext("2d").putImageData(picture, 0, 0);
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(small, 0, 0, side, side);
  drawBorder(ctx, side, data, rows, columns, scale);
}

/** The line where the discriminator cannot tell: marching squares at one half, the cells' middles being the corners. */
function drawBorder(ctx, side, data, rows, columns, scale) {
  const half = 127.5;
  const cell = side / columns;
  const at = (row, column) => data[row * columns + column];
  const x = (column) => (column + 0.5) * cell;
  const y = (row) => side - (row + 0.5) * cell;
  ctx.beginPath();
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const a = at(row, column), b = at(row, column + 1), c = at(row + 1, column + 1), d = at(row + 1, column);
      if (Math.max(a, b, c, d) - Math.min(a, b, c, d) < FLAT) continue;
      const cuts = [];
      if (a < half !== b < half) cuts.push([x(column + (half - a) / (b - a)), y(row)]);
      if (b < half !== c < half) cuts.push([x(column + 1), y(row + (half - b) / (c - b))]);
      if (d < half !== c < half) cuts.push([x(column + (half - d) / (c - d)), y(row + 1)]);
      if (a < half !== d < half) cuts.push([x(column), y(row + (half - a) / (d - a))]);
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        ctx.moveTo(...cuts[i]);
        ctx.lineTo(...cuts[i + 1]);
      }
    }
  }
  ctx.strokeStyle = colour("ink-2");
  ctx.lineWidth = 1.1 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Each cell with its neighbours, weighed 1 2 1 along both sides: the surface comes in 256 steps and by every other row at a
 *  time, and neither should be seen. */
function smoothed(data, rows, columns) {
  return weighed(weighed(data, rows, columns, columns, 1), columns, rows, 1, columns);
}

function weighed(data, lines, length, between, along) {
  const out = new Float32Array(data.length);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const at = line * between + i * along;
      out[at] = (data[i ? at - along : at] + 2 * data[at] + data[i + 1 < length ? at + along : at]) / 4;
    }
  }
  return out;
}

function drawPoints(ctx, { data, shape: [n] }, place, ink, radius, alpha) {
  ctx.fillStyle = ink;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  for (let i = 0; i < n; i++) {
    const x = place.x(data[2 * i]);
    const y = place.y(data[2 * i + 1]);
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawGrid(ctx, { data, shape: [lines, length] }, place, scale) {
  ctx.strokeStyle = colour("g");
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = scale;
  ctx.beginPath();
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const at = 2 * (line * length + i);
      const draw = i ? ctx.lineTo : ctx.moveTo;
      draw.call(ctx, place.x(data[at]), place.y(data[at + 1]));
    }
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** How long a gradient is drawn as the longest arrow: most of the present ones, or of those not long ago. So a gradient that
 *  vanishes is seen to vanish. */
function arrowUnit(memory, { meta, arrays: { arrows: { data, shape: [n] } } }) {
  if (memory.data !== meta.data_id) Object.assign(memory, { data: meta.data_id, unit: 0 });
  const lengths = Array.from({ length: n }, (_, i) => Math.hypot(data[4 * i + 2], data[4 * i + 3])).sort((a, b) => a - b);
  memory.unit = Math.max(lengths[Math.floor(0.9 * (n - 1))], ARROW_MEMORY * memory.unit);
  return memory.unit;
}

/** Arrows from where points are to where the discriminator would have them go. unit: the gradient that has the longest arrow. */
function drawArrows(ctx, { data, shape: [n] }, place, scale, unit) {
  if (!unit) return;
  ctx.strokeStyle = ctx.fillStyle = colour("g");
  ctx.lineWidth = 1.5 * scale;
  const head = 4.5 * scale;
  for (let i = 0; i < n; i++) {
    const [px, py, dx, dy] = data.subarray(4 * i, 4 * i + 4);
    const x = place.x(px), y = place.y(py);
    const factor = (ARROW * place.r) / Math.max(unit, Math.hypot(dx, dy));
    const toX = place.x(px + dx * factor), toY = place.y(py + dy * factor);
    if (Math.hypot(toX - x, toY - y) < 2 * scale) continue;
    const angle = Math.atan2(toY - y, toX - x);
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(toX, toY);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(toX + head * Math.cos(angle), toY + head * Math.sin(angle));
    ctx.lineTo(toX + head * Math.cos(angle + 2.5), toY + head * Math.sin(angle + 2.5));
    ctx.lineTo(toX + head * Math.cos(angle - 2.5), toY + head * Math.sin(angle - 2.5));
    ctx.fill();
  }
}
