/* The runs: what there is, how each stands, and the way to everything that can be done with one.
   "#runs": the list; "#runs/name": one run; "#runs/:new": begin a training; "#runs/:compare/a/b": side by side. */

import { clear, h, icon } from "./dom.js";
import { comparing } from "./comparing.js";
import { oneRun } from "./run.js";
import { begin } from "./training.js";

const AGAIN_MS = 2500; // between looks at the list; a run's own page is told at once

export function mount(element, context) {
  const [first, ...rest] = context.params;
  if (first === ":new") return begin(element, context);
  if (first === ":compare") return comparing(element, context, rest);
  if (first) return oneRun(element, context, first);
  return list(element, context);
}

/** The address of a run's page. */
export const address = (view, ...names) => `#${[view, ...names].map(encodeURIComponent).join("/")}`;

function list(element, context) {
  const { t, api } = context;
  const cards = new Map(); // name -> card
  const picked = new Set();
  const grid = h("div", { class: "run-list", role: "list" });
  const where = h("p", { class: "hint" });
  const failed = h("p", { class: "notice bad", role: "alert", hidden: true });
  const side = h("button", { type: "button", class: "button", disabled: true, onclick: compare }, t("lab.runs.compare"));
  const ended = { now: false };
  let timer = 0;

  grid.append(h("p", { class: "hint", role: "status" }, t("lab.loading")));
  element.append(
    h(
      "div",
      { class: "spread" },
      h("div", {}, h("h1", {}, t("lab.runs.title")), where),
      h("div", { class: "cluster" }, side, h("a", { class: "button primary", href: "#runs/:new" }, icon("plus"), t("lab.runs.new"))),
    ),
    failed,
    grid,
  );

  function compare() {
    context.navigate(address("runs", ":compare", ...picked));
  }

  function pick(name, on) {
    if (on) picked.add(name);
    else picked.delete(name);
    side.disabled = picked.size < 2;
    side.textContent = picked.size < 2 ? t("lab.runs.compare") : t("lab.runs.compare_n", { n: picked.size });
  }

  async function look() {
    clearTimeout(timer);
    try {
      if (!document.hidden) show(await api.get("runs")); // nobody looks: the trainings can have the time
      failed.hidden = true;
    } catch (error) {
      failed.textContent = error.message;
      failed.hidden = false;
    }
    if (!ended.now) timer = setTimeout(look, AGAIN_MS);
  }

  function show({ root, runs }) {
    if (ended.now) return;
    where.textContent = t("lab.runs.where", { root });
    if (!runs.length) {
      clear(grid).append(
        h(
          "div",
          { class: "empty" },
          h("p", {}, t("lab.runs.none")),
          h("a", { class: "button primary", href: "#runs/:new" }, icon("plus"), t("lab.runs.new")),
        ),
      );
      cards.clear();
      return;
    }
    if (!cards.size) clear(grid);
    const order = { running: 0, starting: 0, failed: 2, interrupted: 1, finished: 1 };
    runs.sort((a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name));
    for (const [name, card] of cards) {
      if (runs.some((run) => run.name === name)) continue;
      card.element.remove();
      cards.delete(name);
      pick(name, false);
    }
    runs.forEach((run, i) => {
      if (!cards.has(run.name)) cards.set(run.name, runCard(context, run.name, pick, look));
      const card = cards.get(run.name);
      card.show(run);
      if (grid.children[i] !== card.element) grid.insertBefore(card.element, grid.children[i] ?? null); // keeps the focus
    });
  }

  look();
  return () => {
    ended.now = true;
    clearTimeout(timer);
  };
}

