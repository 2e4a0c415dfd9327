/* Numbers as a person writes them, in the language in force. */

/** lang: "en" | "es"; t: the sentences (for the units of a duration). */
export function makeFormat(lang, t) {
  // Spanish groups digits from four on only where told so
  const shared = { useGrouping: true };
  const count = new Intl.NumberFormat(lang, { ...shared, maximumFractionDigits: 0 });
  const percent = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
  const significant = new Map();

  function number(value, digits = 3) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    const small = value !== 0 && Math.abs(value) < 1e-3;
    const key = `${digits}${small}`;
    if (!significant.has(key)) {
      const notation = small ? { notation: "scientific", maximumSignificantDigits: Math.min(digits, 2) } : { maximumSignificantDigits: digits };
      significant.set(key, new Intl.NumberFormat(lang, { ...shared, ...notation }));
    }
    return significant.get(key).format(value);
  }

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (whole < 60) return t("lab.unit.seconds", { n: whole });
    if (whole < 3600) return t("lab.unit.minutes", { n: Math.floor(whole / 60), rest: whole % 60 });
    return t("lab.unit.hours", { n: Math.floor(whole / 3600), rest: Math.floor((whole % 3600) / 60) });
  }

  return {
    number,
    duration,
    count: (value) => (Number.isFinite(value) ? count.format(value) : "–"),
    percent: (value) => (Number.isFinite(value) ? percent.format(value) : "–"),
  };
}
