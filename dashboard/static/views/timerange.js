// Stretch of time of a page, in its link: the last hours, or from one moment to another, UTC.
import { place, setQuery } from "../state/address.js";
import { serverNow } from "../state/clock.js";
import { utc } from "../text/format.js";
import { html } from "./html.js";

const LASTS = /** @type {[string, string][]} */ ([["900", "15 min"], ["3600", "1 h"], ["21600", "6 h"], ["43200", "12 h"], ["86400", "1 d"], ["604800", "7 d"]]);
const DEFAULT = "3600";

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
  return { since: now - Number(last ?? DEFAULT), until: now, isLast: true };
}

/** Controls of it. */
export function TimeRange() {
  const { last = DEFAULT, since } = place.value.query;
  const isFixed = since !== undefined;
  const fix = () => {
    const { since: from, until } = rangeOf(place.value.query, serverNow());
    setQuery({ last: null, since: utc(from), until: utc(until) });
  };
  const choose = (/** @type {any} */ event) => {
    if (event.currentTarget.value === "fixed") fix();
    else setQuery({ last: event.currentTarget.value, since: null, until: null });
  };
  const take = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    if (readTime(event.currentTarget.value) !== null) setQuery({ [name]: event.currentTarget.value.trim() });
  };
  return html`<select aria-label="stretch of time" value=${isFixed ? "fixed" : last} onChange=${choose}>
      ${LASTS.map(([value, name]) => html`<option key=${value} value=${value}>last ${name}</option>`)}<option value="fixed">from ... to</option></select>
    ${isFixed && html`<input aria-label="since, UTC" size="19" value=${since} onChange=${take("since")} /><span class="dim">to</span><input aria-label="until, UTC" size="19" value=${place.value.query.until ?? ""} onChange=${take("until")} /><span class="dim">UTC</span>`}`;
}
