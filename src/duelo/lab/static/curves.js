/* The curves of a live game: losses, how often D is right, lengths of the gradients, learning rates where they change. */

import { chart } from "./charts.js";
import { h } from "./dom.js";

const EVERY_MS = { points: 250, images: 1000 }; // curves are redrawn so often: networks of images need both cores

/** context: of the view; which: some of "right", "losses", "gradients", "rates"; rem: the height of each. Returns {element, show(live)}. */
export function curves(context, which = ["right", "losses", "gradients"], { rem } = {}) {
  const { t, format } = context;
  let tick = null;
  const d = t("lab.curves.d");
  const g = t("lab.curves.g");
  const all = {
    losses: () => ({
      columns: ["discriminator_loss", "generator_loss"],
      options: {
        title: t("lab.curves.losses"),
        series: [{ label: d, colour: "d-fill" }, { label: g, colour: "g-fill" }],
        key: [{ label: d, colour: "d-fill" }, { label: g, colour: "g-fill" }, { label: t("lab.curves.equilibrium"), colour: "ink-3", dashed: true }],
        levels: [
          { at: () => tick?.losses?.discriminator_equilibrium, colour: "d-fill" },
          { at: () => tick?.losses?.generator_equilibrium, colour: "g-fill" },
        ],
      },
    }),
    right: () => ({
      columns: ["real_right", "referee_right", "fake_right"],
      options: {
        title: t("lab.curves.right"),
        series: [
          { label: t("lab.referee.train"), colour: "real", width: 1.5 },
          { label: t("lab.referee.heldout"), colour: "ink-3", width: 1.5, dash: [2, 3], rough: true }, // it is seldom looked at
          { label: t("lab.referee.fake"), colour: "g-fill" },
        ],
        key: [
          { label: t("lab.curves.train"), colour: "real" },
          { label: t("lab.curves.heldout"), colour: "ink-3", dashed: true },
          { label: t("lab.curves.fake"), colour: "g-fill" },
        ],
        levels: [{ at: 0.5, colour: "ink" }],
        y: { range: [0, 1], format: (value) => format.percent(value) },
      },
    }),
    gradients: () => ({
      columns: ["discriminator_gradient", "generator_gradient"],
      options: {
        title: t("lab.curves.gradients"),
        series: [{ label: d, colour: "d-fill" }, { label: g, colour: "g-fill" }],
        y: { log: true },
      },
    }),
    rates: () => ({
      columns: ["discriminator_rate", "generator_rate"],
      shown: ({ balance, anneal }) => balance === "adaptive" || anneal > 0, // else they are what the controls say
      options: {
        title: t("lab.curves.rates"),
        series: [{ label: d, colour: "d-fill" }, { label: g, colour: "g-fill" }],
        y: { log: true },
      },
    }),
  };
  const charts = which.map((name) => {
    const { columns, options, shown } = all[name]();
    Object.assign(options, { rem, smooth: name !== "rates", xWord: t("lab.vitals.nimg") });
    const plot = chart(context, options);
    plot.element.hidden = Boolean(shown); // until it is known
    return { columns, plot, log: options.y?.log, shown };
  });
  const element = h("div", { class: "charts" }, charts.map((one) => one.plot.element));
  let last = 0;

  return {
    element,
    show(live) {
      const now = performance.now();
      if (now - last < EVERY_MS[live.frame?.meta.kind ?? "points"] && live.state === "playing") return;
      last = now;
      tick = live.tick;
      for (const { columns, plot, log, shown } of charts) {
        plot.element.hidden = Boolean(shown) && !shown(live.settings);
        const kept = columns.map((name) => (log ? live.curves[name].map((value) => (value > 0 ? value : null)) : live.curves[name]));
        plot.set([live.curves.nimg, ...kept]);
      }
    },
  };
}
