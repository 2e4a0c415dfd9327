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

/** What the variable --name of the style sheet is now, for canvases. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
