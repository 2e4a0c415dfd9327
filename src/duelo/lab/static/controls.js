/* What can be changed while the game is on: one control for each setting that the server lists, in groups. */

import { clear, h } from "./dom.js";

const GROUPS = [
  { id: "start", names: ["data", "members", "seed"], open: true },
  { id: "d", names: ["discriminator_rate", "discriminator_steps"], side: "d", open: true },
  { id: "g", names: ["generator_rate", "generator_steps"], side: "g", open: true },
  { id: "rules", names: ["objective", "balance", "smoothing", "noise", "augment"], open: true },
  { id: "penalties", names: ["r1", "r2", "gp", "lecam"] },
  { id: "networks", names: ["pair", "width", "latent", "conditional", "batch", "beta1", "beta2", "rival", "neighbours"] },
];
const HIDDEN = new Set(["speed", "chapter"]); // the first is in the transport, the second is the lesson's
const WAIT_MS = 180; // after the last movement of a slider
const STEPS = 400; // positions of a logarithmic slider

/** context: of the view; live: the game; extra: {group id: [elements]} put at a group's end. Returns {element, show()}. */
export function controls(context, live, { extra = {}, only = null } = {}) {
  const element = h("div", { class: "controls" });
  let built = "";
  let setters = {};

  function build() {
    setters = {};
    const listed = new Set(GROUPS.flatMap((group) => group.names));
    const rest = Object.keys(live.choices).filter((name) => !listed.has(name) && !HIDDEN.has(name));
    const groups = rest.length ? [...GROUPS, { id: "more", names: rest }] : GROUPS;
    clear(element);
    for (const group of groups) {
      if (only && !only.includes(group.id)) continue;
      const names = group.names.filter((name) => live.choices[name] && !live.choices[name].idle);
      if (!names.length) continue;
      const box = element.appendChild(
        h(
          "details",
          { class: group.side ?? null, open: group.open },
          h("summary", { id: `group-${group.id}` }, context.t(`lab.group.${group.id}`)),
          h("div", { class: "control-list" }, names.map((name) => one(name)), extra[group.id] ?? []),
        ),
      );
      if (group.side) for (const input of box.querySelectorAll("input")) input.setAttribute("aria-describedby", `group-${group.id}`); // whose rate
    }
  }

  function one(name) {
    const choice = live.choices[name];
    const make = { number: numberControl, choice: choiceControl, flag: flagControl }[choice.kind];
    const label = [context.t(choice.label), choice.restart && anew(context)];
    const control = make(name, choice, label, context, change);
    /** Ask for another value; if it is refused, show again the one in force. */
    async function change(value) {
      if (!(await live.change({ [name]: value }))) control.set(live.settings[name], true);
    }
    setters[name] = control.set;
    return control.element;
  }

  return {
    element,
    show() {
      const shape = JSON.stringify(live.choices);
      if (shape !== built) {
        built = shape;
        build();
      }
      for (const [name, set] of Object.entries(setters)) set(live.settings[name]);
    },
  };
}

/** Says that this one makes new networks. */
function anew({ t }) {
  return h("span", { class: "anew", title: t("lab.controls.anew"), role: "img", "aria-label": t("lab.controls.anew") }, "↻");
}

function numberControl(name, choice, label, context, change) {
  const id = `set-${name}`;
  const log = choice.scale === "log";
  const from = log && choice.min <= 0 ? choice.step : choice.min; // a logarithm has no zero: the slider's left end stands for it
  const zero = log && choice.min <= 0;
  const slider = h("input", {
    type: "range", id, class: "slider",
    min: log ? 0 : choice.min, max: log ? STEPS : choice.max, step: log ? 1 : choice.step,
  });
  const output = h("output", { for: id });
  const tidy = (value) => (choice.whole ? Math.round(value) : Number(value.toPrecision(2)));
  const read = () => {
    const at = Number(slider.value);
    if (!log) return choice.whole ? Math.round(at) : at;
    if (zero && at === 0) return 0;
    return Math.min(choice.max, Math.max(choice.min, tidy(from * (choice.max / from) ** (at / STEPS))));
  };
  const say = (value) => {
    output.textContent = shown(value, context);
    slider.setAttribute("aria-valuetext", output.textContent);
  };
  let timer = 0;
  let touched = 0;
  slider.addEventListener("input", () => {
    touched = Date.now();
    say(read());
    clearTimeout(timer);
    if (!choice.restart) timer = setTimeout(() => change(read()), WAIT_MS);
  });
  slider.addEventListener("change", () => choice.restart && change(read()));
  if (name === "seed" || name === "members") return numberField(id, choice, label, context, change);
  return {
    element: h("div", { class: "control" }, h("div", { class: "spread" }, h("label", { for: id }, label), output), slider),
    set(value, anyway = false) {
      if (value === undefined || (Date.now() - touched < 700 && !anyway)) return;
      slider.value = !log ? value : zero && value <= 0 ? 0 : (STEPS * Math.log(value / from)) / Math.log(choice.max / from);
      say(value);
    },
  };
}

function shown(value, { format }) {
  return value === 0 ? "0" : format.number(value, 4);
}

/** A number that nobody would slide to. */
function numberField(id, choice, label, context, change) {
  const { t, format } = context;
  let known;
  const input = h("input", { type: "number", id, class: "input", min: choice.min, max: choice.max, step: choice.step });
  input.addEventListener("change", () => {
    if (input.value !== "" && input.checkValidity()) return change(Number(input.value));
    const wanted = t(choice.whole ? "lab.live.whole" : "lab.live.range", { low: format.count(choice.min), high: format.count(choice.max) });
    context.toast(t("lab.live.value", { name: t(choice.label), wanted }), "error");
    return (input.value = known);
  });
  return {
    element: h("div", { class: "field" }, h("label", { class: "field-label", for: id }, label), input),
    set(value, anyway = false) {
      if (value === undefined) return;
      known = value;
      if (document.activeElement !== input || anyway) input.value = value;
    },
  };
}

function choiceControl(name, choice, label, context, change) {
  const id = `set-${name}`;
  const { word } = context;
  const select = h("select", { id }, choice.values.map((value) => h("option", { value }, word(value))));
  select.addEventListener("change", () => change(select.value));
  return {
    element: h("div", { class: "control" }, h("label", { for: id }, label), select),
    set(value) {
      if (value === undefined || document.activeElement === select && select.value === value) return;
      if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, word(value)));
      select.value = value;
    },
  };
}

function flagControl(name, choice, label, context, change) {
  const input = h("input", { type: "checkbox", id: `set-${name}` });
  input.addEventListener("change", () => change(input.checked));
  return {
    element: h("label", { class: "switch" }, input, h("span", {}, label)),
    set: (value) => (input.checked = Boolean(value)),
  };
}
