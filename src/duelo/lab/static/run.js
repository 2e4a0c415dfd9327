/* One run: how it goes, live; its pictures from the first to the last; what the referee and the verdict say. */

import { chart } from "./charts.js";
import { clear, h, icon } from "./dom.js";
import { refereeBar } from "./referee.js";
import { actions, dressState, inShort, progress } from "./runs.js";

const AGAIN_MS = 20000; // between questions for the diagnosis of a run that goes on

export function oneRun(element, context, name) {
  const { t, api } = context;
  const place = `runs/${encodeURIComponent(name)}`;
  const head = header(context, name, () => {});
  const lost = h("p", { class: "notice bad", role: "alert", hidden: true }, t("lab.lost"));
  const body = h("div", { class: "stack" }, h("p", { class: "hint", role: "status" }, t("lab.loading")));
  element.append(head.element, lost, body);
  const data = { run: null, curves: null, judged: null, looked: null };
  let parts = null; // once the run has a recipe
  let close = () => {};
  let timer = 0;
  let ended = false;

  async function open() {
    try {
      const run = await api.get(place);
      if (ended) return;
      head.show(run);
      show(run);
    } catch (error) {
      if (ended) return;
      clear(body).append(h("p", { class: "notice bad", role: "alert" }, error.message), h("p", {}, h("a", { href: "#runs" }, t("lab.runs.back"))));
      return;
    }
    const state = (how) => (lost.hidden = how === "open");
    close = api.events(`${place}/events`, { state: heard, lines, grids, log, gone: () => context.navigate("#runs") }, { onState: state });
  }

  /** Build what there is to see, once it is known what kind of run this is. */
  function show(run) {
    data.run = run;
    if (!run.recipe) {
      clear(body).append(waiting(context, run));
      return;
    }
    parts = build(context, run, place);
    clear(body).append(...parts.elements);
    lines({ anew: true, curves: run.curves, judged: run.judged, looked: run.looked });
    parts.gallery.show(run.grids);
    parts.log.show(run.log, run.state);
    diagnose();
  }

  function heard(run) {
    head.show(run);
    const began = !parts && run.data;
    data.run = { ...data.run, ...run };
    if (began) return refresh();
    if (!parts && run.state === "failed") clear(body).append(waiting(context, data.run));
    parts?.verdict.show(run.verdict);
    parts?.log.state(run.state);
    if (run.state === "finished") diagnose();
  }

  async function refresh() {
    try {
      const run = await api.get(place);
      if (!ended) show(run);
    } catch {
      // the stream says so, too
    }
  }

  function lines(news) {
    if (!parts || !news.curves) return;
    for (const kind of ["curves", "judged", "looked"]) data[kind] = news.anew ? news[kind] : joined(data[kind], news[kind]);
    parts.charts.show(data);
    parts.referee?.show(tick(data));
  }

  function grids(list) {
    parts?.gallery.show(list);
  }

  function log(text) {
    data.run = { ...data.run, log: text };
    if (parts) parts.log.show(text, data.run.state);
    else if (data.run) clear(body).append(waiting(context, data.run));
  }

  async function diagnose() {
    clearTimeout(timer);
    try {
      const found = await api.get(`${place}/diagnosis`);
      if (ended || !parts) return;
      parts.findings.show(found.findings, Boolean(data.run.verdict?.length));
      parts.charts.levels(found.equilibrium);
    } catch {
      // it will be asked again
    }
    if (!ended && data.run.state === "running") timer = setTimeout(diagnose, AGAIN_MS);
  }

  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    close();
  };
}

function joined(before, after) {
  if (!before) return after;
  return Object.fromEntries(Object.keys(after).map((name) => [name, [...(before[name] ?? []), ...after[name]]]));
}

/** The last numbers as the referee's bar takes them. */
function tick({ curves, judged, looked, run }) {
  const last = (list) => list?.at(-1);
  const judgement = { value: last(judged.value), floor: last(judged.floor) };
  const now = { nimg: Math.round(1000 * last(curves.kimg)), real_right: last(curves.real_right), fake_right: last(curves.fake_right), referee_right: last(looked.referee_right), judgement };
  return { tick: now, state: run.state, heard: 0 };
}

