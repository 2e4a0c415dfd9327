/* Where latents lead: a square map around the chosen sample, and the way from one sample to another. */

import { h } from "./dom.js";
import { latest, opaque } from "./explore.js";
import { still, tileGrid } from "./tiles.js";

const SIDE = 7;
const STEPS = 9;

/** A map of pictures around the chosen one, along two of the directions. Returns {element, show(spot)}. */
export function latentMap({ ask, about, context, state, go }) {
  const { t, format } = context;
  const set = { spread: 2, directions: [0, Math.min(1, about.sliders - 1)] };
  const grid = about.points
    ? null
    : tileGrid(context, { label: t("lab.explore.map_label"), columns: SIDE, onPick: pick });
  const draw = latest(async (spot) => {
    const found = await ask("map", { spot, spread: set.spread, size: about.points ? 15 : SIDE, directions: set.directions });
    if (!found) return;
    if (about.points) state.board?.mark("lattice", Array.from(found.arrays.members.data));
    else {
      grid.show(opaque(found.arrays.members));
      grid.pick(Math.floor((SIDE * SIDE) / 2), false);
    }
  });
  let centre = state.spot;

  /** The spot of a cell, as the server has it. */
  function pick(index) {
    const ticks = Array.from({ length: SIDE }, (_, i) => set.spread * ((2 * i) / (SIDE - 1) - 1));
    const offsets = Array.from({ length: about.sliders }, (_, i) => centre.offsets?.[i] ?? 0);
    offsets[set.directions[0]] += ticks[index % SIDE];
    offsets[set.directions[1]] += ticks[SIDE - 1 - Math.floor(index / SIDE)];
    context.announce(t("lab.explore.map_describe", { row: Math.floor(index / SIDE) + 1, column: (index % SIDE) + 1 }));
    const within = offsets.map((one) => Math.max(-5, Math.min(5, one)));
    go({ ...centre, offsets: within }, me);
  }

  const spread = h("input", { type: "range", class: "slider", id: "map-spread", min: "0.25", max: "4", step: "0.25", value: String(set.spread) });
  const told = h("output", { for: "map-spread", class: "hint" }, `± ${format.number(set.spread, 2)}`);
  spread.addEventListener("input", () => {
    set.spread = Number(spread.value);
    told.textContent = `± ${format.number(set.spread, 2)}`;
    draw(centre);
  });
  const axes = ["across", "up"].map((name, axis) => {
    const options = Array.from({ length: about.sliders }, (_, i) => h("option", { value: String(i), selected: i === set.directions[axis] }, t("lab.explore.direction", { n: i + 1 })));
    const select = h("select", { id: `map-${name}` }, options);
    select.addEventListener("change", () => {
      set.directions[axis] = Number(select.value);
      draw(centre);
    });
    return h("label", { class: "field" }, h("span", { class: "field-label" }, t(`lab.explore.axis.${name}`)), select);
  });

  const me = {
    element: h(
      "section",
      { class: "card stack map-card", "aria-label": t("lab.explore.map") },
      h("div", { class: "card-head" }, h("h2", { class: "g" }, t("lab.explore.map")), h("span", { class: "hint" }, t(about.points ? "lab.explore.map_points_hint" : "lab.explore.map_hint"))),
      h("div", { class: "map-tools" }, axes, h("div", { class: "field" }, h("div", { class: "field-label spread" }, h("label", { for: "map-spread" }, t("lab.explore.spread")), told), spread)),
      grid?.element,
    ),
    show(spot) {
      centre = spot;
      draw(spot);
    },
  };
  return me;
}

/** The way between two samples, on the sphere that latents lie near. Returns {element, show(spot)}. */
export function ways({ ask, about, context, state, go }) {
  const { t } = context;
  const set = { a: null, b: null };
  const ends = h("div", { class: "way-ends" });
  const strip = h("div", { class: "way", role: "group", "aria-label": t("lab.explore.way") });
  const draw = latest(async () => {
    if (!set.a || !set.b) return;
    const { a, b } = set;
    const found = await ask("between", { a, b, steps: STEPS });
    if (!found) return;
    const { members } = found.arrays;
    if (about.points) {
      state.board?.mark("way", Array.from(members.data));
      return;
    }
    strip.replaceChildren(
      ...Array.from({ length: STEPS }, (_, i) => {
        const label = t("lab.explore.step", { n: i + 1, of: STEPS });
        const at = i === 0 ? a : i === STEPS - 1 ? b : { ...a, start: a.offsets ?? [], offsets: [], end: b, step: i, steps: STEPS };
        return h("button", { type: "button", class: "way-step", "aria-label": label, title: label, onclick: () => go(at, me) }, still(opaque(members), i, label));
      }),
    );
  });

  const button = (end) =>
    h("button", { type: "button", class: "button small", dataset: { end }, onclick: () => put(end) }, t(`lab.explore.take.${end}`));
  function put(end) {
    const spot = { ...state.spot };
    if (spot.end) spot.offsets = spot.start; // a way may not lead through another way: its start is taken
    for (const name of ["end", "start", "step", "steps"]) delete spot[name];
    set[end] = spot;
    draw();
  }
  ends.append(button("a"), button("b"));

  const me = {
    element: h(
      "section",
      { class: "card stack way-card", "aria-label": t("lab.explore.way") },
      h("div", { class: "card-head" }, h("h2", { class: "g" }, t("lab.explore.way")), h("span", { class: "hint" }, t("lab.explore.way_hint"))),
      ends,
      strip,
    ),
    show() {
      if (set.a) return;
      const { seed, label } = state.spot; // something to see at once
      set.a = { seed, index: 0, label };
      set.b = { seed, index: 1, label };
      draw();
    },
  };
  return me;
}
