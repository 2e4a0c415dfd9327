/* The guided lesson: a chapter's words on one side, its experiment on the other, and a sign when its point is reached. */

import { curves } from "./curves.js";
import { duelDiagram } from "./diagram.js";
import { clear, h, icon } from "./dom.js";
import { liveGame } from "./live.js";
import { refereeBar } from "./referee.js";
import { stridesLab } from "./strides.js";
import { transport } from "./transport.js";
import { gameStage } from "./watch.js";

const DONE = "duelo.lesson";
const COUNTED = new Set(["collapse"]); // chapters whose point is a number of things, not a share; it is no way to go either
/** What each experiment shows beside the referee's bar and the stage. */
const SHOWN = {
  networks: { diagram: "plain", curves: [] },
  expert: { curves: ["gradients"], layers: { arrows: true } },
  equilibrium: { curves: ["right"] },
  collapse: { curves: [], layers: { heat: true } },
  copying: { curves: [], layers: {} },
  vae: { curves: [] },
  actor_critic: { diagram: "actor", curves: ["gradients"], layers: { arrows: true } },
};

export function mount(element, context) {
  const { t } = context;
  const waiting = element.appendChild(h("p", { class: "hint" }, t("lab.lesson.loading")));
  context.api.get("lesson").then(
    ({ chapters }) => {
      waiting.remove();
      show(element, context, chapters);
    },
    (error) => waiting.replaceWith(h("p", { class: "notice bad", role: "alert" }, error.message)),
  );
  return () => {};
}

function show(element, context, chapters) {
  const wanted = context.params[0];
  const done = new Set(readDone());
  const at = Math.max(0, chapters.findIndex((one) => one.id === wanted));
  const chapter = chapters[at];
  const steps = h("ol", { class: "lesson-steps", "aria-label": context.t("lab.lesson.chapters") });

  function dressSteps() {
    clear(steps).append(
      ...chapters.map((one, i) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: `#lesson/${one.id}`, class: done.has(one.id) ? "done" : null, "aria-current": i === at ? "step" : null },
            h("b", {}, done.has(one.id) ? icon("check") : String(i + 1)),
            context.t(`lab.lesson.${one.id}.title`),
            done.has(one.id) && h("span", { class: "visually-hidden" }, context.t("lab.lesson.done")),
          ),
        ),
      ),
    );
  }

  function reach() {
    if (done.has(chapter.id)) return;
    done.add(chapter.id);
    writeDone([...done]);
    dressSteps();
  }

  dressSteps();
  const parts = { context, chapter, reach };
  const experiment = chapter.settings ? liveExperiment(parts) : stridesExperiment(parts);
  element.append(
    steps,
    h(
      "article",
      { class: "lesson-body" },
      beforehand(parts, experiment),
      h("div", { class: "lesson-stage" }, experiment.stage),
      afterwards(parts, experiment, neighbours(context, chapters, at)),
    ),
  );
  steps.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  document.title = `${context.t(`lab.lesson.${chapter.id}.title`)} · duelo`;
}

const key = (chapter, name) => `lab.lesson.${chapter.id}.${name}`;

/** The sentences NAME1, NAME2, ... of a chapter. */
function numbered({ t, has }, chapter, name) {
  const texts = [];
  for (let i = 1; has(key(chapter, `${name}${i}`)); i++) texts.push(t(key(chapter, `${name}${i}`)));
  return texts;
}

/** What is said before the experiment, and the button that sets it up. */
function beforehand({ context, chapter }, experiment) {
  const { t } = context;
  const { diagram } = SHOWN[chapter.id] ?? {};
  const names = (kind) => Object.fromEntries(["noise", "g", "fake", "real", "d", "opinion", "lesson"].map((name) => [name, t(`lab.diagram.${kind}_${name}`)]));
  return h(
    "div",
    { class: "lesson-text" },
    h("p", { class: "kicker" }, t(key(chapter, "kicker"))),
    h("h1", {}, t(key(chapter, "title"))),
    h("p", { class: "lead" }, t(key(chapter, "lead"))),
    numbered(context, chapter, "text").map((text) => h("p", {}, text)),
    diagram && duelDiagram(names(diagram), t(`lab.diagram.${diagram}_label`)),
    h("h2", {}, t("lab.lesson.experiment")),
    h("p", {}, t(key(chapter, "setup"))),
    experiment.setup,
  );
}

/** What to look at, the point, and what it shows. */
function afterwards({ context, chapter }, experiment, foot) {
  const { t, has } = context;
  return h(
    "div",
    { class: "lesson-text lesson-rest" },
    h("h2", {}, t("lab.lesson.look")),
    h("ul", {}, numbered(context, chapter, "look").map((text) => h("li", {}, text))),
    experiment.point,
    h("h2", {}, t("lab.lesson.shows")),
    h("p", {}, t(key(chapter, "shows"))),
    has(key(chapter, "try")) && [h("h2", {}, t("lab.lesson.try")), h("p", {}, t(key(chapter, "try")))],
    foot,
  );
}

function neighbours({ t }, chapters, at) {
  const link = (chapter, kind, mark) => chapter && h("a", { class: `button ${kind}`, href: `#lesson/${chapter.id}` }, mark === "back" && icon("back"), t(`lab.lesson.${chapter.id}.title`), mark === "chevron" && icon("chevron"));
  const next = chapters[at + 1];
  return h(
    "nav",
    { class: "lesson-foot", "aria-label": t("lab.lesson.chapters") },
    link(chapters[at - 1], "quiet", "back") ?? h("span"),
    next ? link(next, "primary", "chevron") : h("a", { class: "button primary", href: "#watch" }, t("lab.lesson.end"), icon("chevron")),
  );
}