function header(context, name) {
  const { t, format } = context;
  const badge = h("span", { class: "badge" });
  const tools = h("div", { class: "cluster" });
  const short = h("p", { class: "hint" });
  const gone = progress(context);
  const far = h("p", { class: "run-far" });
  const element = h(
    "header",
    { class: "stack run-header" },
    h("a", { class: "run-back", href: "#runs" }, icon("back"), t("lab.runs.back")),
    h("div", { class: "spread" }, h("div", { class: "cluster" }, h("h1", {}, name), badge), tools),
    h("div", { class: "stack run-gone" }, gone.element, h("div", { class: "spread" }, far, short)),
  );
  let said = "";
  return {
    element,
    show(run) {
      dressState(badge, run, context);
      short.textContent = inShort(run, context);
      gone.element.hidden = run.state === "finished" || !run.length;
      gone.show(run);
      far.textContent = howFar(run, context);
      const now = JSON.stringify([run.state, run.stopping, run.report, run.checkpoint]);
      if (now !== said) clear(tools).append(...actions(run, context, { again: () => {}, here: true }));
      said = now;
    },
  };

  function howFar(run) {
    if (!run.length) return "";
    const far_ = t("lab.runs.far", { at: format.number(run.nimg / 1000, 4), of: format.number(run.length / 1000, 4) });
    if (run.state !== "running" || !run.images_per_second) return far_;
    const left = (run.length - run.nimg) / run.images_per_second;
    return `${far_} · ${t("lab.runs.pace", { n: format.count(run.images_per_second), left: format.duration(Math.max(0, left)) })}`;
  }
}

/** Before a run has a recipe: what its log says, or why it came to nothing. */
function waiting({ t }, run) {
  const lines = run.log ?? [];
  return h(
    "section",
    { class: "card stack" },
    h("h2", {}, t(run.state === "failed" ? "lab.runs.failed" : "lab.runs.begins")),
    run.why && h("p", { class: "notice bad", role: "alert" }, run.why),
    !run.why && h("p", { class: "hint" }, t(run.state === "failed" ? "lab.runs.no_word" : "lab.runs.begins_hint")),
    lines.length > 0 && h("pre", { class: "log well" }, lines.join("\n")),
  );
}

function build(context, run, place) {
  const { t } = context;
  const rival = !("real_right" in run.curves);
  const referee = rival ? null : refereeBar(context);
  const gallery = grids(context, run, place);
  const charts = curves(context, run, rival);
  const findings = found(context);
  const verdict = verdictCard(context);
  const log = logCard(context);
  verdict.show(run.verdict);
  return {
    referee,
    gallery,
    charts,
    findings,
    verdict,
    log,
    elements: [
      referee?.element,
      h(
        "div",
        { class: "run-grid" },
        gallery.element,
        h("section", { class: "card charts", "aria-label": t("lab.curves.title") }, charts.elements),
        h("div", { class: "stack" }, verdict.element, findings.element, h("div", { class: "stack" }, recipeCard(context, run), log.element)),
      ),
    ].filter(Boolean),
  };
}

