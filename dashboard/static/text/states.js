// States with shape, word and class, the same on all pages: never colour alone. No page.
import { span } from "./format.js";
import words from "./words.js";

/**
 * @typedef {"ok" | "warn" | "fault" | "unknown" | "off"} Severity
 * @typedef {{severity: Severity, word: string, why: string}} State
 */

/** Shape of each state, that is read without colour. */
export const SHAPES = /** @type {Record<Severity, string>} */ (words.shapes);
/** Worst first. */
export const ORDER = /** @type {Severity[]} */ (words.order);

/** @param {string} text With names in braces. @param {Record<string, unknown>} values @returns {string} */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * Bank's own word for what it does: of its scan, else of its overview.
 *
 * @param {any} row
 * @returns {string}
 */
export function activity(row) {
  const { scan, overview } = row;
  const told = scan?.state ?? overview?.state ?? overview?.STATE ?? overview?.DAQSTATE;
  return told === null || told === undefined || told === "" ? words.live : String(told);
}

/**
 * State of a Bank for a row, and why.
 *
 * @param {any} row Of the topic `overview`.
 * @param {number} now Server's time.
 * @returns {State}
 */
export function bankState(row, now) {
  const { state, since, reason } = row.link;
  const link = words.links[state];
  if (link) {
    const values = { ago: span(now - since), reason: reason || words.no_reason };
    return { severity: link.severity, word: link.word, why: filled(link.why, values) };
  }
  const findings = row.findings ?? [];
  const word = activity(row);
  if (words.failures.includes(word.toLowerCase())) return { severity: "fault", word, why: findings[0]?.text ?? row.scan?.error ?? "" };
  const trouble = scanTrouble(row.scan);
  if (trouble) return { severity: "warn", word, why: trouble };
  if (findings.length) return { severity: "warn", word, why: findings.map((/** @type {any} */ each) => each.text).join("; ") };
  const open = row.alarms?.new ?? 0;
  if (open) return { severity: "warn", word, why: open === 1 ? "1 alarm needs a look" : `${open} alarms need a look` };
  return { severity: "ok", word, why: "" };
}

/**
 * @param {any} scan
 * @returns {string} What a scan that runs has lost; empty: nothing.
 */
function scanTrouble(scan) {
  if (!scan || scan.is_over !== false) return "";
  const lost = { count: scan.dropped, time: scan.lost_s ? span(scan.lost_s) : "" };
  const dropped = scan.dropped ? filled(scan.lost_s ? words.dropped_time : words.dropped, lost) : "";
  const packets = scan.packets_lost ? filled(words.packets, { count: scan.packets_lost }) : "";
  return [dropped, packets, scan.warning].filter(Boolean).join("; ");
}

/**
 * @param {any} row
 * @returns {boolean} Its values are not those of now.
 */
export function isStale(row) {
  return row.link.state !== "live";
}

/** @param {string} condition Of a supervised program. @returns {Severity} */
export function conditionSeverity(condition) {
  return words.conditions[condition] ?? "unknown";
}

/** @param {string} level Of the log. @returns {Severity} */
export function levelSeverity(level) {
  return words.levels[level.toLowerCase()] ?? "unknown";
}

/** @param {string} outcome In the journal, or state of an operation. @returns {Severity} */
export function outcomeSeverity(outcome) {
  return words.outcomes[outcome] ?? "unknown";
}
