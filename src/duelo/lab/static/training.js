/* Beginning a training: choose the data, look at them, choose a recipe and how long, begin. Images of one's own are always
   looked at before anything is trained on them. */

import { clear, h, icon } from "./dom.js";
import { address } from "./runs.js";

const PROGRESS_MS = 700;

export function begin(element, context) {
  const { t, api } = context;
  const state = { data: "digits", inspected: null, choices: null };
  const form = h("form", { class: "stack training", novalidate: true });
  element.append(
    h("a", { class: "run-back", href: "#runs" }, icon("back"), t("lab.runs.back")),
    h("h1", {}, t("lab.runs.new")),
    form,
  );
  let stop = () => {};
  form.append(h("p", { class: "hint", role: "status" }, t("lab.loading")));

  api.get("runs/choices").then(
    (choices) => {
      state.choices = choices;
      clear(form);
      stop = build(form, context, state);
    },
    (error) => clear(form).append(h("p", { class: "notice bad", role: "alert" }, error.message)),
  );
  return () => stop();
}

function build(form, context, state) {
  const { t, api, toast } = context;
  const look = inspection(context, state, refresh, () => source.take());
  const source = dataChoice(context, state, (data) => {
    state.data = data;
    state.inspected = null;
    look.clear();
    recipe.show(data);
    if (data !== null && !state.choices.data.includes(data)) look.begin();
    refresh();
  });
  const recipe = recipeChoice(context, state);
  const go = h("button", { type: "submit", class: "button primary" }, icon("play"), t("lab.runs.start"));
  const why = h("p", { class: "hint" });
  const wrong = h("p", { class: "notice bad", role: "alert", hidden: true });

  function refresh() {
    const own = state.data === null || !state.choices.data.includes(state.data);
    const ready = state.data !== null && (!own || state.inspected === state.data);
    go.disabled = !ready;
    why.textContent = ready ? t("lab.runs.start_hint") : t(state.data === null ? "lab.runs.choose_first" : "lab.runs.look_first");
  }

  form.append(
    step(1, t("lab.runs.step.data"), source.element),
    step(2, t("lab.runs.step.look"), look.element),
    step(3, t("lab.runs.step.recipe"), recipe.element),
    h("div", { class: "training-go" }, go, why),
    wrong,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.hidden = true;
    go.disabled = true;
    try {
      const wanted = recipe.wanted();
      Object.assign(wanted.overrides, look.framing()); // what was looked at is what is trained on
      const { name } = await api.post("runs", { data: state.data, ...wanted });
      toast(t("lab.runs.told.start", { name }));
      context.navigate(address("runs", name));
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
      refresh();
    }
  });
  recipe.show(state.data);
  refresh();
  return look.stop;
}

function step(n, title, content) {
  return h("section", { class: "card step" }, h("div", { class: "step-head" }, h("b", { "aria-hidden": "true" }, String(n)), h("h2", {}, title)), content);
}

function dataChoice(context, state, change) {
  const { t } = context;
  const path = h("input", { type: "text", id: "own-path", class: "input mono", autocomplete: "off", spellcheck: "false", placeholder: state.choices.roots[0] });
  const places = folders(context, (place) => {
    path.value = place;
    change(place);
  });
  /** Look at what the field names; with nothing in it, ask for something. */
  function take() {
    if (path.value.trim()) return change(path.value.trim());
    context.toast(t("lab.runs.choose_first"));
    return path.focus();
  }
  const own = h(
    "div",
    { class: "stack own", hidden: true },
    h(
      "div",
      { class: "field" },
      h("label", { class: "field-label", for: "own-path" }, t("lab.runs.path")),
      h("div", { class: "row" }, path, h("button", { type: "button", class: "button", onclick: take }, t("lab.runs.look"))),
    ),
    places.element,
  );
  path.addEventListener("input", () => change(null)); // what was looked at is no longer what stands here
  path.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    take();
  });
  const radio = (value, text) => {
    const input = h("input", { type: "radio", name: "data", value, checked: value === state.data });
    input.addEventListener("change", () => {
      own.hidden = value !== ":own";
      if (value === ":own") places.open(null);
      change(value === ":own" ? null : value);
    });
    return h("label", { class: "choice" }, input, h("span", {}, text));
  };
  const options = [...state.choices.data.map((name) => radio(name, context.word(name))), radio(":own", t("lab.runs.own"))];
  return { take, element: h("div", { class: "stack" }, h("div", { class: "choices", role: "radiogroup", "aria-label": t("lab.runs.step.data") }, options), own) };
}

