// Numbers, times and texts as they are shown. No clock, no page.

const DAY_S = 86_400;
const LONGEST = 4000;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Symbols before a unit. */
const PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/**
 * @param {number} number
 * @param {number} width
 */
const padded = (number, width = 2) => String(number).padStart(width, "0");

/**
 * A text of a stranger, of bounded length, with what cannot be seen made visible.
 *
 * @param {unknown} text
 * @param {number} most
 * @returns {string}
 */
export function visible(text, most = LONGEST) {
  const told = String(text);
  const cut = told.length > most ? `${told.slice(0, most)} [${told.length - most} more]` : told;
  return cut.replace(HIDDEN, (sign) => `\\u{${/** @type {number} */ (sign.codePointAt(0)).toString(16).padStart(4, "0")}}`);
}

/**
 * A number in digits that make sense: all of an integer, seven of any other.
 *
 * @param {number} number
 * @returns {string}
 */
export function number(number) {
  if (!Number.isFinite(number)) return String(number);
  if (Number.isInteger(number) && Math.abs(number) < 1e15) return String(number);
  const size = Math.abs(number);
  if (size >= 1e9 || size < 1e-4) return number.toExponential(5).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(number.toPrecision(7)));
}

const LINE = 300;

/**
 * A value as it came, in one line; of one that is too large to be sent, its begin and how much there is.
 *
 * @param {any} value
 * @returns {string}
 */
export function value(value) {
  if (value === null || value === undefined) return "-";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value === "" ? "(empty)" : visible(value, LINE);
  if (value.left_out === true) {
    if (Array.isArray(value.shape)) return `${value.shape.join(" x ")} ${visible(value.dtype, 8)}`;
    const characters = number(Number(value.characters));
    if (typeof value.text !== "string") return `(${characters} characters)`;
    return `${visible(value.text.slice(0, LINE))} [${number(value.characters - LINE)} more]`;
  }
  return visible(JSON.stringify(value), LINE);
}

/**
 * A number with its unit, with a prefix if it is large: 412 MB/s.
 *
 * @param {number | null | undefined} number
 * @param {string} unit
 * @returns {string}
 */
export function scaled(number, unit) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "-";
  for (const [size, sign] of PREFIXES) {
    if (Math.abs(number) >= Number(size)) return `${significant(number / Number(size))}\u00a0${sign}${unit}`;
  }
  return `${significant(number)}\u00a0${unit}`.trimEnd();
}

/** @param {number} number In three digits, integers whole. */
function significant(number) {
  return Math.abs(number) >= 100 || Number.isInteger(number) ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
}

/**
 * Age or length of time, in at most seven signs: 0.3 s, 12 s, 1 m 23 s, 3 h 10 m, 3 d 02 h.
 *
 * @param {number | null | undefined} seconds
 * @returns {string}
 */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "-";
  const whole = Math.max(seconds, 0);
  if (whole < 9.95) return `${whole.toFixed(1)} s`;
  if (whole < 59.5) return `${Math.round(whole)} s`;
  const s = Math.round(whole);
  if (s < 3600) return `${Math.floor(s / 60)} m ${padded(s % 60)} s`;
  if (s < DAY_S) return `${Math.floor(s / 3600)} h ${padded(Math.floor((s % 3600) / 60))} m`;
  return `${Math.floor(s / DAY_S)} d ${padded(Math.floor((s % DAY_S) / 3600))} h`;
}

/**
 * @param {string} kind Of Banks; those of strangers are `module:Class`.
 * @returns {string} Its name for a narrow column.
 */
export function kindName(kind) {
  return kind.slice(kind.lastIndexOf(":") + 1);
}

/** @param {number} share 0 to 1. */
export function percent(share) {
  return `${Math.floor(Math.min(Math.max(share, 0), 1) * 100)} %`;
}

/**
 * @param {number | null | undefined} bytes
 * @returns {string}
 */
export function bytes(bytes) {
  return bytes === null || bytes === undefined ? "-" : scaled(bytes, "B");
}

/**
 * UTC as 2026-11-29 03:14:07.
 *
 * @param {number | null | undefined} time Unix seconds.
 * @param {number} digits Of the second.
 * @returns {string}
 */
export function utc(time, digits = 0) {
  if (!time || !Number.isFinite(time) || Math.abs(time) > 8e12) return "-";
  const cut = Math.floor(time * 10 ** digits) / 10 ** digits;
  return new Date(Math.round(cut * 1000)).toISOString().replace("T", " ").slice(0, digits ? 20 + digits : 19);
}

/**
 * UTC of a day as 03:14:07.
 *
 * @param {number | null | undefined} time Unix seconds.
 * @param {number} digits Of the second.
 */
export function utcOfDay(time, digits = 0) {
  const told = utc(time, digits);
  return told === "-" ? told : told.slice(11);
}

/**
 * UTC of today without the date, of another day with it.
 *
 * @param {number} time Unix seconds.
 * @param {number} now Unix seconds.
 */
export function utcNear(time, now) {
  return utc(time).slice(0, 10) === utc(now).slice(0, 10) ? utcOfDay(time) : utc(time);
}

/**
 * Time of the site with the name of its zone, as 22:14 EST.
 *
 * @param {number} time Unix seconds.
 * @param {string | null} zone IANA.
 * @returns {string} Empty: the zone is not known.
 */
export function siteTime(time, zone) {
  if (!zone || !time) return "";
  try {
    const options = /** @type {const} */ ({ timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
    return new Intl.DateTimeFormat("en-US", options).format(new Date(time * 1000));
  } catch {
    return "";
  }
}

/**
 * Local mean sidereal time as 02:41, by the formula of the Astronomical Almanac for GMST; UT1 is taken to be UTC.
 *
 * @param {number} time Unix seconds.
 * @param {number | null} longitude Degrees, east is positive.
 * @returns {string} Empty: the longitude is not known.
 */
export function sidereal(time, longitude) {
  if (longitude === null || !time) return "";
  const days = time / DAY_S + 2440587.5 - 2451545.0;
  const hours = 18.697374558 + 24.06570982441908 * days + longitude / 15;
  const minutes = Math.floor((((hours % 24) + 24) % 24) * 60);
  return `${padded(Math.floor(minutes / 60))}:${padded(minutes % 60)}`;
}

/**
 * A cell of a CSV file; what a spreadsheet would take for a formula is quoted.
 *
 * @param {unknown} cell
 * @returns {string}
 */
export function csvCell(cell) {
  const text = cell === null || cell === undefined ? "" : String(cell);
  const safe = typeof cell !== "number" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) || safe !== text ? `"${safe.replaceAll('"', '""')}"` : safe;
}
