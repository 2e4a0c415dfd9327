/* Numbers as a person writes them, in the language in force: 12 345, −0.5, 8.8 × 10⁻⁵, 53 %. Every number on the page comes from here. */

const SMALL = 1e-4; // below, and from LARGE on, powers of ten
const LARGE = 1e9;
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const THIN = "\u202f"; // a narrow space at which no line breaks
const MINUS = "\u2212";

/** lang: "en" | "es", with a decimal point in either, as in the sentences and in what one types; t: the sentences (for the units of a duration). */
export function makeFormat(lang, t) {
  const formats = new Map();
  const marks = { minusSign: MINUS, decimal: ".", ...(lang === "es" && { group: THIN }) };

  /** The same for each combination of options, made once. */
  function written(value, options) {
    const key = JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(lang, options));
    const parts = formats.get(key).formatToParts(value);
    return parts.map(({ type, value: text }) => marks[type] ?? text).join("");
  }

  function number(value, digits = 3) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size >= SMALL && size < LARGE) return written(value, { maximumSignificantDigits: digits });
    const [mantissa, power] = value.toExponential(Math.min(digits, 2) - 1).split("e");
    const ten = `10${[...String(Number(power))].map((sign) => RAISED[sign]).join("")}`;
    if (Math.abs(mantissa) === 1) return `${value < 0 ? MINUS : ""}${ten}`;
    return `${written(Number(mantissa), {})}${THIN}×${THIN}${ten}`;
  }

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (whole < 60) return t("lab.unit.seconds", { n: whole });
    if (whole < 3600) return t("lab.unit.minutes", { n: Math.floor(whole / 60), rest: whole % 60 });
    return t("lab.unit.hours", { n: Math.floor(whole / 3600), rest: Math.floor((whole % 3600) / 60) });
  }

  const count = (value) => (Number.isFinite(value) ? written(Math.round(value) + 0, {}) : "–");
  const percent = (value) => (Number.isFinite(value) ? `${count(100 * value)}\u00a0%` : "–"); // as the sentences write it
  return { number, duration, count, percent };
}
