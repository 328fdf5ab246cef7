// Stretch of time out of the query of a page. No page, no clock.

export const DEFAULT_LAST_S = "3600";

/**
 * @param {string} text As 2026-11-29 03:14 or 2026-11-29T03:14:07, UTC.
 * @returns {number | null} Unix seconds.
 */
export function readTime(text) {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?Z?$/.exec(text.trim());
  const time = match ? Date.parse(`${match[1]}T${match[2]}${match[3] ?? ":00"}Z`) : NaN;
  return Number.isNaN(time) ? null : time / 1000;
}

/**
 * @param {Record<string, string>} query Of the page: `last`, or `since` and `until`.
 * @param {number} now Unix seconds.
 * @returns {{since: number, until: number, isLast: boolean}}
 */
export function rangeOf({ last, since, until }, now) {
  const from = since === undefined ? null : readTime(since);
  if (from !== null) return { since: from, until: readTime(until ?? "") ?? now, isLast: false };
  return { since: now - Number(last ?? DEFAULT_LAST_S), until: now, isLast: true };
}

/**
 * Read a moment to come.
 *
 * @param {string} text As 03:16, 03:16:30, or with its date; UTC.
 * @param {number} now Unix seconds.
 * @returns {number | null} Unix seconds; of a time without a date the next one.
 */
export function readNext(text, now) {
  const match = /^(\d{2}:\d{2})(:\d{2})?Z?$/.exec(text.trim());
  if (!match) return readTime(text);
  const today = readTime(`${new Date(now * 1000).toISOString().slice(0, 10)} ${match[1]}${match[2] ?? ""}`);
  return today === null || today > now ? today : today + 86_400;
}
