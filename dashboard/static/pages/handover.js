// Hand-over sheet of a shift: how it stands, scans, faults, acknowledgements, control, changes; each with its moment.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { bankPath, place, setQuery, writePlace } from "../state/address.js";
import { second, shownNow } from "../state/clock.js";
import { site } from "../state/site.js";
import { number, span, utc, visible } from "../text/format.js";
import { outcomeSeverity } from "../text/states.js";
import { rangeOf } from "../text/timerange.js";
import { Chip } from "../views/chip.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";
import { TimeRange } from "../views/timerange.js";

const SHIFT = "28800";
const AROUND_S = 120;
const DEEDS = /** @type {[string, string, string][]} */ ([
  ["faults", "Faults and alarms", "None."], ["acknowledgements", "Acknowledged", "Nothing."], ["control", "Control", "Nobody took control."],
  ["changes", "Changes", "None."], ["remarks", "Remarks of Players", "None."],
]);

/** @param {{path: string, first: number, last: number}} _ A moment, which leads to what a page has around it. */
function Moment({ path, first, last }) {
  return html`<a href=${writePlace(path, { since: utc(first - AROUND_S), until: utc(last + AROUND_S) })}>${utc(first)}</a>`;
}

/** @param {{banks: string[]}} _ */
function Banks({ banks }) {
  return banks.map((bank, index) => html`${index > 0 && ", "}<a key=${bank} href=${bankPath(bank)}>${visible(bank, 40)}</a>`);
}

/** @param {{deed: any}} _ */
function Deed({ deed }) {
  const isRemark = deed.outcome === "remark";
  return html`<tr>
    <td class="nowrap"><${Moment} path="/journal" first=${deed.first} last=${deed.last} /></td>
    <td data-name="by">${visible(deed.who || "-", 40)}</td>
    <td class="wrap full ${isRemark ? "" : "mono"}">${visible(deed.call || deed.text, 400)}${deed.count > deed.banks.length && html` <span class="dim">${number(deed.count)} times, last ${utc(deed.last).slice(11)}</span>`}</td>
    <td data-name="Banks" class="wrap"><${Banks} banks=${deed.banks} /></td>
    <td class="wrap full">${!isRemark && html`<${Chip} severity=${outcomeSeverity(deed.outcome)} word=${deed.outcome} /> `}${deed.call ? visible(deed.text, 300) : ""}</td>
  </tr>`;
}

/** @param {any} scan @returns {[string, string[]][]} Outcome -> Banks, the well ones last. */
function outcomesOf(scan) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const [bank, outcome] of Object.entries(scan.outcomes)) found.set(String(outcome), [...(found.get(String(outcome)) ?? []), bank]);
  return [...found].sort(([a], [b]) => Number(a === "done") - Number(b === "done"));
}

/** Severities of outcomes of scans. */
const OUTCOMES = /** @type {Record<string, import("../text/states.js").Severity>} */ ({ done: "ok", incomplete: "warn", stopped: "warn", aborted: "warn", failed: "fault", "cut off": "fault" });

/** @param {{scan: any, all: number}} _ `all`: how many Banks there are. */
function Scan({ scan, all }) {
  const lost = Object.entries(scan.dropped).map(([bank, count]) => `${bank} ${count}`).join(", ");
  const notes = [...new Set(Object.values(scan.notes))].map(String);
  return html`<tr>
    <td class="nowrap"><${Moment} path="/history" first=${scan.begun} last=${scan.ended ?? scan.begun} /></td>
    <td data-name="scan" class="number">${scan.number}</td>
    <td data-name="source">${visible(scan.source || "-", 60)}</td>
    <td data-name="length" class="number">${scan.ended ? span(scan.ended - scan.begun) : "runs"}</td>
    <td data-name="outcome" class="wrap full">${outcomesOf(scan).map(([outcome, banks]) => html`<span key=${outcome} class="outcome-of"><${Chip} severity=${OUTCOMES[outcome] ?? "off"} word=${outcome} /> <span class="dim">${banks.length === all ? `all ${all} Banks` : visible(banks.join(", "), 200)}</span></span>`)}</td>
    <td data-name="lost" class=${lost ? "warn" : ""}>${visible(lost || "-", 100)}</td>
    <td class="wrap full">${visible(notes.join("; "), 300)}</td>
  </tr>`;
}

