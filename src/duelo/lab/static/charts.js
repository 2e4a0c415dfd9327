/* Curves: uPlot in our colours, resized with its place, redrawn when the theme changes. */

import { h } from "./dom.js";
import { colour } from "./theme.js";

const MEAN_OF = 40; // values of a running mean, at most

/** A curve chart. Needs the global uPlot.
 *  options: title, key: [{label, colour, dashed}] or null, series: [{label, colour, width, dash}], levels: [{at, colour}] (dashed lines;
 *  at: number or () => number), y: {log, range: [low, high] | null, format}, xFormat, xWord: what x counts, xSteps: between the numbers along x; rem: its height; dots: mark each value; smooth: draw running means, and
 *  the values themselves faint behind them (but not of a series that is `rough`).
 *  Returns {element, set(columns), destroy()}; columns: [x, y1, y2, ...], arrays of numbers or null. */
export function chart(context, options) {
  const { format } = context;
  const none = h("p", { class: "chart-none hint" }, context.t("lab.curves.none"));
  const told = h("div", { class: "tooltip", hidden: true });
  const body = h("div", { class: "chart-body" }, none, told);
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", { class: "chart-head" }, h("h3", {}, options.title), chartKey(options)),
    body,
  );
  body.setAttribute("role", "img");
  body.setAttribute("aria-label", options.title);
  const height = Math.round((options.rem ?? 8.5) * Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
  body.style.minHeight = `${height}px`;
  let plot = null;
  const lines = lined(options);
  let columns = lines.map(() => []).concat([[]]);

  function build() {
    plot?.destroy();
    plot = new globalThis.uPlot(settings(options, lines, format, body.clientWidth || 300, height, tell), columns, body);
  }

  /** What the curves are where the pointer is, in the corner that is farther from it. */
  function tell({ cursor: { idx, left }, over }) {
    told.hidden = idx === null || idx === undefined || left < 0;
    if (told.hidden) return;
    told.classList.toggle("right", left < over.clientWidth / 2);
    const values = lines.flatMap((line, i) => (line.mean ? [] : [[line.label, columns[i + 1][idx]]])); // no running means
    told.replaceChildren(
      h("b", {}, [(options.xFormat ?? shortCount)(columns[0][idx], format), options.xWord ?? ""].join(" ")),
      ...values.map(([label, value]) => h("div", {}, `${label}: ${value === null || value === undefined ? "–" : (options.y?.format ?? format.number)(value, 3)}`)),
    );
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
    set([x, ...values]) {
      columns = [x, ...lines.map((line) => (line.mean ? running(values[line.of], options.y?.log) : values[line.of]))];
      none.hidden = x.length > (options.dots ? 0 : 1);
      plot?.setData(columns);
    },
  };
}

/** What is drawn of each series: its values; where these are smoothed, faint, and their running means over them. */
function lined({ series, smooth }) {
  const faint = series.flatMap((one, of) => (smooth && !one.rough ? [{ ...one, of, alpha: 0.25, width: 1 }] : []));
  return [...faint, ...series.map((one, of) => ({ ...one, of, mean: Boolean(smooth) && !one.rough }))];
}

/** The mean of each value and those before it, of a twelfth of all or of MEAN_OF at most; geometric where the scale is logarithmic. */
export function running(values, log = false) {
  const span = Math.min(Math.max(Math.round(values.length / 12), 1), MEAN_OF);
  const scaled = log ? values.map((value) => (value > 0 ? Math.log(value) : null)) : values;
  let [sum, known] = [0, 0];
  const take = (value, sign) => {
    if (value === null || value === undefined) return;
    sum += sign * value;
    known += sign;
  };
  return scaled.map((value, i) => {
    take(value, 1);
    if (i >= span) take(scaled[i - span], -1);
    if (!known || value === null || value === undefined) return null;
    return log ? Math.exp(sum / known) : sum / known;
  });
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

function settings(options, lines, format, width, height, tell) {
  const faint = colour("line");
  const words = colour("ink-3");
  const font = `${Math.round(0.75 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize))}px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: words, font, grid: { stroke: faint, width: 1 }, ticks: { show: false }, border: { show: false } };
  const y = options.y ?? {};
  return {
    width,
    height,
    padding: [8, 22, 0, 0], // right: half of the last number on the axis
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { distr: y.log ? 3 : 1, range: y.range ?? undefined } },
    axes: [
      { ...axis, size: 26, space: 70, incrs: options.xSteps, values: (_, all) => all.map((value) => (options.xFormat ?? shortCount)(value, format)), grid: { show: false } },
      { ...axis, size: 46, space: 24, splits: y.log ? decades : undefined, filter: y.log ? (_, all) => all : undefined, values: (_, all) => all.map((value) => (value === null ? "" : (y.format ?? format.number)(value, 2))) },
    ],
    series: [
      {},
      ...lines.map((one) => ({
        label: one.label, stroke: colour(one.colour), width: one.width ?? 1.75, dash: one.dash, alpha: one.alpha ?? 1, points: { show: Boolean(options.dots), size: 5, fill: colour(one.colour) }, spanGaps: true,
      })),
    ],
    hooks: { draw: [(plot) => drawLevels(plot, options.levels ?? [])], setCursor: [tell] },
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
