// Overview: one row for each Bank, tiles where there are very many. A row never moves because a value changed.
import { computed, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Bandpass, commonRange } from "../charts/bandpass.js";
import { AutoScale } from "../charts/scales.js";
import { bankPath, go, place, setQuery, writePlace } from "../state/address.js";
import { moment, now, second } from "../state/clock.js";
import { topic } from "../state/store.js";
import { differences, furtherCells, passes, runningScans, scanCells, sorted } from "../text/banks.js";
import { kindName, percent, scaled, span, utcNear, value, visible } from "../text/format.js";
import { SHAPES, activity, bankState, isStale } from "../text/states.js";
import { Chip, Progress } from "../views/chip.js";
import { rows } from "../views/frame.js";
import { chosen, useJson, useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { useKeys } from "../views/keyboard.js";
import { useHeld } from "../views/selection.js";
import { WhyLink } from "../views/whylink.js";
import { isHalf, isTight } from "../views/viewport.js";

const TILES_FROM = 100;
const MAX_TROUBLED = 8; // whose reason is told whole below the table
const COLUMNS = /** @type {[string, string, string][]} */ ([
  ["bank", "Bank", ""], ["host", "host", "wide half"], ["state", "state", ""], ["kind", "kind", "wide full"], ["mode", "mode", "wide half"],
  ["scan", "scan", "number"], ["progress", "progress", ""], ["left", "left", "number"], ["network", "network in", "number wide full"],
  ["lost", "lost", "number wide"], ["bandpass", "bandpass", "wide half"], ["note", "note", ""],
]);
const SORTABLE = new Set(["bank", "host", "state", "kind", "mode", "scan", "left", "lost"]);

const scale = new AutoScale();
const range = computed(() => scale.take(...commonRange(Object.values(topic("bandpass").all())), second.peek()));

/** @param {{row: any}} _ Why it is not well, or what else it tells. */
function Note({ row }) {
  const state = bankState(row, now.value);
  if (state.why) return html`<${WhyLink} bank=${row.bank} /> <span class=${state.severity} title=${visible(state.why, 600)}>${visible(state.why, 200)}</span>`;
  return html`<span class="dim">${furtherCells(row).map(([name, told]) => `${name} ${value(told)}`).join("  ")}</span>`;
}

/** @param {{bank: string}} _ */
function Row({ bank }) {
  const row = topic("overview").of(bank).value;
  const picture = topic("bandpass").of(bank).value;
  return useHeld(bank, () => (row ? (isStale(row) ? silentRow(row) : bankRow(row, picture)) : null));
}

/** @param {any} row @returns {string} What was known when it was heard last; empty: nothing. */
function knownLast(row) {
  if (!row.kind) return "";
  const { number, mode } = scanCells(row);
  return [activity(row), mode, number === null ? "" : `scan ${number}`].filter(Boolean).map((each) => visible(each, 40)).join(" ");
}

/** @returns {number} Those that are shown: a cell over more of them would make empty ones. */
function columnsBehindState() {
  const hidden = isHalf.value ? ["half", "full"] : isTight.value ? ["full"] : [];
  const behind = COLUMNS.slice(COLUMNS.findIndex(([key]) => key === "state") + 1);
  return behind.filter(([, , kind]) => !hidden.some((each) => kind.includes(each))).length;
}

/** @param {any} row A Bank whose values are not those of now: no figure of it is shown as if it were. */
function silentRow(row) {
  const { bank } = row;
  const state = bankState(row, second.value);
  const known = knownLast(row);
  const bad = known ? bankState({ ...row, link: { ...row.link, state: "live" } }, 0) : null;
  return html`<tr class="bank stale ${chosen.value === bank ? "chosen" : ""}" data-row=${bank} data-state=${row.link.state}>
    <th scope="row"><a href=${bankPath(bank)}>${visible(bank, 40)}</a></th>
    <td class="wide half">${visible(row.host, 40)}</td>
    <td class="state"><${Chip} ...${state} /></td>
    <td class="note" colspan=${columnsBehindState()} title=${visible(state.why, 600)}><${WhyLink} bank=${bank} /> ${row.link.state !== "connecting" && html`<b>since ${utcNear(row.link.since, second.value)} UTC (${span(second.value - row.link.since)})</b>  `}${known && html`known last: ${known}${bad?.why && html` <span class=${bad.severity}><i class="shape" aria-hidden="true">${SHAPES[bad.severity]}</i> ${visible(bad.why, 120)}</span>`}  `}${visible(row.link.state === "connecting" ? state.why : row.link.reason, 300)}</td>
  </tr>`;
}

/** @param {any} row @param {any} picture */
function bankRow(row, picture) {
  const { bank } = row;
  const state = bankState(row, 0);
  const { number, share, left, lost, mode } = scanCells(row);
  return html`<tr class="bank ${chosen.value === bank ? "chosen" : ""}" data-row=${bank} data-state=${row.link.state}>
    <th scope="row"><a href=${bankPath(bank)}>${visible(bank, 40)}</a>${row.dialect === "original" && html` <span class="dim" title="a Player of the original: asked once a second">polled</span>`}</th>
    <td class="wide half">${visible(row.host, 40)}</td>
    <td class="state"><${Chip} ...${state} /></td>
    <td class="wide full" title=${visible(row.kind, 200)}>${visible(kindName(row.kind) || "-", 24)}</td>
    <td class="wide half">${visible(mode || "-", 24)}</td>
    <td class="number">${number ?? "-"}</td>
    <td class="nowrap progress"><${Progress} share=${share} name="progress of scan ${number}" /> <span class="share">${share === null ? "" : percent(share)}</span><span class="narrow">${number === null ? "" : ` scan ${number}`}${left === null ? "" : `, ${span(left)} left`}</span></td>
    <td class="number">${span(left)}</td>
    <td class="number wide full">${scaled(row.load?.received_per_s, "B/s")}</td>
    <td class="number wide ${lost ? "warn" : ""}">${lost ?? "-"}</td>
    <td class="wide half"><${Bandpass} told=${picture} range=${range.value} age=${picture ? second.value - picture.time : 0} /></td>
    <td class="note"><${Note} row=${row} /></td>
  </tr>`;
}

/** @param {{bank: string}} _ */
function Tile({ bank }) {
  const row = topic("overview").of(bank).value;
  if (!row) return null;
  const state = bankState(row, isStale(row) ? second.value : 0);
  const { share, number } = scanCells(row);
  return html`<a class="tile ${isStale(row) ? "stale" : ""} ${chosen.value === bank ? "chosen" : ""}" href=${bankPath(bank)} data-row=${bank} data-state=${row.link.state}>
    <b>${visible(bank, 20)}</b><${Chip} ...${state} /><span class="dim">${number === null ? "" : `scan ${number}`} ${share === null ? "" : percent(share)}</span>
  </a>`;
}

/** Line below the table: scans that run, and on what Banks disagree. */
function Summary() {
  const scans = runningScans(rows.value);
  const differ = differences(rows.value);
  const answering = rows.value.filter((row) => !isStale(row));
  const troubled = answering.map((row) => ({ bank: row.bank, ...bankState(row, 0) })).filter(({ why }) => why).slice(0, MAX_TROUBLED);
  return html`<div class="summary">
    ${scans.map(
      (scan) => html`<p key=${scan.number}><b>scan ${scan.number}</b> on ${scan.banks.length} of ${rows.value.length} Banks${scan.banks.length < answering.length && html` <span class="warn">(not on all that answer)</span>`}${scan.start !== null && `, started ${utcNear(scan.start, second.value)} UTC`}${scan.end !== null && `, ends ${utcNear(scan.end, second.value)} UTC`}, files: ${scan.files}</p>`,
    )}
    ${troubled.map(({ bank, severity, why }) => html`<p key=${bank} class=${severity}><i aria-hidden="true" class="shape">${SHAPES[severity]}</i> <a href=${bankPath(bank)}>${visible(bank, 40)}</a>: ${visible(why, 400)} <${WhyLink} bank=${bank} /></p>`)}
    ${scans.length === 0 && rows.value.length > 0 && html`<p class="dim">no scan is running</p>`}
    ${differ.map(
      ({ name, values }) => html`<p key=${name}><span class="warn"><i aria-hidden="true" class="shape">\u25b2</i> differs: <a href=${diffPath(values)}><b>${visible(name, 40)}</b></a></span>
        ${Object.entries(values).map(([told, banks]) => `  ${told === "null" ? "none" : visible(told, 40)}: ${banks.slice(0, 6).join(", ")}${banks.length > 6 ? ` and ${banks.length - 6} more` : ""}`).join("; ")}</p>`,
    )}
    <${Disagreements} />
  </div>`;
}

const DIFFER_EVERY_S = 5;
const MAX_DIFFER = 8;

/** On how many keys Banks of one kind and mode disagree now; each leads to the page Diff. */
function Disagreements() {
  const { told } = useJson(moment.value === null ? "/api/differences" : null, DIFFER_EVERY_S);
  const found = moment.value === null ? (told?.differences ?? []) : [];
  if (found.length === 0) return null;
  return html`<p><span class="warn"><i aria-hidden="true" class="shape">\u25b2</i> <b>${found.length} difference${found.length === 1 ? "" : "s"}</b></span> between Banks of one mode:
    ${found.slice(0, MAX_DIFFER).map((/** @type {any} */ { key, values }, /** @type {number} */ index) => html`<span key=${key}>${index ? ", " : " "}<a href=${diffPath(values)} title=${visible(Object.entries(values).map(([each, banks]) => `${each}: ${/** @type {string[]} */ (banks).join(", ")}`).join("; "), 500)}>${visible(key.replace(/^status\./, ""), 40)}</a></span>`)}${found.length > MAX_DIFFER ? ` and ${found.length - MAX_DIFFER} more` : ""}</p>`;
}

/** @param {Record<string, string[]>} values Value -> Banks. @returns {string} Page of the difference of two that disagree. */
function diffPath(values) {
  const [left, right] = Object.values(values).map((banks) => banks[0]);
  return writePlace("/diff", { left, right });
}

function Filters() {
  const { q = "", only = "", kind = "" } = place.value.query;
  const kinds = [...new Set(rows.value.map((row) => row.kind).filter(Boolean))].sort();
  const take = (/** @type {string} */ name) => (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value });
  return html`<div class="filters">
    <input type="search" placeholder="search  /" aria-label="search Banks" value=${q} onInput=${take("q")} />
    <select aria-label="which Banks" value=${only} onChange=${take("only")}><option value="">all Banks</option><option value="problems">only problems</option></select>
    ${kinds.length > 1 && html`<select aria-label="kind" value=${kind} onChange=${take("kind")}><option value="">all kinds</option>${kinds.map((each) => html`<option key=${each}>${each}</option>`)}</select>`}
  </div>`;
}

