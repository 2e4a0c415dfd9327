/* The page: its frame, its routes, its language and its theme.

   HOW A VIEW IS WRITTEN (watch.js, lesson.js, explore.js, runs.js)

   A view module exports one function:

       export function mount(element, context) { ...; return function unmount() {...} }

   `element` is an empty <main> child that belongs to the view until `unmount()` is called; unmount must end everything
   the view began (event streams, timers, observers). The shell unmounts and mounts anew when the hash or the language
   changes; state that must survive that belongs on the server or in a module-level variable. A change of theme does
   not remount: what is drawn on a canvas listens to `context.onTheme(redraw)`.

   context = {
     t(key, values)          the sentence in the language in force, its {placeholders} filled. Keys: words/en_lab.py
     has(key)                whether there is such a sentence
     word(value)             what a recipe's value is called: "ring" -> "Ring of eight"; itself where it has no name
     lang                    "en" | "es"
     params                  the rest of the hash: "#explore/my-run" -> ["my-run"] (decoded)
     navigate(hash)          go to "#runs", "#explore/my-run", ...
     announce(text)          say it to a screen reader (a polite live region)
     toast(text, kind)       a short notice at the bottom; kind: "info" | "error"
     onTheme(callback)       called after the theme changed; returns a function that stops listening
     onLeave(callback)       called when the view is left, before its unmount(): for streams, observers, timers
     format.number(x, n)     localized, n significant digits       format.percent(x)  0.497 -> "50 %"
     format.count(n)         12345 -> "12,345" | "12 345"          format.duration(s) 75 -> "1 min 15 s"
     api.get(path, query)    JSON of GET /api/<path>; throws ApiError{status, message} with the server's sentence
     api.post(path, body)    the same with POST, api.patch with PATCH
     api.binary(path, {query, method, body, signal})  -> {meta, arrays: {name: {data: TypedArray, shape, dtype}}} | null (204)
     api.url(path, query)    the URL of a download or an <img>, with the language in it
     api.events(path, {eventName: data => ...}, {onState})    server-sent events with parsed JSON; returns close().
                             onState("open" | "lost"); it reconnects by itself
   }

   Helpers to import:
     dom.js     h(tag, props, ...children), svg(tag, ...), clear(element), icon(name)
     charts.js  chart(element, {series, ...}, context) -> {set(columns), destroy()}    (uPlot in our colours)
     tiles.js   tileGrid(context, options) -> {element, show(images, options), ...}    (grids of images on one canvas)
     theme.js   colour(name) -> the computed value of the CSS variable --name, for canvases

   Shared CSS classes (style.css): layout .view .stack .row .cluster .spread .columns .grow; surfaces .card .card-head .well;
   words .lead .hint .kicker .figure .mono; controls .button (.primary .quiet .danger .g .d .icon .small), .field (a label over
   its control), .segmented (radio group), .chip (aria-pressed toggle), .switch, .slider; things .table .badge (.good .bad .busy)
   .notice (.bad) .empty .progress .tiles .thumb .meter, dialogs: <dialog class="dialog">. .visually-hidden for screen readers. Colours are
   variables: --g (generator, orange), --d (discriminator, blue), --real (ink), --ink, --ink-2, --ink-3, --line, --paper,
   --card, --good, --bad. No inline style attributes and no inline scripts: the content security policy forbids both
   (element.style.x = ... from a script is fine). Children are nodes or strings; never build HTML from strings. */

import { makeApi } from "./api.js";
import { clear, h, icon, svg } from "./dom.js";
import { makeFormat } from "./format.js";
import * as theme from "./theme.js";

const VIEWS = ["watch", "lesson", "explore", "runs"];
const LANGUAGES = { en: "English", es: "Español" };

const page = { lang: "en", words: {}, unmount: null, leave: [], turn: 0 };

function t(key, values = {}) {
  const text = page.words[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage can be forbidden: then it holds for this page only
  }
}

/** Without its percent signs; as it is where these are not well formed. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** "#explore/my-run" -> {name: "explore", params: ["my-run"]} */
function route() {
  const parts = location.hash.replace(/^#/, "").split("/").map(decoded);
  return VIEWS.includes(parts[0]) ? { name: parts[0], params: parts.slice(1) } : { name: "watch", params: [] };
}

function announce(text) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 30); // so that the same sentence twice is said twice
}

function toast(text, kind = "info") {
  const note = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" }, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), kind === "error" ? 9000 : 4000);
}

