// History: recorded values over time, several keys of several Banks in one picture for each unit.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { TimeChart } from "../charts/timechart.js";
import { place, setQuery } from "../state/address.js";
import { serverNow, shownNow } from "../state/clock.js";
import { site } from "../state/site.js";
import { utc, value, visible } from "../text/format.js";
import { rangeOf } from "../text/timerange.js";
import { saveCsv } from "../views/copying.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";
import { colours, theme } from "../views/theme.js";
import { TimeRange } from "../views/timerange.js";

const EVERY_S = 10;
const POINTS = 800;
const MAX_KEYS = 16;
const LISTED = 200;

/** @param {Record<string, string>} query @returns {string[]} Keys that are shown, BANK.NAME. */
const keysOf = (query) => (query.keys ? query.keys.split(",").slice(0, MAX_KEYS) : []);

/** @param {{series: any[], unit: string, range: {since: number, until: number}}} _ */
function Picture({ series, unit, range }) {
  const host = useRef(null);
  useEffect(() => {
    const zoom = (/** @type {[number, number]} */ [since, until]) => setQuery({ last: null, since: utc(since), until: utc(until) });
    const made = new TimeChart(/** @type {any} */ (host.current), series, { ...range, unit, onZoom: zoom });
    return () => made.destroy();
  }, [series, theme.value, colours.value]);
  const names = series.map((each) => `${each.bank} ${each.key}`).join(", ");
  return html`<section class="panel" aria-label="history in ${unit || "no unit"}"><div class="plot" ref=${host} role="img" aria-label="${names} from ${utc(range.since)} to ${utc(range.until)} UTC"></div></section>`;
}

/** Values that are texts, as a table of their changes. @param {{series: any}} _ */
function Changes({ series }) {
  const points = [...series.points].reverse();
  return html`<section class="panel" aria-label="changes of ${series.key}"><header><h2>${visible(series.bank, 40)} ${visible(series.key, 60)}</h2><span class="dim">${points.length} values, newest first</span></header>
    <div class="scroll"><table><tbody>${points.slice(0, LISTED).map(([time, told]) => html`<tr key=${time}><td class="nowrap">${utc(time, 1)} UTC</td><td class="wrap">${value(told)}</td></tr>`)}</tbody></table></div></section>`;
}

/** @param {any} series @returns {boolean} It has numbers to draw. */
const isNumeric = (series) => series.points.some((/** @type {any} */ [, told]) => typeof told === "number" || typeof told === "boolean") && !series.points.some((/** @type {any} */ [, told]) => typeof told === "string");

/** Chooser of keys. */
function Chooser() {
  const { query } = place.value;
  const bank = useSignal(query.bank ?? "");
  const pattern = useSignal("");
  const of = bank.value || site.value.banks[0] || "";
  const { told, problem } = useJson(of ? `/api/history/keys?${new URLSearchParams({ bank: of, pattern: pattern.value ? `*${pattern.value}*` : "*" })}` : null);
  const names = told?.keys?.[of] ?? [];
  const error = told?.errors?.[of] ?? problem;
  const add = (/** @type {any} */ event) => {
    const key = `${of}.${event.currentTarget.value}`;
    if (event.currentTarget.value) setQuery({ keys: [...new Set([...keysOf(query), key])].join(",") });
    event.currentTarget.value = "";
  };
  return html`<div class="filters">
    <select aria-label="Bank" value=${of} onChange=${(/** @type {any} */ event) => { bank.value = event.currentTarget.value; }}>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select>
    <input type="search" aria-label="search keys" placeholder="key  /" value=${pattern.value} onChange=${(/** @type {any} */ event) => { pattern.value = event.currentTarget.value; }} />
    <select aria-label="add a key" onChange=${add}><option value="">add one of ${names.length} keys</option>${names.slice(0, LISTED).map((/** @type {any} */ each) => html`<option key=${each.name} value=${each.name}>${visible(each.name, 60)}${each.unit ? `, ${visible(each.unit, 16)}` : ""}</option>`)}</select>
    ${error && html`<span class="warn" title=${visible(error, 500)}>${error.startsWith("NoSuchInterfaceError") ? `${visible(of, 40)} keeps no history` : visible(error, 160)}</span>`}
  </div>`;
}

