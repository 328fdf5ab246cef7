// Panels of one Bank: findings, operations, rates and load.
import { useComputed } from "@preact/signals";
import { now, second } from "../state/clock.js";
import { session } from "../state/site.js";
import { topic } from "../state/store.js";
import { scanCells, unixTime } from "../text/banks.js";
import { bytes, percent, scaled, span, utcNear, visible } from "../text/format.js";
import { bankState, outcomeSeverity } from "../text/states.js";
import { act } from "./acting.js";
import { Chip, Progress } from "./chip.js";
import { rows } from "./frame.js";
import { HoldButton } from "./hold.js";
import { html } from "./html.js";
import { refusal } from "./seat.js";

const ENDED_SHOWN = 5;

/** @param {{row: any}} _ What is wrong, and the remedy, in the words of `dealer doctor`. */
export function Findings({ row }) {
  const { link, findings } = row;
  const isSilent = link.state !== "live";
  const count = findings.length + (isSilent ? 1 : 0);
  const first = isSilent ? LINKS[link.state] ?? link.state : findings[0]?.text;
  const severity = isSilent ? bankState(row, second.value).severity : count ? "warn" : "ok";
  return html`<details class="panel findings" aria-label="findings">
    <summary><${Chip} severity=${severity} word=${count === 0 ? "no findings" : `${count} ${count === 1 ? "finding" : "findings"}`} /> <span class=${count ? severity : "dim"}>${visible(first ?? "", 200)}</span></summary>
    ${isSilent && html`<div class="finding ${severity === "fault" ? "fails" : ""}"><b class=${severity}>${LINKS[link.state] ?? link.state}</b>, ${link.state === "connecting" ? "asked" : "heard last"} ${span(second.value - link.since)} ago (${utcNear(link.since, second.value)} UTC)${link.reason && html`: ${visible(link.reason, 600)}`}</div>`}
    ${findings.map((/** @type {any} */ each) => html`<div class="finding warns" key=${each.check + each.text}><b class="warn"><i class="shape" aria-hidden="true">\u25b2</i> ${visible(each.check, 60)}</b>: ${visible(each.text, 800)}${each.remedy && html`<div><span class="dim">remedy:</span> ${visible(each.remedy, 800)}</div>`}</div>`)}
  </details>`;
}

const LINKS = /** @type {Record<string, string>} */ ({
  connecting: "not heard yet", stale: "the Player is silent", lost: "no answer from the Player", refused: "refused by the Player",
});

/** @param {{name: string, children?: any}} _ */
function Meter({ name, children }) {
  return html`<div class="meter"><span>${name}</span><b>${children}</b></div>`;
}

