/* One sample, closely: the sliders that change it, what lies next to it, and what the discriminator says of it. */

import { clear, h, icon, svg } from "./dom.js";
import { latest, opaque } from "./explore.js";
import { still } from "./tiles.js";

const REACH = 3; // standard deviations to which a slider goes
const REST_MS = 250; // after which a picture that stays as it is gets compared with its neighbours

/** tools: {ask, about, context, state, go}. Returns {element, show(spot, fromHere)}. */
export function inspector(tools) {
  const { ask, about, context, state, go } = tools;
  const { t } = context;
  const picture = h("div", { class: "closeup-picture" });
  const save = h("button", { type: "button", class: "button small", onclick: () => download(picture.querySelector("canvas")) }, icon("download"), t("lab.explore.this"));
  const waiting = () => h("p", { class: "hint" }, t("lab.loading"));
  const near = h("div", { class: "neighbours", "aria-live": "polite" }, waiting());
  const judged = h("div", { class: "stack opinion" }, waiting());
  const dials = sliders(tools, (offsets) => go({ ...state.spot, offsets }, me));
  let timer = 0;

  const draw = latest(async (spot) => {
    const found = await ask("latents", { spots: [spot] });
    if (found) paint(found.arrays.members);
  });
  const compare = latest(async (spot) => {
    near.classList.add("old");
    const found = await ask("neighbours", { spot });
    near.classList.remove("old");
    if (!found) return;
    paint(found.arrays.member);
    showNeighbours(near, found, about, context);
    clear(judged).append(...opinion(found.meta.opinion, context));
    if (about.points) state.board?.mark("near", [...found.arrays.train.data, ...found.arrays.heldout.data]);
  });

  function paint(members) {
    if (about.points) {
      const [x, y] = members.data;
      state.board?.mark("spot", [x, y]);
      clear(picture).append(h("p", { class: "figure" }, t("lab.explore.point", { x: context.format.number(x, 3), y: context.format.number(y, 3) })));
      return;
    }
    clear(picture).append(still(opaque(members), 0, t("lab.explore.chosen")));
  }

  const me = {
    element: h(
      "section",
      { class: "card closeup-card", "aria-label": t("lab.explore.chosen") },
      h("div", { class: "closeup-top" }, h("div", { class: "stack" }, picture, about.points ? null : save), dials.element),
      h("div", { class: "stack" }, h("h2", {}, t("lab.explore.next")), near),
      h("div", { class: "stack" }, h("h2", { class: "d" }, t("lab.explore.says")), judged),
    ),
    show(spot, moved) {
      if (!moved) dials.set(spot);
      clearTimeout(timer);
      draw(spot);
      timer = setTimeout(() => state.ended || compare(spot), REST_MS);
    },
  };
  return me;
}