/** @param {any[]} series @param {{since: number, until: number}} range */
function exportAll(series, range) {
  const rows = series.flatMap((each) => each.points.map((/** @type {any} */ [time, told]) => [utc(time, 3), time, each.bank, each.key, told, each.unit]));
  saveCsv("history.csv", [`${site.peek().name} history, ${utc(range.since)} to ${utc(range.until)} UTC`, location.href, ...series.filter((each) => each.reduced).map((each) => `${each.bank} ${each.key} is reduced`)], [["time [UTC]", "time [s]", "Bank", "key", "value", "unit"], ...rows]);
}

/** The page. */
export default function History() {
  const { query } = place.value;
  const keys = keysOf(query);
  const range = useSignal(/** @type {any} */ (null));
  useEffect(() => {
    const ask = () => { if (serverNow() > 0) range.value = rangeOf(query, shownNow()); };
    const first = setInterval(() => { if (range.peek() === null) ask(); }, 100);
    ask();
    const timer = setInterval(() => { if (query.since === undefined) ask(); }, EVERY_S * 1000);
    return () => { clearInterval(timer); clearInterval(first); };
  }, [JSON.stringify(query)]);
  const asked = range.value && keys.length
    ? `/api/history?${new URLSearchParams([...keys.map((key) => ["key", key]), ["since", range.value.since.toFixed(1)], ["until", range.value.until.toFixed(1)], ["points", String(POINTS)]])}`
    : null;
  const { told, problem } = useJson(asked);
  const all = useMemo(() => (told?.series ?? []).filter((/** @type {any} */ each) => keys.includes(`${each.bank}.${each.key}`)), [told, query.keys]);
  const drawn = all.filter(isNumeric);
  const units = [...new Set(drawn.map((/** @type {any} */ each) => each.unit))];
  const shownRange = told ? { since: told.since, until: told.until } : range.value;
  const errors = Object.entries(told?.errors ?? {});
  return html`<div class="page-head"><h1>History</h1><span class="grow"></span><div class="filters"><${TimeRange} /><button onClick=${() => exportAll(all, shownRange)} disabled=${all.length === 0} title=${all.length === 0 ? "choose a key first" : ""}>CSV</button></div></div>
    <div class="stack">
      <section class="panel"><header><${Chooser} /></header>
        <div class="foot">${keys.length === 0 ? html`<span class="dim">Choose keys: they are drawn together, one picture for each unit.</span>` : keys.map((key) => html`<button key=${key} title="take away" aria-label="take away ${key}" onClick=${() => setQuery({ keys: keys.filter((each) => each !== key).join(",") })}>${visible(key, 60)} \u2715</button>`)}</div>
        ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
        ${errors.map(([bank, why]) => (why.startsWith("NoSuchInterfaceError") ? html`<p class="empty" key=${bank} title=${visible(why, 500)}>${visible(bank, 40)} keeps no history.</p>` : html`<p class="problem" key=${bank}>${visible(bank, 40)}: ${visible(why, 300)}</p>`))}
        ${all.filter((/** @type {any} */ each) => each.cut).map((/** @type {any} */ each) => html`<p class="problem" key=${each.bank + each.key}>${visible(each.bank, 40)} ${visible(each.key, 60)}: there is more than was read; the end is missing. Choose a shorter time.</p>`)}
      </section>
      ${units.map((unit) => html`<${Picture} key=${unit} unit=${unit} series=${drawn.filter((/** @type {any} */ each) => each.unit === unit)} range=${shownRange} />`)}
      ${all.filter((/** @type {any} */ each) => !isNumeric(each)).map((/** @type {any} */ each) => html`<${Changes} key=${each.bank + each.key} series=${each} />`)}
    </div>`;
}
