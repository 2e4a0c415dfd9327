/* Play, pause, one turn of either side, speed: as buttons and as keys. */

import { clear, h, icon } from "./dom.js";

const KEYS = { " ": "toggle", d: "step_d", g: "step_g", s: "step" };

/** context: of the view; live: the game. options: {reset: what the button does instead, round: a button for both turns}. Returns {element, show(live)}. */
export function transport(context, live, { reset, round = true } = {}) {
  const { t } = context;
  const play = h("button", { type: "button", class: "button primary play", onclick: () => live.toggle() });
  const turn = (kind, action, key) =>
    h(
      "button",
      { type: "button", class: `button ${kind}`, "aria-keyshortcuts": key, title: t(`lab.transport.${action}_hint`), onclick: () => live.act(action) },
      t(`lab.transport.${action}`),
      h("kbd", { "aria-hidden": "true" }, key),
    );
  const again = h(
    "button",
    { type: "button", class: "button quiet icon again", title: t("lab.transport.reset_hint"), "aria-label": t("lab.transport.reset"), onclick: () => (reset ? reset() : live.act("reset")) },
    icon("reset"),
  );
  const slider = h("input", { type: "range", min: "0", max: "100", step: "1", id: "speed" });
  const speed = h("div", { class: "speed" }, h("label", { for: "speed" }, t("lab.transport.speed")), slider, h("output", { for: "speed" }));
  const element = h(
    "div",
    { class: "transport", role: "group", "aria-label": t("lab.transport.title") },
    play, turn("d", "step_d", "d"), turn("g", "step_g", "g"), round && turn("", "step", "s"), again, speed,
  );

  const told = () => speed.querySelector("output");
  const most = () => live.choices.speed?.max ?? 1000;
  const rounds = () => Math.round(most() ** (slider.value / 100));
  const say = (value) => {
    told().textContent = value >= most() ? t("lab.transport.fast") : t("lab.transport.rounds", { n: value });
    slider.setAttribute("aria-valuetext", told().textContent);
  };
  slider.addEventListener("input", () => say(rounds()));
  slider.addEventListener("change", async () => (await live.change({ speed: rounds() })) || showSpeed());

  function keyed(event) {
    const action = KEYS[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return; // it presses what has the focus
    event.preventDefault();
    if (action === "toggle") live.toggle();
    else live.act(action);
  }
  addEventListener("keydown", keyed);
  context.onLeave(() => removeEventListener("keydown", keyed));

  function showSpeed() {
    const value = live.settings.speed;
    if (!value) return;
    slider.value = (100 * Math.log(value)) / Math.log(most());
    say(value);
  }

  let dressed = null;
  const bar = {
    element,
    show() {
      const playing = live.state === "playing";
      if (dressed !== playing) {
        dressed = playing;
        clear(play).append(icon(playing ? "pause" : "play"), t(playing ? "lab.transport.pause" : "lab.transport.play"));
        play.title = t("lab.transport.space");
        play.setAttribute("aria-keyshortcuts", "Space");
      }
      play.dataset.state = live.state;
      if (document.activeElement !== slider) showSpeed();
    },
  };
  bar.show();
  return bar;
}
