/* Points in the plane: real and generated ones, and what is marked among them. */

import { h } from "./dom.js";
import { colour } from "./theme.js";

const NEAR = 0.06; // of the side: how near a click must be to mean a point

/** options: extent (half the side), label, onPick(index of a generated point).
 *  Returns {element, set({fake, real}), mark(name, coordinates)}; marks: "spot", "near", "lattice", "way". */
export function plane(context, { extent, label, onPick }) {
  const canvas = h("canvas", { class: "plane", role: "img", "aria-label": label, tabindex: "0" });
  const element = h("div", { class: "plane-place" }, canvas);
  const marks = {};
  let points = null;
  let picked = 0;
  let due = false;

  function draw() {
    due = false;
    const side = Math.round(element.clientWidth * Math.min(devicePixelRatio, 2));
    if (!side || !points) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const ctx = canvas.getContext("2d");
    const unit = side / 400;
    const at = (x, y) => [((x / extent + 1) / 2) * side, ((1 - y / extent) / 2) * side];
    const dots = (values, name, size, alpha) => {
      ctx.fillStyle = colour(name);
      ctx.globalAlpha = alpha;
      for (let i = 0; i < values.length; i += 2) {
        const [x, y] = at(values[i], values[i + 1]);
        ctx.fillRect(x - size * unit, y - size * unit, 2 * size * unit, 2 * size * unit);
      }
      ctx.globalAlpha = 1;
    };
    ctx.clearRect(0, 0, side, side);
    dots(points.real, "ink-3", 0.8, 0.45);
    if (marks.lattice) lattice(ctx, marks.lattice, at, unit);
    dots(points.fake, "g-fill", 1.3, 0.8);
    if (marks.way) path(ctx, marks.way, at, unit);
    if (marks.near) rings(ctx, marks.near, at, unit);
    if (marks.spot) {
      const [x, y] = at(...marks.spot);
      ctx.beginPath();
      ctx.arc(x, y, 5.5 * unit, 0, 2 * Math.PI);
      ctx.fillStyle = colour("g-fill");
      ctx.fill();
      ctx.lineWidth = 2 * unit;
      ctx.strokeStyle = colour("ink");
      ctx.stroke();
    }
  }

  function soon() {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  }

  canvas.addEventListener("click", (event) => {
    if (!points) return;
    const box = canvas.getBoundingClientRect();
    const x = (((event.clientX - box.left) / box.width) * 2 - 1) * extent;
    const y = (1 - ((event.clientY - box.top) / box.height) * 2) * extent;
    let best = -1;
    let least = 2 * extent * NEAR;
    for (let i = 0; i < points.fake.length / 2; i++) {
      const away = Math.hypot(points.fake[2 * i] - x, points.fake[2 * i + 1] - y);
      if (away < least) [best, least] = [i, away];
    }
    if (best >= 0) pick(best);
  });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move === undefined || !points) return;
    event.preventDefault();
    const n = points.fake.length / 2;
    pick((picked + move + n) % n);
  });
  function pick(index) {
    picked = index;
    onPick(index);
  }

  const resizing = new ResizeObserver(soon);
  resizing.observe(element);
  context.onLeave(() => resizing.disconnect());
  context.onTheme(soon);
  return {
    element,
    set(next) {
      points = next;
      soon();
    },
    mark(name, coordinates) {
      marks[name] = coordinates;
      soon();
    },
  };
}

function lattice(ctx, values, at, unit) {
  const side = Math.round(Math.sqrt(values.length / 2));
  ctx.strokeStyle = colour("g");
  ctx.globalAlpha = 0.4;
  ctx.lineWidth = 0.5 * unit;
  const through = (index) => {
    ctx.beginPath();
    for (let i = 0; i < side; i++) {
      const [x, y] = at(values[2 * index(i)], values[2 * index(i) + 1]);
      if (i) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
    }
    ctx.stroke();
  };
  for (let line = 0; line < side; line++) {
    through((i) => line * side + i);
    through((i) => i * side + line);
  }
  ctx.globalAlpha = 1;
}

function path(ctx, values, at, unit) {
  ctx.strokeStyle = ctx.fillStyle = colour("g");
  ctx.lineWidth = 1.5 * unit;
  ctx.beginPath();
  for (let i = 0; i < values.length; i += 2) {
    const [x, y] = at(values[i], values[i + 1]);
    if (i) ctx.lineTo(x, y);
    else ctx.moveTo(x, y);
  }
  ctx.stroke();
  for (let i = 0; i < values.length; i += 2) {
    const [x, y] = at(values[i], values[i + 1]);
    ctx.beginPath();
    ctx.arc(x, y, 2.6 * unit, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function rings(ctx, values, at, unit) {
  ctx.strokeStyle = colour("d-fill");
  ctx.lineWidth = 1.5 * unit;
  for (let i = 0; i < values.length; i += 2) {
    const [x, y] = at(values[i], values[i + 1]);
    ctx.beginPath();
    ctx.arc(x, y, 4 * unit, 0, 2 * Math.PI);
    ctx.stroke();
  }
}