/** What lies in the folders that may be read, to be clicked through. */
function folders(context, choose) {
  const { t, api, format } = context;
  const element = h("div", { class: "well folders" });

  async function open(path) {
    try {
      show(await api.get("runs/places", { path }));
    } catch (error) {
      clear(element).append(h("p", { class: "hint" }, error.message));
    }
  }

  function show({ path, parent, images, places }) {
    const entry = (place) =>
      h(
        "button",
        { type: "button", class: "folder", onclick: () => (place.folder ? open(place.path) : choose(place.path)) },
        h("span", { class: `folder-kind ${place.folder ? "is-folder" : "is-file"}`, "aria-hidden": "true" }),
        place.name,
      );
    const up = path !== null && h("button", { type: "button", class: "folder", onclick: () => open(parent) }, icon("back"), t("lab.runs.up"));
    const use =
      path !== null &&
      h(
        "div",
        { class: "spread" },
        h("span", { class: "hint mono" }, path),
        h("button", { type: "button", class: "button small", onclick: () => choose(path) }, images ? t("lab.runs.use_n", { n: format.count(images) }) : t("lab.runs.use")),
      );
    clear(element).append(...[use, h("div", { class: "folder-list" }, [up, places.map(entry)])].filter(Boolean));
    if (!places.length) element.append(h("p", { class: "hint" }, t("lab.runs.no_folders")));
  }

  return { element, open };
}

/** Looking at the data, before training: facts, warnings, a sheet of pictures. take(): choose what is not chosen yet. */
function inspection(context, state, done, take) {
  const { t, api } = context;
  const fit = h("select", {}, ["crop", "pad", "stretch"].map((one) => h("option", { value: one }, t(`lab.runs.fit.${one}`))));
  const size = h("input", { type: "number", class: "input", min: "8", max: "256", step: "1", placeholder: t("lab.runs.size_auto") });
  const button = h("button", { type: "button", class: "button", onclick: () => (state.data === null ? take() : start()) }, t("lab.runs.look"));
  const options = h(
    "div",
    { class: "columns framing", hidden: true },
    h("label", { class: "field" }, h("span", { class: "field-label" }, t("lab.runs.size")), size),
    h("label", { class: "field" }, h("span", { class: "field-label" }, t("lab.runs.fit")), fit),
  );
  const result = h("div", { class: "stack", "aria-live": "polite" }, h("p", { class: "hint" }, t("lab.runs.look_hint")));
  let turn = 0;
  let timer = 0;

  const framing = () => {
    if (options.hidden) return {};
    const overrides = {};
    if (size.value) overrides["images.size"] = Number(size.value);
    if (fit.value !== "crop") overrides["images.fit"] = fit.value;
    return overrides;
  };
  for (const control of [size, fit]) control.addEventListener("change", () => state.data !== null && start());

  async function start() {
    if (state.data === null) return;
    const mine = ++turn;
    const data = state.data;
    state.inspected = null;
    done();
    options.hidden = state.choices.data.includes(data);
    const told = h("p", { class: "hint" }, t("lab.runs.looking_at"));
    clear(result).append(h("div", { class: "row" }, h("span", { class: "badge busy" }, t("lab.runs.reading")), told));
    follow(mine, told);
    try {
      const found = await api.post("runs/inspect", { path: data, overrides: framing() });
      if (mine !== turn) return;
      state.inspected = data;
      show(found);
    } catch (error) {
      if (mine === turn) clear(result).append(h("p", { class: "notice bad", role: "alert" }, error.message));
    }
    done();
  }

  async function follow(mine, told) {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (mine !== turn || !told.isConnected) return;
      try {
        const { progress } = await api.get("runs/inspect");
        if (progress) told.textContent = t("lab.runs.read_so_far", { ...progress, done: context.format.count(progress.done), total: context.format.count(progress.total) });
      } catch {
        // the answer itself will say what is wrong
      }
      follow(mine, told);
    }, PROGRESS_MS);
  }

  function show({ lines, warnings, sheet, facts }) {
    clear(result).append(
      h(
        "div",
        { class: "inspected" },
        h("img", { class: "sheet", src: api.url(`runs/inspect/sheet/${sheet}`), alt: t("lab.runs.sheet_alt", { n: context.format.count(facts.images) }) }),
        h(
          "div",
          { class: "stack" },
          warnings.map((text) => h("p", { class: "notice bad" }, icon("warn"), h("span", {}, text))),
          h("ul", { class: "facts" }, lines.map((line) => h("li", {}, line))),
        ),
      ),
    );
  }

  return {
    element: h("div", { class: "stack" }, options, h("div", {}, button), result),
    begin: start,
    framing: () => framing(),
    stop() {
      turn++;
      clearTimeout(timer);
    },
    clear() {
      turn++;
      options.hidden = true;
      clear(result).append(h("p", { class: "hint" }, t("lab.runs.look_hint")));
    },
  };
}

