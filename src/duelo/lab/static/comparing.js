/* Runs side by side, after equally many images and after equally long training: the numbers of `duelo compare`. */

import { chart } from "./charts.js";
import { clear, h, icon } from "./dom.js";
import { snug } from "./run.js";
import { address } from "./runs.js";

const TONES = ["run-0", "run-1", "run-2", "run-3", "run-4", "run-5"];
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800]; // between two numbers of the time axis
const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [3, 3, 10, 3]];

export function comparing(element, context, names) {
  const { t, api } = context;
  const body = h("div", { class: "stack" }, h("p", { class: "hint", role: "status" }, t("lab.runs.comparing")));
  const query = { runs: names.join(",") };
  element.append(
    h("a", { class: "run-back", href: "#runs" }, icon("back"), t("lab.runs.back")),
    h(
      "div",
      { class: "spread" },
      h("h1", {}, t("lab.runs.side_by_side")),
      h("a", { class: "button", href: api.url("compare/page", query), target: "_blank", rel: "noopener" }, t("lab.runs.as_page")),
    ),
    body,
  );
  let ended = false;
  api.get("compare", query).then(
    (found) => ended || show(body, context, found),
    (error) => ended || clear(body).append(h("p", { class: "notice bad", role: "alert" }, error.message)),
  );
  return () => {
    ended = true;
  };
}

function show(body, context, found) {
  const { t } = context;
  clear(body).append(
    ...found.warnings.map((text) => h("p", { class: "notice bad" }, text)),
    h(
      "section",
      { class: "card scrolls" },
      table(found, [...found.rows, ...found.equal], context),
      found.differences.length > 0 && h("h2", { class: "table-title" }, t("lab.runs.differs")),
      found.differences.length > 0 && table(found, found.differences, context, true),
    ),
    h("section", { class: "card charts" }, judgements(found, context)),
    h("section", { class: "card stack" }, h("h2", { class: "g" }, t("lab.runs.makes")), pictures(found, context)),
  );
}

function table({ names, folders }, rows, { t }, keys = false) {
  return h(
    "table",
    { class: "table compared" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("lab.runs.measure"))),
        names.map((name, i) => h("th", { scope: "col" }, h("a", { href: address("runs", folders[i]) }, h("i", { class: `tone tone-${i}`, "aria-hidden": "true" }), name))),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map(([head, ...cells]) => h("tr", {}, h("th", { scope: "row", class: keys ? "mono" : null }, head), cells.map((cell) => h("td", {}, cell)))),
    ),
  );
}

function judgements({ names, judged }, context) {
  const { t, format } = context;
  const ways = [
    ["kimg", t("lab.runs.judged_images"), (value) => format.number(value, 4)],
    ["seconds", t("lab.runs.judged_time"), (value) => format.duration(value)],
  ];
  return ways.map(([axis, title, xFormat]) => {
    const at = [...new Set(judged.flatMap((one) => one[axis]))].sort((a, b) => a - b);
    const column = (one) => at.map((x) => one.value[one[axis].indexOf(x)] ?? null);
    const floor = judged.find((one) => one.floor.length)?.floor.at(-1);
    const plot = chart(context, {
      title,
      xFormat,
      xSteps: axis === "seconds" ? SECONDS : undefined,
      rem: 12,
      dots: true, // a run may have one judgement alone
      series: names.map((label, i) => ({ label, colour: TONES[i], dash: DASHES[i], width: 2 })),
      levels: [{ at: floor, colour: "ink-3" }],
      y: { log: true, range: (plot, low, high) => snug(plot, Math.min(low, floor ?? low), Math.max(high, floor ?? high)) },
    });
    plot.set([at, ...judged.map(column)]);
    return plot.element;
  });
}

function pictures({ names, folders, pictures: chosen, reached }, context) {
  const { t, api, format } = context;
  const titles = {
    images: t("lab.runs.pictures.images", { kimg: reached.kimg }),
    seconds: t("lab.runs.pictures.seconds", { time: reached.time }),
    end: t("lab.runs.pictures.end"),
  };
  return Object.entries(chosen).map(([when, grids]) =>
    h(
      "div",
      { class: "stack" },
      h("h3", {}, titles[when]),
      h(
        "div",
        { class: "side-by-side" },
        grids.map((kimg, i) =>
          h(
            "figure",
            {},
            kimg === null
              ? h("p", { class: "hint" }, t("lab.runs.no_grid"))
              : h("img", { class: "grid-picture", loading: "lazy", alt: t("lab.runs.grid_alt", { kimg }), src: api.url(`runs/${encodeURIComponent(folders[i])}/grid/${kimg}`) }),
            h("figcaption", { class: "hint" }, h("i", { class: `tone tone-${i}`, "aria-hidden": "true" }), names[i], kimg === null ? null : ` · ${t("lab.runs.at", { kimg: format.number(kimg, 4) })}`),
          ),
        ),
      ),
    ),
  );
}
