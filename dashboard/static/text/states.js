// States with shape, word and class, the same on all pages: never colour alone. No page.
import { span } from "./format.js";

/**
 * @typedef {"ok" | "warn" | "fault" | "unknown" | "off"} Severity
 * @typedef {{severity: Severity, word: string, why: string}} State
 */

/** Shape of each state, that is read without colour. */
export const SHAPES = { ok: "\u25cf", warn: "\u25b2", fault: "\u2716", unknown: "?", off: "\u25a0" };
/** Worst first. */
export const ORDER = /** @type {Severity[]} */ (["fault", "unknown", "warn", "ok", "off"]);

/**
 * Bank's own word for what it does: of its scan, else of its overview.
 *
 * @param {any} row
 * @returns {string}
 */
export function activity(row) {
  const { scan, overview } = row;
  const told = scan?.state ?? overview?.state ?? overview?.STATE ?? overview?.DAQSTATE;
  return told === null || told === undefined || told === "" ? "live" : String(told);
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
  const ago = span(now - since);
  switch (state) {
    case "connecting":
      return { severity: "unknown", word: "NOT HEARD", why: `not heard since the dashboard began, ${ago} ago: ${reason || "no answer"}` };
    case "refused":
      return { severity: "fault", word: "REFUSED", why: reason };
    case "lost":
      return { severity: "fault", word: "NO ANSWER", why: `its Player is silent since ${ago}${reason ? `: ${reason}` : ""}` };
    case "stale":
      return { severity: "unknown", word: "STALE", why: `its Player is silent since ${ago}${reason ? `: ${reason}` : ""}` };
  }
  const findings = row.findings ?? [];
  const word = activity(row);
  if (/^(failed|error|fault|lost)$/i.test(word)) return { severity: "fault", word, why: findings[0]?.text ?? row.scan?.error ?? "" };
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
  const dropped = scan.dropped ? `${scan.dropped} blocks dropped${scan.lost_s ? `, ${span(scan.lost_s)} of data` : ""}` : "";
  const packets = scan.packets_lost ? `${scan.packets_lost} packets lost` : "";
  return [dropped, packets, scan.warning].filter(Boolean).join("; ");
}

/**
 * @param {any} row
 * @returns {boolean} Its values are not those of now.
 */
export function isStale(row) {
  return row.link.state !== "live";
}

/** Severities of supervised programs, by their condition. */
const CONDITIONS = /** @type {Record<string, Severity>} */ ({
  ready: "ok", running: "ok", starting: "off", stopping: "off", stopped: "off", ended: "off", "not ready": "warn",
  "crash loop": "fault", crashed: "fault", missing: "warn", unknown: "unknown",
});

/** @param {string} condition @returns {Severity} */
export function conditionSeverity(condition) {
  return CONDITIONS[condition] ?? "unknown";
}

/** Severities of levels of the log. */
const LEVELS = /** @type {Record<string, Severity>} */ ({ debug: "off", info: "off", warning: "warn", error: "fault", critical: "fault" });

/** @param {string} level @returns {Severity} */
export function levelSeverity(level) {
  return LEVELS[level.toLowerCase()] ?? "unknown";
}

/** Severities of outcomes in the journal, and of states of operations. */
const OUTCOMES = /** @type {Record<string, Severity>} */ ({
  done: "ok", running: "off", waiting: "off", asked: "off", remark: "off", refused: "warn", aborted: "warn", "not begun": "warn",
  failed: "fault", lost: "fault", unknown: "unknown",
});

/** @param {string} outcome @returns {Severity} */
export function outcomeSeverity(outcome) {
  return OUTCOMES[outcome] ?? "unknown";
}
