/* The referee's bar: how often the discriminator is right, against the line at 50 %. */

import { clear, h } from "./dom.js";

const SMOOTH = 0.75; // of the sentence only: the numbers are the library's own
const LEADS = [
  [0.85, "crushing"],
  [0.5, "strong"],
  [0.14, "ahead"],
  [-0.14, "even"],
  [-Infinity, "behind"],
];

/** context: of the view; compact: with fewer words. Returns {element, show(live)}. */
export function refereeBar(context, { compact = false } = {}) {
  const { t, format } = context;
  const verdict = h("div", { class: "referee-verdict" });
  const facts = h("dl", { class: "vitals" });
  const tug = h("div", { class: "tug asleep" }, h("i"), h("b"));
  const right = h("strong", {}, "–");
  const fooled = h("strong", {}, "–");
  const rows = {
    real_right: track(t("lab.referee.train"), "--real"),
    referee_right: track(t("lab.referee.heldout"), "--real", true),
    fake_right: track(t("lab.referee.fake"), "--g-fill"),
  };
  const spoken = h("p", { class: "visually-hidden" });
  const element = h(
    "section",
    { class: compact ? "referee compact" : "referee", "aria-label": t("lab.referee.title") },
    h("div", { class: "referee-head" }, verdict, facts),
    h(
      "div",
      { class: "referee-board", "aria-hidden": "true" },
      h("div", { class: "even" }, h("span", {}, h("b", {}, format.percent(0.5)), h("i", {}, t("lab.referee.even")))),
      h(
        "div",
        { class: "referee-row main" },
        h("span", { class: "name" }, right, t("lab.referee.right")),
        tug,
        h("span", { class: "value" }, fooled, t("lab.referee.fooled")),
      ),
      Object.values(rows).map((row) => row.element),
    ),
    spoken,
  );

  let lead = null;
  let said = "";

  function show(live) {
    const { tick } = live;
    const known = tick && Number.isFinite(tick.real_right) && Number.isFinite(tick.fake_right);
    if (!known) lead = null;
    tug.classList.toggle("asleep", !known);
    const share = known ? (tick.real_right + tick.fake_right) / 2 : 0.5;
    tug.style.setProperty("--at", share);
    tug.dataset.share = known ? share : "";
    right.textContent = known ? format.percent(share) : "–";
    fooled.textContent = known ? format.percent(1 - share) : "–";
    for (const [name, row] of Object.entries(rows)) row.set(known ? tick[name] : undefined, format);
    if (known) lead = lead === null || live.state !== "playing" ? 2 * share - 1 : SMOOTH * lead + (1 - SMOOTH) * (2 * share - 1);
    const name = lead === null ? "waiting" : LEADS.find(([least]) => lead >= least)[1];
    live.verdict = name;
    if (name !== said) {
      said = name;
      clear(verdict).append(t(`lab.verdict.${name}`), compact ? "" : h("small", {}, t(`lab.verdict_why.${name}`)));
    }
    showVitals(facts, live, context, compact);
    if (known && (live.heard % 30 === 1 || live.state !== "playing")) {
      const real = format.percent(tick.real_right);
      spoken.textContent = t("lab.referee.spoken", { real, fake: format.percent(tick.fake_right), lead: t(`lab.verdict.${name}`) });
    }
  }

  show({ tick: null });
  return { element, show };
}

function track(label, tone, hollow = false) {
  const dot = h("b", { class: hollow ? "hollow" : null });
  const line = h("div", { class: "track unknown" }, dot);
  line.style.setProperty("--tone", `var(${tone})`);
  const value = h("span", { class: "value" }, "–");
  return {
    element: h("div", { class: "referee-row" }, h("span", { class: "name" }, label), line, value),
    set(share, format) {
      const known = Number.isFinite(share);
      line.classList.toggle("unknown", !known);
      if (known) line.style.setProperty("--at", share);
      value.textContent = known ? format.percent(share) : "–";
      value.dataset.share = known ? share : "";
    },
  };
}

/** How much was played, how fast, and how good it is. */
function showVitals(list, live, { t, format }, compact) {
  const { tick, state } = live;
  const entries = [[t("lab.vitals.nimg"), format.count(tick?.nimg ?? live.nimg ?? 0)]];
  if (!compact && state === "playing" && tick?.rounds_per_second) entries.push([t("lab.vitals.pace"), format.number(tick.rounds_per_second, 2)]);
  const judged = tick?.judgement;
  if (Number.isFinite(judged?.modes)) {
    entries.push([t("lab.vitals.modes"), [t("lab.vitals.modes_of", { n: judged.modes, of: judged.k }), judged.k <= 10 && pips(judged)]]);
    if (!compact) entries.push([t("lab.vitals.good"), format.percent(judged.good)]);
  } else if (Number.isFinite(judged?.value)) {
    entries.push([t("lab.vitals.distance"), [format.number(judged.value, 2), h("small", { class: "hint" }, ` ${t("lab.vitals.floor", { floor: format.number(judged.floor, 2) })}`)]]);
  }
  clear(list).append(...entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function pips({ modes, k }) {
  return h("span", { class: "pips", "aria-hidden": "true" }, Array.from({ length: k }, (_, i) => h("i", { class: i < modes ? "on" : null })));
}
