/* Exploring a run: what its generator can do, where its latents lead, and what lies next to what it makes.
   "#explore": which run; "#explore/name": this one. */

import { clear, h, icon } from "./dom.js";
import { inspector } from "./inspector.js";
import { latentMap, ways } from "./journeys.js";
import { plane } from "./plane.js";
import { address } from "./runs.js";
import { tileGrid } from "./tiles.js";

const SHOWN = 36;
const CLOUD = 400; // points of a toy
const MOST_SEED = 2 ** 31 - 1;

export function mount(element, context) {
  const [name] = context.params;
  return name ? explore(element, context, name) : choose(element, context);
}

/** Which run? Those that have something to explore. */
function choose(element, context) {
  const { t, api } = context;
  const grid = h("div", { class: "run-choice" }, h("p", { class: "hint", role: "status" }, t("lab.loading")));
  element.append(h("h1", {}, t("lab.explore.title")), h("p", { class: "lead" }, t("lab.explore.which")), grid);
  let ended = false;
  api.get("runs").then(
    ({ runs }) => {
      if (ended) return;
      const ready = runs.filter((run) => run.checkpoint);
      if (!ready.length) {
        clear(grid).append(h("div", { class: "empty" }, h("p", {}, t("lab.explore.none")), h("a", { class: "button primary", href: "#runs/:new" }, icon("plus"), t("lab.runs.new"))));
        return;
      }
      clear(grid).append(...ready.map((run) => choice(context, run)));
    },
    (error) => clear(grid).append(h("p", { class: "notice bad", role: "alert" }, error.message)),
  );
  return () => {
    ended = true;
  };
}

function choice({ t, api, format, word }, run) {
  const picture = Number.isFinite(run.grid) && h("img", { class: `run-picture${run.points ? " points" : ""}`, alt: "", loading: "lazy", src: api.url(`runs/${encodeURIComponent(run.name)}/grid/${run.grid}`) });
  return h(
    "a",
    { class: "card run-option", href: address("explore", run.name) },
    h("div", { class: "run-shelf" }, picture),
    h("h2", {}, run.name),
    h("p", { class: "hint" }, t("lab.runs.short", { data: word(run.data), pair: word(run.pair) })),
    h("p", { class: "hint" }, t("lab.runs.at", { kimg: format.number(run.nimg / 1000, 4) })),
  );
}

function explore(element, context, name) {
  const { t, api } = context;
  const place = `explore/${encodeURIComponent(name)}`;
  const state = { about: null, at: "best", seed: 0, label: undefined, spot: { seed: 0, index: 0 }, size: SHOWN, ended: false };
  const body = h("div", { class: "stack" }, h("p", { class: "hint", role: "status" }, t("lab.explore.opening")));
  element.append(
    h("a", { class: "run-back", href: "#explore" }, icon("back"), t("lab.explore.others")),
    h("div", { class: "spread" }, h("h1", {}, name), h("a", { class: "button", href: address("runs", name) }, t("lab.explore.to_run"))),
    body,
  );

  async function open() {
    try {
      const about = await api.get(place, { at: state.at });
      if (state.ended) return;
      state.about = about;
      state.size = about.points ? CLOUD : SHOWN;
      build(body, context, state, place, open);
    } catch (error) {
      if (!state.ended) clear(body).append(h("p", { class: "notice bad", role: "alert" }, error.message));
    }
  }

  open();
  return () => {
    state.ended = true;
  };
}

/** The latest of many wishes, one at a time: what came in between is passed over. */
export function latest(work) {
  let busy = false;
  let waiting = null;
  return async function wish(...values) {
    waiting = values;
    if (busy) return;
    busy = true;
    try {
      while (waiting) {
        const now = waiting;
        waiting = null;
        await work(...now);
      }
    } finally {
      busy = false;
    }
  };
}

function build(body, context, state, place, again) {
  const { t, api, toast } = context;
  const { about } = state;
  const ask = async (what, wanted) => {
    try {
      const found = await api.binary(`${place}/${what}`, { method: "POST", body: { at: state.at, ...wanted } });
      return state.ended ? null : found;
    } catch (error) {
      if (!state.ended) toast(error.message, "error");
      return null;
    }
  };
  const tools = { ask, about, context, state, go: (spot, from) => go(spot, from) };
  const wall = about.points ? cloud(tools) : tiles(tools);
  const close = inspector(tools);
  const map = latentMap(tools);
  const way = ways(tools);

  /** Everything that shows the chosen spot shows this one. from: the part that chose it, and shows it already. */
  function go(spot, from) {
    state.spot = spot;
    close.show(spot, from === close);
    if (from !== map) map.show(spot);
    way.show(spot);
    wall.show(spot);
  }

  const draw = latest(async () => {
    const found = await ask("samples", { seed: state.seed, n: state.size, label: state.label });
    if (!found) return;
    wall.fill(found);
    go({ seed: state.seed, index: 0, label: state.label }, wall);
  });

  clear(body).append(
    toolbar(context, state, place, draw, again),
    h(
      "div",
      { class: "explore-grid" },
      h("section", { class: "card stack wall-card", "aria-label": t("lab.explore.wall") }, h("div", { class: "card-head" }, h("h2", { class: "g" }, t("lab.explore.wall")), h("span", { class: "hint" }, t(about.points ? "lab.explore.cloud_hint" : "lab.explore.wall_hint"))), wall.element),
      close.element,
      map.element,
      way.element,
    ),
  );
  draw();
}