/** @param {{row: any}} _ Scan, data and load in a few figures. */
export function Meters({ row }) {
  const { scan, load, overview } = row;
  const { number, share, left, lost } = scanCells(row);
  const start = unixTime(scan?.start);
  const isRunning = share !== null;
  return html`<section class="panel meters ${row.link.state === "live" ? "" : "stale"}" aria-label="scan, data and load">
    ${number !== null && html`<${Meter} name=${isRunning ? `scan ${number} is running` : "scan"}>${isRunning ? html`<${Progress} share=${share} name="progress of scan ${number}" /> ${percent(share)}` : number}<//>`}
    ${isRunning && html`<${Meter} name="left, ends">${span(left)}<span>${start !== null && scan.scan_length ? `${utcNear(start + scan.scan_length, second.value)} UTC` : ""}</span><//>`}
    ${typeof scan?.integrations === "number" && html`<${Meter} name="integrations">${scan.integrations}<span>of ${scan.planned ?? "-"}</span><//>`}
    ${lost !== null && html`<${Meter} name="dropped">${lost} blocks${scan.lost_s ? html`<span class="warn">${span(scan.lost_s)} of data</span>` : ""}<//>`}
    ${load && html`<${Meter} name="network in, out">${scaled(load.received_per_s, "B/s")}<span>${scaled(load.sent_per_s, "B/s")}</span><//>
      <${Meter} name="load of ${visible(row.host || "host", 20)}">${load.load?.toFixed(1) ?? "-"}<span>${load.cores} cores</span><//>
      <${Meter} name="memory">${bytes(load.used_bytes)}<span>of ${bytes(load.memory_bytes)}</span><span>Player ${bytes(load.player_bytes)}</span><//>`}
    ${row.offset !== null && html`<${Meter} name="clock offset">${(row.offset * 1000).toFixed(1)} ms<//>`}
    ${Object.entries(overview).filter(([name]) => /^(EVENTS|RATE|running|jobs|NETSTAT|DAQSTATE)$/.test(name)).map(([name, told]) => html`<${Meter} key=${name} name=${name}>${visible(told, 24)}<//>`)}
  </section>`;
}

/**
 * @param {any[]} all
 * @returns {any[]} Those that run, then the newest that ended.
 */
export function newestOperations(all) {
  const running = all.filter((each) => !each.ended).sort((a, b) => a.asked - b.asked);
  const ended = all.filter((each) => each.ended).sort((a, b) => b.ended - a.ended);
  return [...running, ...ended];
}

/** @param {{each: any}} _ Running operation. */
function Abort({ each }) {
  if (!session.value.control) return null;
  const why = refusal({ isHalt: true }, rows.value.filter((row) => row.bank === each.bank));
  return html`<${HoldButton} verb="Abort" what="${each.method} on ${each.bank}" of=${each.bank + each.id} why=${why} isSmall onHeld=${() => act("/api/operations/abort", { bank: each.bank, id: each.id })} />`;
}

/** @param {{each: any, withBank?: boolean}} _ */
export function OperationRow({ each, withBank = false }) {
  const end = each.ended ?? now.value;
  return html`<tr>
    ${withBank && html`<td data-name="Bank"><a href="/bank/${encodeURIComponent(each.bank)}">${visible(each.bank, 40)}</a></td>`}
    <td class="mono" data-name="operation">${visible(each.method, 60)}</td>
    <td data-name="state"><${Chip} severity=${outcomeSeverity(each.state)} word=${each.state} /></td>
    <td class="nowrap" data-name="progress">${each.ended ? "" : html`<${Progress} share=${each.fraction} name="progress of ${each.method}" /> ${typeof each.fraction === "number" ? percent(each.fraction) : ""}`}</td>
    <td class="number" data-name="took">${span(end - (each.started ?? each.asked))}</td>
    <td class="nowrap" data-name="asked">${utcNear(each.asked, second.value)}</td>
    <td data-name="by">${visible(each.client ?? "", 40)}</td>
    <td class="wrap full">${!each.ended && html`<${Abort} each=${each} />`} ${visible(each.text || each.error || "", 300)}</td>
  </tr>`;
}

/** Head of tables of operations. @param {{withBank?: boolean}} _ */
export function OperationHead({ withBank = false }) {
  return html`<thead><tr>${withBank && html`<th>Bank</th>`}<th>operation</th><th>state</th><th>progress</th><th class="number">took</th><th>asked, UTC</th><th>by</th><th>text</th></tr></thead>`;
}

/** @param {{banks: string[]}} _ Operations of some Banks that run: found again after the page was loaded anew. */
export function RunningOperations({ banks }) {
  const all = Object.values(topic("operations").all()).filter((each) => banks.includes(each.bank) && !each.ended);
  if (all.length === 0) return null;
  return html`<section class="panel" aria-label="operations"><header><h2>Running operations</h2></header>
    <div class="scroll"><table class="cards"><${OperationHead} withBank /><tbody>${newestOperations(all).map((each) => html`<${OperationRow} key=${each.bank + each.id} each=${each} withBank />`)}</tbody></table></div>
  </section>`;
}

/** @param {{bank: string}} _ Operations of a Bank: those that run, and the last that ended. */
export function Operations({ bank }) {
  const all = useComputed(() => newestOperations(Object.values(topic("operations").all()).filter((each) => each.bank === bank)));
  const shown = all.value.filter((each, place) => !each.ended || place < ENDED_SHOWN);
  if (shown.length === 0) return null;
  return html`<section class="panel" aria-label="operations"><header><h2>Operations</h2><span class="dim">of the last hour: ${all.value.length}</span></header>
    <div class="scroll"><table class="cards"><${OperationHead} /><tbody>${shown.map((each) => html`<${OperationRow} key=${each.id} each=${each} />`)}</tbody></table></div>
  </section>`;
}
