/* Light or dark: the system's wish, unless the person chose. */

const KEY = "duelo.theme";
const wish = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

const stored = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage can be forbidden
  }
};

export const theme = () => document.documentElement.dataset.theme;

/** Take over what is wished, and follow the system from now on. */
export function begin() {
  apply(stored() ?? (wish.matches ? "dark" : "light"));
  wish.addEventListener("change", () => stored() ?? apply(wish.matches ? "dark" : "light"));
}

export function choose(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // it holds for this page only
  }
  apply(name);
}

function apply(name) {
  document.documentElement.dataset.theme = name;
  for (const listener of listeners) listener(name);
}

export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let probe = null;
const computed = new Map();
onTheme(() => computed.clear());

/** What the variable --name of the style sheet is now, as "rgb(...)", for canvases. */
export function colour(name) {
  if (!probe) {
    probe = document.createElement("span");
    probe.hidden = true;
    document.documentElement.append(probe);
  }
  if (!computed.has(name)) {
    probe.style.color = `var(--${name})`; // a light-dark() is resolved only where it is used
    computed.set(name, getComputedStyle(probe).color);
  }
  return computed.get(name);
}

/** The same as [red, green, blue], 0 to 255. */
export function channels(name) {
  return colour(name).match(/[\d.]+/g).slice(0, 3).map(Number);
}
