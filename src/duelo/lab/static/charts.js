/* Curves: uPlot in our colours, resized with its place, redrawn when the theme changes. */

import { h } from "./dom.js";
import { colour } from "./theme.js";

/** A curve chart. Needs the global uPlot.
 *  options: title, key: [{label, colour, dashed}] or null, series: [{label, colour, width, dash}], levels: [{at, colour}] (dashed lines;
 *  at: number or () => number), x: {time: false}, y: {log, range: [low, high] | null, format}, xFormat, height.
 *  Returns {element, set(columns), destroy()}; columns: [x, y1, y2, ...], arrays of numbers or null. */
export function chart(context, options) {
  const { format } = context;
  const body = h("div", { class: "chart-body" });
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", { class: "chart-head" }, h("h3", {}, options.title), chartKey(options)),
    body,
  );
  body.setAttribute("role", "img");
  body.setAttribute("aria-label", options.title);
  const height = options.height ?? Math.round(8.5 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
  let plot = null;
  let columns = [[], ...options.series.map(() => [])];
  let waiting = false;

  function build() {
    plot?.destroy();
    plot = new globalThis.uPlot(settings(options, format, body.clientWidth || 300, height), columns, body);
  }

  const resizing = new ResizeObserver(() => {
    if (body.clientWidth) plot ? plot.setSize({ width: body.clientWidth, height }) : build();
  });
  resizing.observe(body);
  const stop = context.onTheme(() => requestAnimationFrame(() => plot && build()));

  function destroy() {
    resizing.disconnect();
    stop();
    plot?.destroy();
    plot = null;
  }
  context.onLeave(destroy);

  return {
    element,
    destroy,
    set(next) {
      columns = next;
      if (waiting || !plot) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        plot?.setData(columns);
      });
    },
  };
}

function chartKey({ series, key }) {
  const entries = key ?? series.map((one) => ({ label: one.label, colour: one.colour, dashed: Boolean(one.dash) }));
  return h(
    "div",
    { class: "chart-key" },
    entries.map((one) => {
      const entry = h("span", { class: one.dashed ? "dashed" : null }, one.label);
      entry.style.setProperty("--swatch", `var(--${one.colour})`);
      return entry;
    }),
  );
}

function settings(options, format, width, height) {
  const faint = colour("line");
  const words = colour("ink-3");
  const font = `${Math.round(0.75 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize))}px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: words, font, grid: { stroke: faint, width: 1 }, ticks: { show: false }, border: { show: false } };
  const y = options.y ?? {};
  return {
    width,
    height,
    padding: [8, 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { distr: y.log ? 3 : 1, range: y.range ?? undefined } },
    axes: [
      { ...axis, size: 26, space: 70, values: (_, all) => all.map((value) => (options.xFormat ?? shortCount)(value, format)), grid: { show: false } },
      { ...axis, size: 46, space: 24, splits: y.log ? decades : undefined, filter: y.log ? (_, all) => all : undefined, values: (_, all) => all.map((value) => (value === null ? "" : (y.format ?? format.number)(value, 2))) },
    ],
    series: [
      {},
      ...options.series.map((one) => ({
        label: one.label, stroke: colour(one.colour), width: one.width ?? 1.75, dash: one.dash, points: { show: false }, spanGaps: true,
      })),
    ],
    hooks: { draw: [(plot) => drawLevels(plot, options.levels ?? [])] },
  };
}

/** The powers of ten within a range; where it spans few of them, also twice and five times these. */
function decades(plot, axis, low, high) {
  const steps = high / low < 200 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    found.push(...steps.map((step) => step * 10 ** power).filter((value) => value >= low * 0.999 && value <= high * 1.001));
  }
  return found.length > 1 ? found : [low, high];
}

/** 123456 -> "123k", so that axes stay short. */
function shortCount(value, format) {
  if (value >= 1e6) return `${format.number(value / 1e6, 3)} M`;
  return value >= 1000 ? `${format.number(value / 1000, 3)} k` : format.count(value);
}

/** Dashed lines at values that mean something: an equilibrium, 50 %. */
function drawLevels(plot, levels) {
  const { ctx, bbox } = plot;
  for (const level of levels) {
    const at = typeof level.at === "function" ? level.at() : level.at;
    if (!Number.isFinite(at)) continue;
    const y = Math.round(plot.valToPos(at, "y", true)) + 0.5;
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = colour(level.colour);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}