/** A run in the list. Returns {element, show(run)}. */
function runCard(context, name, pick, again) {
  const { t, api, format } = context;
  const picture = h("img", { class: "run-picture", alt: "", loading: "lazy", hidden: true });
  const shelf = h("a", { class: "run-shelf", href: address("runs", name), tabindex: "-1", "aria-hidden": "true" }, picture);
  const state = h("span", { class: "badge" });
  const facts = h("p", { class: "hint" });
  const gone = progress(context);
  const bar = smallBar(context);
  const words = h("p", { class: "run-words" });
  const tools = h("div", { class: "cluster" });
  const box = h("input", { type: "checkbox", onchange: () => pick(name, box.checked) });
  const element = h(
    "article",
    { class: "card run-card", role: "listitem", dataset: { run: name } },
    shelf,
    h(
      "div",
      { class: "run-body" },
      h("div", { class: "run-head" }, h("h2", {}, h("a", { href: address("runs", name) }, name)), state),
      facts,
      gone.element,
      bar.element,
      words,
      h("div", { class: "run-foot" }, tools, h("label", { class: "switch" }, box, h("span", {}, t("lab.runs.pick")))),
    ),
  );
  let said = "";

  function show(run) {
    const now = JSON.stringify(run);
    if (now === said) return;
    said = now;
    dressState(state, run, context);
    facts.textContent = inShort(run, context);
    gone.element.hidden = run.state === "finished" || !run.length;
    gone.show(run);
    bar.show(run.right);
    words.textContent = run.why ?? run.verdict?.[0] ?? (run.findings ?? []).join(" · ");
    words.classList.toggle("bad", Boolean(run.why) || (!run.verdict?.length && Boolean(run.findings?.length)));
    if (Number.isFinite(run.grid)) {
      const url = api.url(`runs/${encodeURIComponent(name)}/grid/${run.grid}`);
      if (picture.getAttribute("src") !== url) picture.src = url;
      picture.hidden = false;
      picture.classList.toggle("points", run.points);
    }
    box.disabled = !Number.isFinite(run.seconds) || run.seconds === 0;
    const focused = tools.contains(document.activeElement) && document.activeElement.dataset.tool;
    clear(tools).append(...actions(run, context, { again, small: true }));
    if (focused) tools.querySelector(`[data-tool="${focused}"]`)?.focus();
    element.setAttribute("aria-label", `${name}: ${state.textContent}. ${facts.textContent}`);
  }

  return { element, show };
}

/** What a run is, in one line. */
export function inShort(run, { t, format, word }) {
  if (!run.data) return "";
  const name = t("lab.runs.short", { data: word(run.data), pair: word(run.pair) });
  return run.seconds ? `${name} · ${format.duration(run.seconds)}` : name;
}

/** The badge of a run's state. */
export function dressState(badge, run, { t }) {
  const kind = { running: "busy", starting: "busy", finished: "good", failed: "bad", interrupted: "" }[run.state];
  badge.className = `badge ${kind}`;
  badge.textContent = run.stopping ? t("lab.runs.stopping") : run.past_its_best ? t("lab.runs.past_its_best") : t(`lab.runs.state.${run.state}`);
  badge.dataset.state = run.state;
}

/** A bar for how far a run is. Returns {element, show(run)}. */
export function progress({ t }) {
  const bar = h("i");
  const element = h("div", { class: "progress", role: "progressbar", "aria-label": t("lab.runs.progress"), "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  return {
    element,
    show({ nimg = 0, length = 0 }) {
      const share = length ? Math.min(1, nimg / length) : 0;
      bar.style.setProperty("--share", share);
      element.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    },
  };
}

/** The referee's bar, small: how often D is right, and the line in its middle. */
function smallBar({ t, format }) {
  const tug = h("div", { class: "tug small asleep" }, h("i"), h("b"));
  const told = h("span", { class: "hint" });
  const element = h("div", { class: "run-bar", hidden: true }, tug, told);
  return {
    element,
    show(right = {}) {
      const known = Number.isFinite(right.real_right) && Number.isFinite(right.fake_right);
      element.hidden = !known;
      if (!known) return;
      const share = (right.real_right + right.fake_right) / 2;
      tug.classList.remove("asleep");
      tug.style.setProperty("--at", share);
      told.textContent = t("lab.runs.right", { share: format.percent(share) });
    },
  };
}

/** The buttons of what can be done with a run. again: called after one has been pressed. */
export function actions(run, context, { again, small = false, here = false }) {
  const { t, api, toast } = context;
  const size = small ? " small" : "";
  const post = (what) => async (event) => {
    event.currentTarget.disabled = true;
    try {
      await api.post(`runs/${encodeURIComponent(run.name)}/${what}`);
      toast(t(`lab.runs.told.${what}`, { name: run.name }));
    } catch (error) {
      toast(error.message, "error");
    }
    again();
  };
  const link = (tool, href, text, more = {}) => h("a", { class: `button${size}`, href, dataset: { tool }, ...more }, text);
  const active = run.state === "running" || run.state === "starting";
  return [
    active && h("button", { type: "button", class: `button${size}`, disabled: run.stopping, dataset: { tool: "stop" }, onclick: post("stop") }, icon("stop"), t("lab.runs.stop")),
    run.state === "interrupted" && h("button", { type: "button", class: `button${size}`, dataset: { tool: "resume" }, onclick: post("resume") }, icon("play"), t("lab.runs.resume")),
    run.checkpoint && link("explore", address("explore", run.name), t("lab.runs.explore")),
    (run.report || (here && run.checkpoint)) && link("report", api.url(`runs/${encodeURIComponent(run.name)}/report`), t("lab.runs.report"), { target: "_blank", rel: "noopener" }),
  ].filter(Boolean);
}