/** @param {{told: any}} _ */
function Sheet({ told }) {
  const silent = Object.entries(told.silent);
  const standing = Object.entries(told.standing);
  return html`<div class="stack sheet">
    <section class="panel" aria-label="as it stands"><header><h2>As it stands</h2></header>
      <table class="cards"><tbody>${standing.map(([bank, text]) => html`<tr key=${bank}><th scope="row"><a href=${bankPath(bank)}>${visible(bank, 40)}</a></th>
        <td class="wrap full"><${Chip} severity=${/^not ready/.test(text) ? "fault" : /^busy/.test(text) ? "off" : "ok"} word=${visible(String(text).split(" <- ")[0], 40)} /> ${visible(String(text).split(" <- ").slice(1).join(" \u2190 "), 600)}</td></tr>`)}</tbody></table></section>
    <section class="panel" aria-label="scans"><header><h2>Scans</h2><span class="dim">${told.scans.length}</span></header>
      ${told.scans.length === 0 ? html`<p class="empty">No scan was taken.</p>` : html`<div class="scroll"><table class="cards"><thead><tr><th>set up, UTC</th><th class="number">scan</th><th>source</th><th class="number">length</th><th>outcome</th><th>lost blocks</th><th>notes</th></tr></thead>
        <tbody>${told.scans.map((/** @type {any} */ scan) => html`<${Scan} key=${`${scan.number} ${scan.begun}`} scan=${scan} all=${standing.length} />`)}</tbody></table></div>`}</section>
    ${DEEDS.map(([name, title, none]) => html`<section class="panel" key=${name} aria-label=${title}><header><h2>${title}</h2><span class="dim">${told[name].length || ""}</span></header>
      ${told[name].length === 0 ? html`<p class="empty">${none}</p>` : html`<div class="scroll"><table class="cards"><thead><tr><th>time, UTC</th><th>by</th><th>what</th><th>Banks</th><th>outcome</th></tr></thead>
        <tbody>${told[name].map((/** @type {any} */ deed, /** @type {number} */ index) => html`<${Deed} key=${index} deed=${deed} />`)}</tbody></table></div>`}</section>`)}
    ${silent.length > 0 && html`<section class="panel" aria-label="not in this sheet"><header><h2>Not in this sheet</h2></header>${silent.map(([bank, why]) => html`<p class="problem" key=${bank}>${visible(bank, 40)}: ${visible(why, 300)}</p>`)}</section>`}
  </div>`;
}

/** The page. */
export default function HandOver() {
  const query = place.value.query.last || place.value.query.since ? place.value.query : { ...place.value.query, last: SHIFT };
  const asked = useSignal("");
  const key = JSON.stringify(query);
  useEffect(() => {
    const ask = () => {
      if (shownNow() === 0) return;
      clearInterval(timer);
      const { since, until } = rangeOf(query, shownNow());
      asked.value = new URLSearchParams({ since: since.toFixed(0), until: until.toFixed(0) }).toString();
    };
    const timer = setInterval(ask, 100);
    ask();
    return () => clearInterval(timer);
  }, [key]);
  const { told, problem, isAsking } = useJson(asked.value ? `/api/handover?${asked.value}` : null);
  useEffect(() => {
    if (!place.peek().query.last && !place.peek().query.since) setQuery({ last: SHIFT });
  }, []);
  return html`<div class="page-head"><h1>Hand-over</h1><span class="dim">${told ? `${utc(told.since)} to ${utc(told.until)} UTC, ${visible(site.value.name, 60)}` : ""}${isAsking && second.value ? " asking" : ""}</span><span class="grow"></span>
      <div class="filters"><${TimeRange} />
        <a class="button" href=${`/api/handover?form=markdown&${asked.value}`} download>Markdown</a><a class="button" href=${`/api/handover?form=html&${asked.value}`} download>HTML</a><button onClick=${() => print()}>print</button></div></div>
    ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
    ${told ? html`<${Sheet} told=${told} />` : html`<section class="panel"><p class="empty">Journals and histories of all Banks are read.</p></section>`}`;
}