function download(canvas) {
  canvas?.toBlob((blob) => {
    const link = h("a", { href: URL.createObjectURL(blob), download: "sample.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

/** The latent's sliders: along the directions that change the picture most. */
function sliders({ about, context }, change) {
  const { t, format } = context;
  const list = Array.from({ length: about.sliders }, (_, i) => {
    const id = `direction-${i}`;
    const input = h("input", { type: "range", class: "slider", id, min: -REACH, max: REACH, step: "0.05", value: "0" });
    const value = h("output", { class: "hint", for: id }, "0");
    input.addEventListener("input", () => {
      dress();
      change(list.map((one) => Number(one.input.value)));
    });
    const dress = () => (value.textContent = format.number(Number(input.value), 2));
    return { input, dress, element: h("div", { class: "dial" }, h("label", { for: id }, t("lab.explore.direction", { n: i + 1 })), input, value) };
  });
  const reset = h("button", { type: "button", class: "button small quiet", onclick: () => put([]) || change([]) }, icon("reset"), t("lab.explore.reset"));
  function put(offsets) {
    list.forEach((one, i) => {
      const offset = offsets[i] ?? 0;
      one.input.max = Math.max(REACH, Math.abs(offset)); // the map leads farther than a slider does by itself
      one.input.min = -one.input.max;
      one.input.value = offset;
      one.dress();
    });
  }
  return {
    element: h("fieldset", { class: "dials g" }, h("legend", {}, t("lab.explore.sliders")), h("p", { class: "hint" }, t("lab.explore.sliders_hint")), list.map((one) => one.element), reset),
    set: (spot) => put(spot.offsets ?? []),
  };
}

/** The nearest training and held-out members, and in words whether that is unusual. */
function showNeighbours(element, { meta, arrays }, about, { t, format }) {
  const kinds = [
    ["train", t("lab.explore.train"), arrays.train],
    ["heldout", t("lab.explore.heldout"), arrays.heldout],
  ];
  const columns = kinds.map(([kind, title, members]) =>
    h(
      "div",
      { class: `neighbour-row ${kind}` },
      h("h3", {}, title),
      h(
        "div",
        { class: "neighbour-list" },
        meta[kind].map((distance, i) =>
          h(
            "figure",
            {},
            about.points ? null : still(opaque(members), i, t("lab.explore.neighbour", { n: i + 1, distance: format.number(distance, 3) })),
            h("figcaption", { dataset: { distance } }, format.number(distance, 3)),
          ),
        ),
      ),
    ),
  );
  const [train, heldout] = [meta.train[0], meta.heldout[0]];
  const kind = train < 0.5 * Math.min(heldout, meta.usual) ? "copy" : train < 0.8 * Math.min(heldout, meta.usual) ? "close" : "usual";
  clear(element).append(
    ...columns,
    h("p", { class: kind === "copy" ? "notice bad" : "hint" }, t(`lab.explore.near.${kind}`, { train: format.number(train, 3), heldout: format.number(heldout, 3) })),
    h("p", { class: "hint" }, t("lab.explore.usual", { usual: format.number(meta.usual, 3), n_train: format.count(meta.n_train), n_heldout: format.count(meta.n_heldout) })),
    about.points ? "" : h("p", { class: "hint" }, t("lab.explore.shifts")),
  );
}

/** What the discriminator says: a logit, and where it lies among what it says of others. */
function opinion(said, { t, format }) {
  if (!said || said.logit === null) return [h("p", { class: "hint" }, t("lab.explore.no_opinion"))];
  const at = (value) => ((value - said.low) / (said.high - said.low || 1)) * 100;
  const most = Math.max(...said.counts.real, ...said.counts.fake, 1);
  const hill = (counts, name, up) => {
    const step = 100 / counts.length;
    const y = (count) => 20 - (up ? 1 : -1) * (18 * count) / most;
    const points = counts.map((count, i) => `${i * step},${y(count)} ${(i + 1) * step},${y(count)}`).join(" ");
    return svg("polygon", { class: name, points: `0,20 ${points} 100,20` });
  };
  const drawing = svg(
    "svg",
    { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "hills", role: "img", "aria-label": t("lab.explore.hills") },
    hill(said.counts.real, "hill-real", true),
    hill(said.counts.fake, "hill-fake", false),
    svg("line", { class: "border", x1: at(said.border), x2: at(said.border), y1: 0, y2: 40 }),
    svg("line", { class: "here", x1: at(said.logit), x2: at(said.logit), y1: 0, y2: 40 }),
  );
  return [
    h("p", { class: "figure", dataset: { logit: said.logit } }, t(`lab.explore.taken.${said.taken_for}`)),
    drawing,
    h("div", { class: "chart-key" }, h("span", { class: "key-real" }, t("lab.explore.key.real")), h("span", { class: "key-fake" }, t("lab.explore.key.fake")), h("span", { class: "key-here" }, t("lab.explore.key.here"))),
    h("p", { class: "hint" }, t("lab.explore.place", { logit: format.number(said.logit, 3), real: format.percent(said.real_below), fake: format.percent(said.fake_below), n: format.count(said.n) })),
  ];
}
