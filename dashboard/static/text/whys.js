// Chains of causes as texts. No page, no clock.

/** @typedef {{thing: string, text: string, causes: Link[]}} Link */

/**
 * @param {Link} link
 * @returns {string[]} Things of the longest chain from here to a first cause.
 */
function longest(link) {
  const deeper = link.causes.map(longest).reduce((best, each) => (each.length > best.length ? each : best), /** @type {string[]} */ ([]));
  return [link.thing, ...deeper];
}

/**
 * @param {{bank: string, causes: Link[]}} why
 * @returns {string[][]} A chain for each symptom, in things: the Bank first, the first cause last.
 */
export function chains(why) {
  return why.causes.map((each) => [`${why.bank} not ready`, ...longest(each)]);
}
