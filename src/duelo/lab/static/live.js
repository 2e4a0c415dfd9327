/* The live game, as the page knows it: what the server tells, kept, and handed to whoever listens. */

import { h } from "./dom.js";

const KEPT = 1200; // points of a curve; beyond, every second one of the older is dropped (lab/curves.py keeps them in the same way)
const PAUSE_MS = 40; // between two frames, so that a fast server does not keep the page from answering
const WAIT_MS = 120; // that numbers wait for the picture that comes with them: to lay out and paint the page once is cheaper
const CURVES = {
  discriminator_loss: (tick) => tick.losses?.discriminator,
  generator_loss: (tick) => tick.losses?.generator,
  real_right: (tick) => tick.real_right,
  fake_right: (tick) => tick.fake_right,
  referee_right: (tick) => tick.referee_right,
  generator_gradient: (tick) => tick.gradients?.generator,
  discriminator_gradient: (tick) => tick.gradients?.discriminator,
  generator_rate: (tick) => tick.controls?.generator_learning_rate,
  discriminator_rate: (tick) => tick.controls?.discriminator_learning_rate,
};

/** context: of the view. Ends by itself when the view is left.
 *  Events: "settings", "tick", "frame", "duel", "finding", "progress", "failed", "connection", "anew"; each handler gets the whole `live`. */
export function liveGame(context) {
  const { api, onLeave } = context;
  const handlers = new Map();
  const live = {
    settings: {}, choices: {}, state: "empty", nimg: 0, error: null, connected: false,
    tick: null, duel: null, findings: [], progress: null, frame: null, kept: {}, heard: 0, optimal: false, asking: null,
    curves: emptyCurves(),
    server: null, // which one it was: a game ends with its server
    notice: h("p", { class: "notice bad", role: "alert", hidden: true }, context.t("lab.forgotten", { play: context.t("lab.transport.play") })),
  };

  live.on = (name, handler) => {
    handlers.set(name, [...(handlers.get(name) ?? []), handler]);
  };
  const tell = (name) => (handlers.get(name) ?? []).forEach((handler) => handler(live));

  /** What an answer or the first event of a stream tells: any part of the whole state. */
  function takeWhole(told) {
    if (told.server && live.server && told.server !== live.server) forget();
    live.server = told.server ?? live.server;
    for (const name of ["settings", "choices", "state", "nimg"]) {
      if (told[name] !== undefined) live[name] = told[name];
    }
    if (told.curves) live.curves = told.curves;
    const { tick, duel, finding, failed, progress } = told.latest ?? {};
    if (duel) live.duel = duel;
    if (finding) live.findings = finding;
    if (tick) takeTick(tick);
    if (failed) fail(failed);
    if (progress) read(progress);
    tell("settings");
  }

  /** Another server has taken the place of the one whose game this was. */
  function forget() {
    const was = live.tick?.nimg > 0;
    live.tick = null;
    startAnew();
    live.notice.hidden = !was;
  }

  function fail({ error }) {
    live.state = "failed";
    live.error = error[context.lang];
    tell("failed");
  }

  function read(progress) {
    live.progress = progress;
    tell("progress");
  }

  function takeTick(tick) {
    if (tick.nimg < (live.curves.nimg.at(-1) ?? 0) || tick.state === "starting") startAnew();
    live.tick = tick;
    live.heard += 1;
    live.nimg = tick.nimg;
    remember(live.curves, tick);
    const moved = tick.state && tick.state !== live.state;
    live.state = tick.state ?? live.state;
    if (moved) showTick();
    else waiting ??= setTimeout(showTick, WAIT_MS);
  }

  let waiting = null; // numbers that are not shown yet
  function showTick() {
    clearTimeout(waiting);
    waiting = null;
    tell("tick");
  }

  function startAnew() {
    live.notice.hidden = true;
    live.progress = null;
    live.curves = emptyCurves();
    live.findings = [];
    live.duel = null;
    tell("anew");
  }

  const close = api.events("live/events", {
    state: takeWhole,
    settings(settings) {
      const moved = settings.data !== live.settings.data;
      live.settings = settings;
      tell("settings");
      if (moved) live.load(); // other data have other choices
    },
    tick: takeTick,
    duel(duel) {
      live.duel = duel;
      tell("duel");
    },
    finding(found) {
      live.findings = found;
      tell("finding");
    },
    progress: read,
    failed: fail,
  }, {
    onState(state) {
      live.connected = state === "open";
      tell("connection");
    },
  });

  let left = false;
  followFrames(live, api, () => left, () => {
    if (waiting) showTick();
    tell("frame");
  });

  onLeave(() => {
    close();
    left = true;
    clearTimeout(waiting);
    live.asking.abort();
    handlers.clear();
  });

  /** The stage shows the best possible opinion, or no longer: the server works it out only for who asks. */
  live.showOptimal = (on) => {
    live.optimal = on;
    if (on) live.asking.abort(); // a paused game may leave the question before without an answer for long
  };

  const asked = async (promise) => {
    try {
      const told = await promise;
      if (told?.settings) takeWhole(told);
      return told;
    } catch (error) {
      if (error.status === 409) return {}; // a newer choice took the place of this one, and is shown
      context.toast(error.message, "error");
      return null;
    }
  };
  live.load = () => asked(api.get("live"));
  live.start = (settings) => asked(api.post("live", settings));
  live.change = (changes) => asked(api.patch("live", changes));
  live.act = (action, n = 1) => asked(api.post("live/do", { action, n }));
  live.draw = (points) => asked(api.post("live/points", { points }));
  live.toggle = () => live.act(live.state === "playing" ? "pause" : "play");
  return live;
}

function emptyCurves() {
  return { nimg: [], ...Object.fromEntries(Object.keys(CURVES).map((name) => [name, []])) };
}

/** One more point of every curve; a curve that grew too long loses every second point. */
function remember(curves, tick) {
  if (curves.nimg.at(-1) === tick.nimg) return;
  curves.nimg.push(tick.nimg);
  for (const [name, of] of Object.entries(CURVES)) {
    const value = of(tick);
    curves[name].push(Number.isFinite(value) ? value : null);
  }
  if (curves.nimg.length > KEPT) {
    for (const name of Object.keys(curves)) curves[name] = curves[name].filter((_, i) => i % 2 === 1 || i > KEPT * 0.75);
  }
}

/** Ask for the newest frame again and again, as long as the page is seen. */
async function followFrames(live, api, left, tell) {
  let after = -1;
  while (!left()) {
    live.asking = new AbortController();
    try {
      if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      const frame = await api.binary("live/frame", {
        query: { after, known: live.kept.dataId, optimal: live.optimal ? 1 : null },
        signal: live.asking.signal,
      });
      if (frame && !left()) {
        after = frame.meta.frame ?? after + 1;
        await new Promise(requestAnimationFrame);
        keep(live, frame);
        tell();
      }
      await sleep(frame ? PAUSE_MS : 100);
    } catch (error) {
      if (error.name === "AbortError") continue;
      after = -1; // perhaps another server: take whatever it has
      await sleep(1000);
    }
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Arrays that come only now and then stay until the data changes. */
function keep(live, frame) {
  const { meta, arrays } = frame;
  if (live.kept.dataId !== meta.data_id) live.kept = { dataId: meta.data_id };
  for (const name of ["real", "reals", "optimal", "sought", "nearest", "nearest_heldout", "distances"]) {
    if (arrays[name]) live.kept[name] = arrays[name];
  }
  live.frame = { meta, arrays: { ...live.kept, ...arrays } };
  delete live.frame.arrays.dataId;
}