function makeContext(params) {
  return {
    t,
    has: (key) => key in page.words,
    word: (value) => page.words[`lab.value.${value}`] ?? value,
    lang: page.lang,
    params,
    navigate: (hash) => (location.hash = hash),
    announce,
    toast,
    onTheme(callback) {
      const stop = theme.onTheme(callback);
      page.leave.push(stop);
      return stop;
    },
    onLeave: (callback) => page.leave.push(callback),
    format: makeFormat(page.lang, t),
    api: makeApi(page.lang, t("lab.lost")),
  };
}

function leave() {
  for (const callback of page.leave.splice(0)) callback();
  page.unmount?.();
  page.unmount = null;
}

async function show({ focus = false } = {}) {
  leave();
  const turn = ++page.turn;
  const { name, params } = route();
  for (const link of document.querySelectorAll(".nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${t(`lab.nav.${name}`)} · duelo`;
  const main = clear(document.getElementById("main"));
  main.dataset.view = name;
  const element = main.appendChild(h("div", { class: `view view-${name}` }));
  try {
    const view = await import(`./${name}.js`);
    if (turn !== page.turn) return;
    page.unmount = view.mount(element, makeContext(params));
  } catch (error) {
    console.error(error);
    clear(element).append(h("p", { class: "notice bad", role: "alert" }, t("lab.broken")));
  }
  if (focus) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
    announce(t(`lab.nav.${name}`));
  }
}

function mark() {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", class: "mark", "aria-hidden": "true" },
    svg("path", { d: "M14.6 4.1a12 12 0 0 0 0 23.8z", class: "mark-d" }),
    svg("path", { d: "M17.4 4.1a12 12 0 0 1 0 23.8z", class: "mark-g" }),
  );
}

function themeButton() {
  const name = () => t(theme.theme() === "dark" ? "lab.theme.light" : "lab.theme.dark");
  const button = h("button", { class: "button quiet icon", type: "button", id: "theme" });
  const dress = () => {
    clear(button).append(icon(theme.theme() === "dark" ? "sun" : "moon"));
    button.setAttribute("aria-label", name());
    button.title = name();
  };
  button.addEventListener("click", () => {
    theme.choose(theme.theme() === "dark" ? "light" : "dark");
    dress();
  });
  dress();
  return button;
}

function languageSwitch() {
  const options = Object.entries(LANGUAGES).map(([lang, name]) =>
    h(
      "button",
      { type: "button", lang, title: name, "aria-label": name, "aria-pressed": String(lang === page.lang), onclick: () => speak(lang) },
      lang.toUpperCase(),
    ),
  );
  return h("div", { class: "segmented small", role: "group", "aria-label": t("lab.language") }, options);
}

function frame() {
  const main = h("main", { id: "main", tabindex: "-1" });
  document.body.replaceChildren(
    h("button", { class: "skip", type: "button", onclick: () => main.focus() }, t("lab.skip")),
    h(
      "header",
      { class: "top" },
      h("a", { class: "wordmark", href: "#watch", "aria-label": t("lab.title") }, mark(), h("span", {}, "duelo")),
      h(
        "nav",
        { class: "nav", "aria-label": t("lab.nav") },
        VIEWS.map((name) => h("a", { href: `#${name}`, dataset: { view: name } }, t(`lab.nav.${name}`))),
      ),
      h("div", { class: "top-tools" }, languageSwitch(), themeButton()),
    ),
    main,
    h("div", { id: "toasts" }),
    h("div", { id: "announcer", class: "visually-hidden", "aria-live": "polite" }),
  );
}

/** Change the language; the view stays where it is. */
async function speak(lang, options) {
  const answer = await fetch(`/api/words?lang=${lang}`);
  page.words = await answer.json();
  page.lang = lang;
  document.documentElement.lang = lang;
  if (options?.keep !== false) {
    remember("duelo.lang", lang);
    const address = new URL(location);
    address.searchParams.delete("lang"); // or what was chosen would be gone when the page is loaded again
    history.replaceState(null, "", address);
  }
  leave();
  frame();
  await show();
  if (options?.keep !== false) document.querySelector(`.segmented [lang="${lang}"]`).focus(); // where it was
  document.documentElement.dataset.ready = "true"; // for the browser tests, as the mark is
  performance.mark("ready");
}

async function begin() {
  theme.begin();
  const wished = new URLSearchParams(location.search).get("lang") ?? remembered("duelo.lang");
  const lang = wished in LANGUAGES ? wished : (await (await fetch("/api/state")).json()).language;
  await speak(lang in LANGUAGES ? lang : "en", { keep: false });
  addEventListener("hashchange", () => show({ focus: true }));
}

begin();