/** The sample grids, with a slider through time. */
function grids(context, run, place) {
  const { t, api, format } = context;
  const url = (kimg) => api.url(`${place}/grid/${kimg}`);
  const picture = h("img", { class: `grid-picture${run.points ? " points" : ""}`, alt: "" });
  const slider = h("input", { type: "range", class: "slider", min: "0", max: "0", step: "1", "aria-label": t("lab.runs.when") });
  const caption = h("output", { class: "hint" });
  const real = run.data_picture
    ? h("details", {}, h("summary", {}, t("lab.runs.reals")), h("img", { class: "grid-picture", alt: t("lab.runs.reals_alt"), loading: "lazy", src: api.url(`${place}/data`) }))
    : null;
  let list = [];
  let shown = null;

  function show(index) {
    const kimg = list[index];
    if (kimg === undefined || kimg === shown) return;
    shown = kimg;
    picture.src = url(kimg);
    caption.textContent = t("lab.runs.at", { kimg: format.number(kimg, 4) });
    picture.alt = t("lab.runs.grid_alt", { kimg: format.number(kimg, 4) });
    slider.setAttribute("aria-valuetext", caption.textContent);
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  return {
    element: h(
      "section",
      { class: "card stack" },
      h("div", { class: "card-head" }, h("h2", { class: "g" }, t("lab.runs.makes")), caption),
      picture,
      slider,
      h("p", { class: "hint" }, t(run.points ? "lab.runs.points_hint" : "lab.runs.grid_hint")),
      real,
    ),
    show(next) {
      const last = Number(slider.value) >= list.length - 1;
      list = next;
      slider.max = String(Math.max(0, list.length - 1));
      slider.disabled = list.length < 2;
      if (last) slider.value = slider.max;
      show(Number(slider.value));
    },
  };
}

/** The range of a logarithmic axis: from one round number (7, 0.3) to another, not whole powers of ten. */
export function snug(plot, low, high) {
  if (!(low > 0) || !Number.isFinite(high)) return [0.1, 10];
  const rounded = (value, way) => {
    const unit = 10 ** Math.floor(Math.log10(value));
    return way(value / unit) * unit;
  };
  return [rounded(low, Math.floor), rounded(high, Math.ceil)];
}

function curves(context, run, rival) {
  const { t, format } = context;
  const axis = { xFormat: (value) => format.number(value, 4) };
  const even = {}; // the losses at which nobody leads, once they are known
  const level = (name) => ({ at: () => even[name], colour: name === "generator" ? "g" : "d" });
  const judged = chart(context, {
    ...axis,
    title: t("lab.runs.judged"),
    series: [
      { label: t("lab.curves.fake"), colour: "g-fill", width: 2 },
      { label: t("lab.runs.floor"), colour: "ink-3", dash: [5, 4] },
    ],
    y: { log: true, range: snug },
  });
  const right = chart(context, {
    ...axis,
    title: t("lab.curves.right"),
    series: [
      { label: t("lab.curves.train"), colour: "real" },
      { label: t("lab.curves.fake"), colour: "g-fill" },
    ],
    smooth: true,
    levels: [{ at: 0.5, colour: "ink" }],
    y: { range: [0, 1], format: format.percent },
  });
  const losses = chart(context, {
    ...axis,
    title: t("lab.curves.losses"),
    series: rival
      ? [{ label: t("lab.runs.loss"), colour: "ink" }]
      : [
          { label: t("lab.curves.d"), colour: "d-fill" },
          { label: t("lab.curves.g"), colour: "g-fill" },
        ],
    smooth: true,
    levels: [level("discriminator"), level("generator")],
  });
  return {
    elements: [judged.element, rival ? null : right.element, losses.element, h("p", { class: "hint" }, t("lab.runs.kimg"))].filter(Boolean),
    levels(values) {
      Object.assign(even, values);
      if (this.data) this.show(this.data);
    },
    show(data) {
      this.data = data;
      judged.element.hidden = data.judged.kimg.length < 2;
      judged.set([data.judged.kimg, data.judged.value, data.judged.floor]);
      const { kimg } = data.curves;
      if (!rival) right.set([kimg, data.curves.real_right, data.curves.fake_right]);
      losses.set(rival ? [kimg, data.curves.loss] : [kimg, data.curves.discriminator_loss, data.curves.generator_loss]);
    },
  };
}

function found({ t, format }) {
  const list = h("div", { class: "findings" }, h("p", { class: "hint" }, t("lab.runs.looking")));
  return {
    element: h("section", { class: "card stack" }, h("h2", {}, t("lab.findings.title")), list),
    show(all, judged) {
      clear(list).append(
        ...all.map((one) =>
          h(
            "article",
            { class: "finding" },
            h("h3", {}, icon("warn"), one.title),
            h("p", {}, one.sentence),
            h("p", { class: "hint" }, one.remedy),
            h("p", { class: "hint" }, t("lab.runs.spell", { first: format.number(one.first, 3), last: format.number(one.last, 3) })),
          ),
        ),
      );
      if (!all.length) list.append(h("p", { class: "hint" }, t(judged ? "lab.findings.judged" : "lab.findings.none")));
    },
  };
}

function verdictCard({ t }) {
  const list = h("ul", { class: "verdict" });
  const element = h("section", { class: "card stack", hidden: true }, h("h2", {}, t("lab.runs.verdict")), list);
  return {
    element,
    show(sentences = []) {
      element.hidden = !sentences.length;
      clear(list).append(...sentences.map((one) => h("li", {}, one)));
    },
  };
}

function recipeCard({ t }, run) {
  const rows = (values) => Object.entries(values).map(([key, value]) => h("tr", {}, h("th", { scope: "row", class: "mono" }, key), h("td", {}, Array.isArray(value) ? value.join(", ") : String(value))));
  return h(
    "section",
    { class: "card stack" },
    h(
      "details",
      {},
      h("summary", {}, t("lab.runs.recipe")),
      h("div", { class: "scrolls" }, h("table", { class: "table keys" }, h("tbody", {}, rows(run.recipe)))),
    ),
    h(
      "details",
      {},
      h("summary", {}, t("lab.runs.machine")),
      h("div", { class: "scrolls" }, h("table", { class: "table keys" }, h("tbody", {}, rows(run.machine)))),
    ),
  );
}

function logCard({ t }) {
  const text = h("pre", { class: "log well" });
  const details = h("details", {}, h("summary", {}, t("lab.runs.log")), text);
  const element = h("section", { class: "card", hidden: true }, details);
  return {
    element,
    state(state) {
      if (state === "failed") details.open = true;
    },
    show(lines, state) {
      element.hidden = !lines?.length;
      text.textContent = (lines ?? []).join("\n");
      this.state(state);
    },
  };
}
