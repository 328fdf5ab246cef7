// Moments worth a look: the next of a kind, and where they stand on a strip. No page, no clock.

/** @typedef {{time: number, kind: string, bank: string, text: string}} Moment */

/**
 * @param {readonly Moment[]} moments
 * @param {number} from Unix seconds.
 * @param {number} way -1: before, 1: after.
 * @param {string} kind Empty: any.
 * @returns {Moment | null} The nearest one that way, at least a second off.
 */
export function nearest(moments, from, way, kind) {
  /** @type {Moment | null} */
  let found = null;
  for (const each of moments) {
    const off = (each.time - from) * way;
    if ((kind && each.kind !== kind) || off < 1) continue;
    if (found === null || off < (found.time - from) * way) found = each;
  }
  return found;
}

/**
 * @param {readonly Moment[]} moments
 * @param {number} since
 * @param {number} until
 * @param {number} places
 * @returns {[number, string][]} Places of marks with their kinds, each place once for a kind.
 */
export function marks(moments, since, until, places) {
  const seen = new Set();
  /** @type {[number, string][]} */
  const found = [];
  for (const { time, kind } of moments) {
    const place = Math.floor(((time - since) / (until - since)) * places);
    if (place < 0 || place >= places || seen.has(`${place} ${kind}`)) continue;
    seen.add(`${place} ${kind}`);
    found.push([place, kind]);
  }
  return found;
}