/** The sign that the chapter's point is reached, and how far it is. */
function pointSign({ context, chapter, reach }) {
  const { t, format } = context;
  const meter = h("div", { class: "meter", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": t("lab.lesson.progress") }, h("i"));
  const title = h("h3");
  const figure = h("p", { class: "hint" });
  const element = h("section", { class: "point", dataset: { reached: "false" } }, title, h("p", {}, t(`lab.lesson.${chapter.id}.point`)), !COUNTED.has(chapter.id) && meter, figure);
  let reached = null;
  let first = null;
  let goal = null;

  function set(share, now, text = "") {
    meter.style.setProperty("--share", share);
    meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    figure.textContent = text;
    if (now === reached) return;
    element.classList.toggle("reached", now);
    element.dataset.reached = String(now);
    clear(title).append(now ? icon("check") : "", t(now ? "lab.lesson.reached" : "lab.lesson.point"));
    if (now) {
      reach();
      context.announce(t("lab.lesson.reached"));
    }
    reached = now;
  }

  set(0, false);
  return {
    element,
    set,
    follow(point) {
      if (!point || point.id !== chapter.id) {
        first = null;
        return set(0, false);
      }
      const known = Number.isFinite(point.value);
      if (point.goal !== goal) first = null; // another game, or another phase of the same
      goal = point.goal;
      if (known && first === null) first = point.value;
      const way = point.goal - (first ?? 0);
      const share = point.reached ? 1 : known && way ? Math.min(Math.max((point.value - first) / way, 0), 0.98) : 0;
      const shown = COUNTED.has(chapter.id) ? format.count : format.percent;
      const sentence = key(chapter, point.phase === 2 ? "released" : "value");
      const text = known ? t(sentence, { value: shown(point.value), goal: shown(point.goal) }) : "";
      return set(share, point.reached, text);
    },
  };
}

function liveExperiment(parts) {
  const { context, chapter } = parts;
  const { t } = context;
  const shown = SHOWN[chapter.id] ?? {};
  const live = liveGame(context);
  const sign = pointSign(parts);
  const bar = refereeBar(context, { compact: true });
  const drawn = shown.curves?.length ? curves(context, shown.curves, { rem: 12 }) : null;
  const stage = gameStage(context, live, { layers: shown.layers, own: true, beside: drawn?.element });
  const begin = () => live.start(chapter.settings);
  const transporting = transport(context, live, { reset: begin, round: false });
  const button = h("button", { type: "button", class: "button primary", id: "setup", onclick: setUp });
  const note = h("p", { role: "status" });
  const go = h("button", { type: "button", class: "button primary", onclick: setUp }, icon("play"), t("lab.lesson.begin"));
  const veil = h("div", { class: "veil" }, h("div", {}, note, go));
  let starting = false; // until then the stage shows the game before
  const inner = h("div", { class: "stack" }, bar.element, h("section", { class: "card stage" }, transporting.element, stage.element));
  const whole = h("div", { class: "experiment" }, inner, veil);
  const ours = () => live.settings.chapter === chapter.id && live.state !== "empty";

  async function setUp() {
    starting = button.disabled = true;
    dress();
    await begin();
    starting = button.disabled = false;
    dress();
    if (!matchMedia("(min-width: 66rem)").matches) whole.scrollIntoView({ behavior: "smooth", block: "start" });
  }

  function dress() {
    veil.hidden = ours() && !starting;
    inner.inert = !veil.hidden;
    go.hidden = starting;
    const text = t(starting ? "lab.stage.waiting" : "lab.lesson.veil");
    if (note.textContent !== text) note.textContent = text;
    clear(button).append(icon(ours() ? "reset" : "play"), t(ours() ? "lab.lesson.again" : "lab.lesson.begin"));
    sign.follow(ours() ? live.tick?.point : null);
  }

  const all = [bar, transporting, ...(drawn ? [drawn] : [])];
  live.on("settings", () => [...all, stage].forEach((part) => part.show(live)) || dress());
  live.on("tick", () => {
    if (!ours()) return;
    all.forEach((part) => part.show(live));
    sign.follow(live.tick?.point);
  });
  live.on("anew", () => drawn?.show(live));
  live.on("frame", () => ours() && stage.show(live));
  live.on("failed", () => all.forEach((part) => part.show(live)));
  dress();
  live.load();
  const open = h("a", { class: "button", href: "#watch" }, t("lab.lesson.open"));
  return { setup: h("div", { class: "setup" }, live.notice, button, open, h("span", { class: "hint" }, t("lab.lesson.click"))), point: sign.element, stage: whole };
}

function stridesExperiment(parts) {
  const { context } = parts;
  const sign = pointSign(parts);
  const stage = stridesLab(context, () => sign.set(1, true));
  return { setup: "", point: sign.element, stage };
}

function readDone() {
  try {
    return JSON.parse(localStorage.getItem(DONE) ?? "[]");
  } catch {
    return [];
  }
}

function writeDone(list) {
  try {
    localStorage.setItem(DONE, JSON.stringify(list));
  } catch {
    // not remembered, then
  }
}