function Counts() {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const row of rows.value) {
    const { word } = bankState(row, row.link.since);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return html`<span class="dim">${rows.value.length} Banks: ${Object.entries(counts).map(([word, count]) => `${count} ${word.toLowerCase()}`).join(", ")}</span>`;
}

/** @param {{by: string}} _ */
function Head({ by }) {
  const sort = (/** @type {string} */ key) => () => setQuery({ sort: key === "bank" ? null : key, at: null });
  return html`<colgroup>${COLUMNS.map(([key, , kind]) => html`<col key=${key} class="c-${key} ${kind.replace("number", "")}" />`)}</colgroup>
    <thead><tr>${COLUMNS.map(
    ([key, name, kind]) => html`<th key=${key} class=${kind} scope="col" aria-sort=${by === key ? "ascending" : undefined}>
      ${SORTABLE.has(key) ? html`<button onClick=${sort(key)} title="sort by ${name}, once">${name}${by === key && key !== "bank" ? " \u25be" : ""}</button>` : name}</th>`,
  )}</tr></thead>`;
}

/** The page. */
export default function Overview() {
  useTopics("overview", "bandpass");
  const { query } = place.value;
  const by = query.sort ?? "bank";
  const order = useSignal(/** @type {string[]} */ ([]));
  const names = useComputed(() => rows.value.map((row) => row.bank).join("\n"));
  useEffect(() => {
    order.value = sorted(rows.peek(), by); // as it was when it was asked for
  }, [by, names.value]);
  const shown = order.value.filter((bank) => {
    const row = topic("overview").of(bank).value;
    return row && passes(row, query);
  });
  const move = (/** @type {number} */ by) => () => {
    const at = shown.indexOf(chosen.value) + by;
    chosen.value = shown[Math.min(Math.max(at, 0), shown.length - 1)] ?? "";
    document.querySelector(`[data-row="${CSS.escape(chosen.value)}"]`)?.scrollIntoView({ block: "nearest" });
  };
  useKeys({ j: move(1), k: move(-1), Enter: () => shown.includes(chosen.value) && go(bankPath(chosen.value)) });
  const isKnown = topic("overview").isKnown.value;
  return html`<div class="page-head"><h1>Overview</h1><${Counts} /><span class="grow"></span><${Filters} /></div>
    <section class="panel" aria-label="Banks">
      ${shown.length >= TILES_FROM
        ? html`<div class="tiles">${shown.map((bank) => html`<${Tile} key=${bank} bank=${bank} />`)}</div>`
        : html`<table class="banks"><${Head} by=${by} /><tbody>${shown.map((bank) => html`<${Row} key=${bank} bank=${bank} />`)}</tbody></table>`}
      ${isKnown && shown.length === 0 && html`<p class="empty">No Bank is shown. ${rows.value.length > 0 && html`<a href=${writePlace("/")}>Show all ${rows.value.length}</a>`}</p>`}
    </section>
    <${Summary} />`;
}
