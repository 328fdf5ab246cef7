// Journal: who did what, at which Bank, and what came of it.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { bankPath, place, setQuery } from "../state/address.js";
import { serverNow, shownNow } from "../state/clock.js";
import { site } from "../state/site.js";
import { inWords } from "../text/calls.js";
import { number, span, utc, visible } from "../text/format.js";
import { outcomeSeverity } from "../text/states.js";
import { rangeOf } from "../text/timerange.js";
import { Chip } from "../views/chip.js";
import { saveCsv } from "../views/copying.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";
import { TimeRange } from "../views/timerange.js";

const EVERY_S = 5;
const MAX_ENTRIES = 200;

/** @param {string} why A Bank did not tell. @returns {boolean} Its Player keeps none. */
const isNone = (why) => why.startsWith("NoSuchInterfaceError");

/** @param {{entry: any}} _ */
function Entry({ entry }) {
  const who = entry.key || entry.client;
  return html`<tr>
    <td class="nowrap">${utc(entry.time, 1)}</td>
    <td data-name="Bank"><a href=${bankPath(entry.bank)}>${visible(entry.bank, 40)}</a></td>
    <td data-name="by" title=${entry.key ? "its key says so" : "it calls itself so; nothing proves it"}>${visible(who || "-", 40)}${entry.through && html` <span class="dim">through ${visible(entry.through, 30)}</span>`}</td>
    <td class="mono wrap full">${entry.outcome === "remark" ? "" : html`${visible(entry.method, 60)}<span class="dim">(${inWords(entry.arguments)})</span>`}</td>
    <td data-name="outcome"><${Chip} severity=${outcomeSeverity(entry.outcome)} word=${entry.outcome} />${entry.simulated && html` <span class="dim">simulated</span>`}</td>
    <td data-name="took" class="number">${entry.duration_s === null ? "" : entry.duration_s < 1 ? `${number(Math.round(entry.duration_s * 1000))} ms` : span(entry.duration_s)}</td>
    <td class="wrap full">${visible(entry.error ? `${entry.error}: ${entry.text}` : entry.text, 400)}</td>
  </tr>`;
}

/** @param {any[]} entries */
function exportAll(entries) {
  const names = ["time", "bank", "client", "key", "through", "method", "arguments", "outcome", "duration_s", "error", "text"];
  const rows = entries.map((entry) => names.map((name) => (name === "time" ? utc(entry.time, 3) : name === "arguments" ? JSON.stringify(entry.arguments) : entry[name])));
  saveCsv("journal.csv", [`${site.peek().name} journal, ${utc(serverNow())} UTC`, location.href], [["time [UTC]", ...names.slice(1, 8), "duration [s]", ...names.slice(9)], ...rows]);
}

/** @param {Record<string, string>} query @param {number} now @returns {string} Address of what is asked. */
function asked({ bank = "", client = "", method = "", ...query }, now) {
  const { since, until, isLast: isOpen } = rangeOf(query, now);
  const isLast = isOpen && !query.then;
  const wanted = new URLSearchParams({ since: since.toFixed(0), most: String(MAX_ENTRIES) });
  if (!isLast) wanted.set("until", until.toFixed(0));
  if (bank) wanted.set("bank", bank);
  if (client) wanted.set("client", client);
  if (method) wanted.set("method", /[*?]/.test(method) ? method : `*${method}*`);
  return `/api/journal?${wanted}`;
}

/** The page. */
export default function Journal() {
  const { query } = place.value;
  const address = useSignal(/** @type {string | null} */ (null));
  useEffect(() => {
    const ask = () => { if (serverNow() > 0) address.value = asked(query, shownNow()); };
    const first = setInterval(() => { if (address.peek() === null) ask(); }, 100);
    ask();
    const timer = setInterval(ask, EVERY_S * 1000);
    return () => { clearInterval(timer); clearInterval(first); };
  }, [JSON.stringify(query)]);
  const { told, problem } = useJson(address.value);
  const entries = [...(told?.entries ?? [])].reverse();
  const errors = Object.entries(told?.errors ?? {});
  const without = errors.filter(([, why]) => isNone(why));
  const silent = errors.filter(([, why]) => !isNone(why));
  const take = (/** @type {string} */ name) => (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value });
  return html`<div class="page-head"><h1>Journal</h1><span class="dim">${entries.length}${entries.length >= MAX_ENTRIES ? " newest" : ""} entries, newest first</span><span class="grow"></span>
      <div class="filters"><${TimeRange} />
        <select aria-label="Bank" value=${query.bank ?? ""} onChange=${take("bank")}><option value="">all Banks</option>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select>
        <input aria-label="who" placeholder="who" size="10" value=${query.client ?? ""} onChange=${take("client")} />
        <input type="search" aria-label="method" placeholder="method  /" value=${query.method ?? ""} onChange=${take("method")} />
        <button onClick=${() => exportAll(entries)}>CSV</button><a class="button" href="/handover">hand-over</a></div></div>
    <section class="panel" aria-label="entries">
      ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
      ${entries.length > 0 && html`<div class="scroll"><table class="cards"><thead><tr><th>time, UTC</th><th>Bank</th><th>by</th><th>call</th><th>outcome</th><th class="number">took</th><th>text</th></tr></thead>
        <tbody>${entries.map((entry) => html`<${Entry} key=${`${entry.bank} ${entry.number}`} entry=${entry} />`)}</tbody></table></div>`}
      ${told && entries.length === 0 && html`<p class="empty">Nothing was done in this time, as far as the Banks that answer know.</p>`}
      ${without.length > 0 && html`<div class="foot dim" title=${visible(without[0][1], 500)}>keeps no journal: ${visible(without.map(([bank]) => bank).join(", "), 300)}</div>`}
      ${silent.length > 0 && html`<div class="foot"><span class="warn">did not tell:</span>${silent.map(([bank, why]) => html`<span key=${bank} title=${visible(why, 500)}>${visible(bank, 40)} <span class="dim">${visible(why, 90)}</span></span>`)}</div>`}
    </section>`;
}
