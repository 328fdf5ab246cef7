// Alarms in order, counted, in words. No page, no clock.

/**
 * @typedef {{by: string, note: string, time: number, until?: number}} Signed
 * @typedef {{bank: string, source: "player" | "dashboard", name: string, severity: "fault" | "warning", text: string,
 *            phase: "new" | "acknowledged" | "gone" | "quiet", number: number, count: number, since: number, gone: number,
 *            value: string, key: string, limits: string, unreadable: string, acknowledged: Signed | null,
 *            shelved: Signed | null}} Alarm
 */

/** Groups in the order of a page: name, what stands where there is none. */
export const GROUPS = /** @type {[string, string, string][]} */ ([
  ["open", "Need a look", "Nothing waits for an acknowledgement."],
  ["acknowledged", "Acknowledged", ""],
  ["shelved", "Shelved", ""],
  ["unknown", "Cannot be told", ""],
]);

/** @param {Alarm} alarm @returns {string} Its group. */
export function groupOf(alarm) {
  if (alarm.shelved) return "shelved";
  if (isOpen(alarm)) return "open";
  return alarm.phase === "acknowledged" ? "acknowledged" : "unknown";
}

/** @param {Alarm} alarm @returns {boolean} It waits for an acknowledgement. */
export function isOpen(alarm) {
  return !alarm.shelved && (alarm.phase === "new" || alarm.phase === "gone");
}

/** @param {Alarm} alarm @returns {string} Of it, on a page and in the topic. */
export const keyOf = (alarm) => `${alarm.bank} ${alarm.name}`;

/**
 * Alarms that a filter lets pass: what is raised before what went, faults before warnings, the newest first. Values do not
 * move them.
 *
 * @param {Alarm[]} alarms
 * @param {Record<string, string>} query Of the page.
 * @returns {Map<string, Alarm[]>} By group.
 */
export function grouped(alarms, { q = "", bank = "", severity = "" } = {}) {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Map(GROUPS.map(([name]) => [name, /** @type {Alarm[]} */ ([])]));
  for (const alarm of alarms) {
    const text = [alarm.bank, alarm.name, alarm.text, alarm.value, alarm.acknowledged?.by, alarm.acknowledged?.note].join(" ").toLowerCase();
    if ((bank && alarm.bank !== bank) || (severity && alarm.severity !== severity) || !words.every((word) => text.includes(word))) continue;
    found.get(groupOf(alarm))?.push(alarm);
  }
  for (const some of found.values()) some.sort((a, b) => order(a) - order(b) || b.since - a.since || keyOf(a).localeCompare(keyOf(b)));
  return found;
}

/** @param {Alarm} alarm */
const order = (alarm) => (alarm.phase === "gone" ? 2 : 0) + (alarm.severity === "fault" ? 0 : 1);

/**
 * @param {Alarm} alarm
 * @param {boolean} isStale Its Bank is silent: it is as its Player told last.
 * @returns {import("./states.js").State}
 */
export function stateOf(alarm, isStale = false) {
  const severity = alarm.severity === "fault" ? "fault" : "warn";
  const doubt = alarm.unreadable ? `it cannot be told now: ${alarm.unreadable}` : isStale ? "its Player is silent: this is as it told last" : "";
  if (alarm.phase === "gone") return { severity, word: "gone", why: doubt || "it went before anybody acknowledged it" };
  if (alarm.phase === "quiet") return alarm.unreadable ? { severity: "unknown", word: "unknown", why: doubt } : { severity: "off", word: "quiet", why: "" };
  return { severity, word: alarm.severity === "fault" ? "fault" : "warning", why: doubt };
}

/**
 * @param {Alarm[]} alarms
 * @returns {{open: number, worst: import("./states.js").Severity, word: string}}
 */
export function counted(alarms) {
  const open = alarms.filter(isOpen);
  const worst = open.some((each) => each.severity === "fault") ? "fault" : open.length ? "warn" : "ok";
  const word = open.length === 0 ? "no alarm needs a look" : `${open.length} ${open.length === 1 ? "alarm needs" : "alarms need"} a look`;
  return { open: open.length, worst, word };
}

/**
 * Raisings that were not known before: what a sound tells of, once.
 *
 * @param {Alarm[]} alarms
 * @param {Map<string, number>} known Alarm -> number of the raising that is known; gets those of now.
 * @returns {Alarm[]}
 */
export function freshOf(alarms, known) {
  const fresh = alarms.filter((each) => each.phase === "new" && !each.shelved && each.number !== known.get(keyOf(each)));
  for (const each of alarms) if (each.phase !== "quiet") known.set(keyOf(each), each.number);
  return fresh;
}
