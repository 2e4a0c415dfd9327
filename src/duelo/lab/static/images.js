/* The stage for images: what the generator makes of latents that stay the same, real ones beside, and a close look at one. */

import { clear, h } from "./dom.js";
import { sigmoid, still, tileGrid } from "./tiles.js";

const GREYS = 255; // the live game tells distances in grey levels; everywhere else their full range is 1

/** context: of the view. Returns {element, show(live)}. */
export function imageStage(context) {
  const { t, format } = context;
  const element = h("div", { class: "image-stage" });
  const closeup = h("div", { class: "well" });
  const whole = h("div", { class: "stack" }, element, closeup);
  const opinion = (index) => sigmoid(latest.logits.data[index]);
  const describe = (index) => t("lab.images.describe", { n: index + 1, share: format.percent(opinion(index)) });
  const grids = {
    fakes: tileGrid(context, { label: t("lab.images.fakes_label"), onPick: showCloseup, describe }),
    rival: tileGrid(context, { label: t("lab.images.rival_label"), strips: true }),
    nearest: tileGrid(context, { label: t("lab.images.nearest_label"), strips: true }),
    reals: tileGrid(context, { label: t("lab.images.reals_label"), strips: true }),
  };
  const panes = {
    fakes: pane("g", t("lab.images.fakes"), t("lab.images.fakes_hint"), grids.fakes),
    rival: pane("", t("lab.images.rival"), t("lab.images.rival_hint"), grids.rival),
    nearest: pane("", t("lab.images.nearest_title"), t("lab.images.nearest_hint"), grids.nearest),
    reals: pane("", t("lab.images.reals"), t("lab.images.reals_hint"), grids.reals),
  };
  let latest = {};
  let shownReals = null;
  element.append(panes.fakes, panes.nearest, panes.rival, panes.reals);
  clear(closeup).append(h("p", { class: "hint" }, t("lab.images.pick")));

  function showCloseup(index) {
    const figure = (images, at, caption, tone) => h("figure", {}, still(images, at, caption), h("figcaption", { class: tone }, caption));
    const share = format.percent(opinion(index));
    const found = [];
    if (latest.nearest) {
      const [train, heldout] = latest.distances ? [0, 1].map((which) => latest.distances.data[2 * index + which] / GREYS) : [];
      found.push(figure(latest.sought, index, t("lab.images.sought"))); // whose neighbours these are: the newest may have moved on
      found.push(figure(latest.nearest, index, t("lab.images.nearest", { distance: format.number(train, 3) })));
      found.push(figure(latest.nearest_heldout, index, t("lab.images.nearest_heldout", { distance: format.number(heldout, 3) })));
    }
    clear(closeup).append(
      h("div", { class: "closeup" }, figure(latest.fakes, index, t("lab.images.opinion", { share })), found),
      found.length ? "" : h("p", { class: "hint" }, t("lab.images.no_neighbours")),
    );
  }

  return {
    element: whole,
    grids,
    show(live) {
      latest = live.frame?.arrays ?? {};
      if (!latest.fakes) return;
      grids.fakes.show(latest.fakes, { opinions: latest.logits ? Array.from(latest.logits.data, sigmoid) : null });
      panes.rival.hidden = !latest.rival;
      panes.nearest.hidden = !latest.nearest;
      panes.reals.hidden = Boolean(latest.nearest); // the place is for what they resemble
      if (latest.nearest) grids.nearest.show(latest.nearest);
      if (latest.rival) grids.rival.show(latest.rival);
      if (latest.reals && latest.reals !== shownReals) {
        shownReals = latest.reals;
        grids.reals.show(latest.reals);
      }
      const picked = grids.fakes.picked();
      if (picked !== null) showCloseup(picked);
    },
  };
}

function pane(tone, title, hint, grid) {
  return h("section", { class: "image-pane" }, h("h3", { class: tone || null }, title), grid.element, h("p", { class: "hint" }, hint));
}