function recipeChoice(context, state) {
  const { t } = context;
  const { recipes, defaults } = state.choices;
  const select = h("select", { id: "recipe" }, h("option", { value: "" }, t("lab.runs.usual")), recipes.map((one) => h("option", { value: one.name }, one.name)));
  const what = h("p", { class: "hint" });
  const unit = h("select", { "aria-label": t("lab.runs.unit") }, ["minutes", "kimg", "recipe"].map((one) => h("option", { value: one }, t(`lab.runs.unit.${one}`))));
  const length = h("input", { type: "number", class: "input", id: "length", min: "0.1", step: "any", value: "3" });
  const seed = h("input", { type: "number", class: "input", id: "seed", min: "0", step: "1", value: "0" });
  const name = h("input", { type: "text", class: "input", id: "name", maxlength: "100", autocomplete: "off", placeholder: t("lab.runs.name_auto") });
  const more = h("textarea", { class: "input mono", id: "more", rows: "4", spellcheck: "false", placeholder: "networks.width = 48\nbalance.rule = adaptive" });
  const field = (id, text, ...controls) => h("div", { class: "field" }, h("label", { class: "field-label", for: id }, text), ...controls);

  function explain() {
    const usual = defaults[state.data] ?? "images";
    const text = recipes.find((one) => one.name === (select.value || usual))?.text ?? "";
    what.textContent = select.value ? text : `${usual}: ${text}`;
  }
  select.addEventListener("change", explain);
  unit.addEventListener("change", () => (length.disabled = unit.value === "recipe"));

  return {
    element: h(
      "div",
      { class: "stack" },
      h("div", { class: "columns" }, field("recipe", t("lab.runs.recipe"), select, what), field("length", t("lab.runs.length"), h("div", { class: "row" }, length, unit)), field("seed", t("lab.runs.seed"), seed), field("name", t("lab.runs.name"), name)),
      h("details", {}, h("summary", {}, t("lab.runs.more")), field("more", t("lab.runs.more_hint"), more)),
    ),
    show: explain,
    /** What is asked for. Throws an Error that says what is missing. */
    wanted() {
      if (unit.value !== "recipe" && (length.value === "" || !length.checkValidity())) {
        length.focus();
        throw new Error(t("lab.runs.no_length"));
      }
      const overrides = {};
      if (seed.value !== "" && seed.value !== "0") overrides.seed = Number(seed.value);
      for (const line of more.value.split("\n")) {
        if (!line.trim()) continue;
        const [, key, value] = line.match(/^\s*(\S+?)\s*=\s*(.*?)\s*$/) ?? [];
        if (!key || !value) throw new Error(t("lab.runs.no_value", { line: line.trim() }));
        overrides[key] = value;
      }
      const wanted = { overrides };
      if (select.value) wanted.recipe = select.value;
      if (name.value.trim()) wanted.name = name.value.trim();
      if (unit.value !== "recipe") wanted[unit.value] = Number(length.value);
      return wanted;
    },
  };
}