function toolbar(context, state, place, draw, again) {
  const { t, api, format } = context;
  const { about } = state;
  const seed = h("input", { type: "number", class: "input seed", id: "explore-seed", min: "0", max: String(MOST_SEED), step: "1", value: String(state.seed) });
  const download = (kind) => h("a", { class: "button small", download: true, dataset: { download: kind } }, icon("download"), kind.toUpperCase());
  const files = ["png", "npz"].map((kind) => [kind, download(kind)]);

  function address_() {
    for (const [kind, link] of files) link.href = api.url(`${place}/download`, { format: kind, seed: state.seed, n: about.points ? 5000 : 100, class: state.label, at: state.at });
  }
  function anew() {
    address_();
    draw();
  }
  seed.addEventListener("change", () => {
    if (!seed.checkValidity() || seed.value === "") return (seed.value = String(state.seed));
    state.seed = Number(seed.value);
    return anew();
  });
  const dice = h("button", { type: "button", class: "button small", onclick: () => set(Math.floor(Math.random() * 1e6)) }, icon("reset"), t("lab.explore.others_please"));
  function set(value) {
    state.seed = value;
    seed.value = String(value);
    anew();
  }

  const labels = [undefined, ...about.classes.map((_, i) => i)];
  const classes = labels.map((label) => {
    const text = label === undefined ? t("lab.explore.all_classes") : about.classes[label];
    const button = h("button", { type: "button", class: "chip", "aria-pressed": String(state.label === label) }, text);
    button.addEventListener("click", () => {
      state.label = label;
      classes.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
      anew();
    });
    return button;
  });

  const { best, newest } = about.checkpoints;
  const points = Object.entries({ best, newest }).filter(([, kimg]) => kimg !== null);
  const at = points.map(([which, kimg]) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(state.at === which),
        onclick: () => {
          state.at = which;
          again();
        },
      },
      t(`lab.explore.at.${which}`, { kimg: format.number(kimg, 4) }),
    ),
  );
  address_();
  return h(
    "div",
    { class: "card explore-tools" },
    h("div", { class: "cluster" }, h("label", { for: "explore-seed", class: "field-label" }, t("lab.explore.seed")), seed, dice),
    points.length > 1 && h("div", { class: "segmented", role: "group", "aria-label": t("lab.explore.at") }, at),
    about.classes.length > 0 && h("div", { class: "cluster", role: "group", "aria-label": t("lab.explore.classes") }, classes),
    h("div", { class: "cluster downloads" }, h("span", { class: "field-label" }, t(about.points ? "lab.explore.download_points" : "lab.explore.download")), files.map(([, link]) => link)),
  );
}

/** The wall of samples of a generator of images. */
function tiles({ context, state, go }) {
  const { t } = context;
  const grid = tileGrid(context, {
    label: t("lab.explore.wall_label"),
    columns: 6,
    onPick(index) {
      context.announce(t("lab.explore.describe", { n: index + 1 }));
      go({ seed: state.seed, index, label: state.label }, wall);
    },
  });
  const wall = {
    element: grid.element,
    fill({ arrays }) {
      grid.show(opaque(arrays.members));
      grid.pick(0, false);
    },
    show() {},
  };
  return wall;
}

/** The samples of a generator of points, in the plane, with real ones beneath. */
function cloud({ context, about, state, go }) {
  const { t } = context;
  const board = plane(context, { extent: about.extent, label: t("lab.explore.cloud_label"), onPick: (index) => go({ seed: state.seed, index }, wall) });
  const wall = {
    element: board.element,
    board,
    fill({ arrays }) {
      board.set({ fake: arrays.members.data, real: arrays.real.data });
    },
    show() {},
  };
  state.board = board;
  return wall;
}

/** Images of grey and alpha, or colour and alpha, on a middle grey. */
export function opaque(images) {
  const [n, height, width, channels] = images.shape;
  if (channels === 1 || channels === 3) return images;
  const kept = channels - 1;
  const data = new Uint8Array(n * height * width * kept);
  for (let i = 0; i < n * height * width; i++) {
    const alpha = images.data[i * channels + kept] / 255;
    for (let c = 0; c < kept; c++) data[i * kept + c] = Math.round(alpha * images.data[i * channels + c] + (1 - alpha) * 128);
  }
  return { ...images, data, shape: [n, height, width, kept] };
}
