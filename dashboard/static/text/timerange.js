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
