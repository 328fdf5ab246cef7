// Stretch of time of a page, in its link: the last hours, or from one moment to another, UTC.
import { place, setQuery } from "../state/address.js";
import { serverNow } from "../state/clock.js";
import { utc } from "../text/format.js";
import { DEFAULT_LAST_S, rangeOf, readTime } from "../text/timerange.js";
import { html } from "./html.js";

const LASTS = /** @type {[string, string][]} */ ([["900", "15 min"], ["3600", "1 h"], ["21600", "6 h"], ["28800", "8 h"], ["43200", "12 h"], ["86400", "1 d"], ["604800", "7 d"]]);

/** Controls of it. */
export function TimeRange() {
  const { last = DEFAULT_LAST_S, since } = place.value.query;
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
