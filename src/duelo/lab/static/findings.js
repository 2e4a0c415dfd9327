/* What the referee says of the duel: the diagnosis in words, and what each side may do at the moment. */

import { clear, h, icon } from "./dom.js";

/** Does what stands beside look bad: the referee's verdict, or the modes that are found? Then "no alarm" would not be believed. */
function looksBad({ verdict, tick }) {
  const judged = tick?.judgement;
  return verdict === "crushing" || verdict === "behind" || (Number.isFinite(judged?.modes) && judged.modes <= judged.k / 2);
}

/** context: of the view. Returns {element, show(live)}. */
export function findings(context) {
  const { t, format, lang } = context;
  const list = h("div", { class: "findings", "aria-live": "polite" });
  const levers = h("dl", { class: "levers" });
  const element = h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("lab.findings.title")),
    list,
    h("h3", {}, t("lab.levers.title")),
    levers,
    h("p", { class: "hint" }, t("lab.levers.hint")),
  );
  let said = null;

  function showList(live) {
    const none = !live.duel ? "lab.findings.waiting" : looksBad(live) ? "lab.findings.quiet" : "lab.findings.none";
    const now = JSON.stringify([live.findings.map((one) => [one.kind, one.text]), none, live.state === "failed"]);
    if (now === said) return;
    said = now;
    clear(list);
    if (live.state === "failed") list.append(h("p", { class: "notice bad" }, live.error ?? t("lab.failed")));
    for (const one of live.findings) {
      list.append(h("article", { class: "finding" }, h("h3", {}, icon("warn"), one.title[lang]), h("p", {}, one.text[lang]), h("p", { class: "hint" }, one.remedy[lang])));
    }
    if (!live.findings.length && live.state !== "failed") list.append(h("p", { class: "hint" }, t(none)));
  }

  function showLevers({ tick, settings }) {
    const set = tick?.controls;
    if (!set) return;
    const entries = [
      [t("lab.levers.d_rate"), format.number(set.discriminator_learning_rate, 2)],
      [t("lab.levers.g_rate"), format.number(set.generator_learning_rate, 2)],
      [t("lab.levers.turns"), `${set.discriminator_steps} : ${set.generator_steps}`],
      [t("lab.levers.augment"), format.percent(set.augment)],
      [t("lab.levers.noise"), format.number(set.noise, 2)],
      [t("lab.levers.rule"), t(`lab.value.${settings.balance ?? "fixed"}`)],
    ];
    clear(levers).append(...entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  return {
    element,
    show(live) {
      showList(live);
      showLevers(live);
    },
  };
}
