// Hosts: programs under their supervisors, in the words of `dealer hosts status`; ports that are lent.
import { useComputed } from "@preact/signals";
import { bankPath, place, setQuery } from "../state/address.js";
import { moment, second } from "../state/clock.js";
import { session } from "../state/site.js";
import { isScanning } from "../text/banks.js";
import { bytes, span, visible } from "../text/format.js";
import { bankState, conditionSeverity, isStale } from "../text/states.js";
import { act } from "../views/acting.js";
import { Chip } from "../views/chip.js";
import { rows } from "../views/frame.js";
import { HoldButton } from "../views/hold.js";
import { useJson, useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { refusal } from "../views/seat.js";

const PORTS_EVERY_S = 10;
const OLD_S = 15;
const OFFSET_WARN_S = 0.1;

/** @param {{program: any, row: any}} _ What an admin may have its supervisor do. */
function Orders({ program, row }) {
  if (!program.bank || !session.value.control || session.value.role !== "admin") return null;
  const orders = /^(RUNNING|STARTING)$/.test(program.state) ? ["restart", "stop"] : ["start"];
  const why = refusal({ role: "admin", needsNoBank: true }, []);
  const scan = row && !isStale(row) && isScanning(row) ? row.scan.scan : null;
  return html`<span class="nowrap">${orders.map((order) => html`<${HoldButton} key=${order} isSmall verb=${order} what="${program.program} on ${program.host}" of=${`${program.host} ${program.program}`}
    why=${why || (scan === null ? "" : `scan ${scan} runs there: stop it first, or: dealer hosts ${order} ${program.bank} --force`)} onHeld=${() => act("/api/hosts/order", { banks: [program.bank], order, force: false })} />`)}</span>`;
}

/** @param {{program: any, row: any}} _ */
function Program({ program, row }) {
  const offset = row?.offset ?? null;
  const isOff = offset !== null && Math.abs(offset) > OFFSET_WARN_S;
  return html`<tr>
    <td data-name="host">${visible(program.host, 40)}</td>
    <th scope="row" class="mono">${visible(program.program, 60)}</th>
    <td data-name="Bank">${program.bank ? html`<a href=${bankPath(program.bank)}>${visible(program.bank, 40)}</a>` : "-"}</td>
    <td data-name="condition"><${Chip} severity=${conditionSeverity(program.condition)} word=${program.condition} why=${program.note} /></td>
    <td data-name="supervisor">${visible(program.state || "-", 20)}</td>
    <td data-name="ready">${program.ready === null ? "-" : program.ready ? "yes" : html`<span class=${conditionSeverity(program.condition) === "off" ? "" : "warn"}>no</span>`}</td>
    <td data-name="pid" class="number">${program.pid || "-"}</td>
    <td data-name="up" class="number">${program.pid ? span(program.up_s) : "-"}</td>
    <td data-name="crashes" class="number ${program.crashes ? "warn" : ""}">${program.crashes ?? "-"}</td>
    <td data-name="load" class="number">${row?.load && !isStale(row) ? `${row.load.load?.toFixed(1)} / ${row.load.cores}` : "-"}</td>
    <td data-name="memory" class="number">${row?.load && !isStale(row) ? bytes(row.load.player_bytes) : "-"}</td>
    <td data-name="clock offset" class="number ${isOff ? "warn" : ""}">${offset === null ? "-" : `${offset >= 0 ? "+" : ""}${(offset * 1000).toFixed(1)} ms`}</td>
    <td class="wrap full"><${Orders} program=${program} row=${row} /> ${visible(program.note, 300)}</td>
  </tr>`;
}

/** Ports that port managers have lent. */
function Ports() {
  const { told, problem } = useJson("/api/ports", PORTS_EVERY_S);
  const managers = told?.managers ?? [];
  return html`<section class="panel" aria-label="ports"><header><h2>Port managers</h2></header>
    ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
    ${managers.filter((/** @type {any} */ each) => each.error).map((/** @type {any} */ each) => html`<p class="empty" key=${each.manager}>${visible(each.manager, 60)}: ${visible(each.error, 300)}</p>`)}
    ${managers.some((/** @type {any} */ each) => each.ports.length) && html`<div class="scroll"><table class="cards"><thead><tr><th>manager</th><th class="number">port</th><th>service</th><th>user</th></tr></thead>
      <tbody>${managers.flatMap((/** @type {any} */ each) => each.ports.map((/** @type {any} */ port) => html`<tr key=${each.manager + port.port}><td data-name="manager">${visible(each.manager, 60)}</td><td data-name="port" class="number">${port.port}</td><td data-name="service">${visible(port.service, 60)}</td><td data-name="user">${visible(port.user, 40)}</td></tr>`))}</tbody></table></div>`}
  </section>`;
}

/** Findings of all Banks, with their remedies. */
function AllFindings() {
  const some = rows.value.flatMap((row) => row.findings.map((/** @type {any} */ each) => ({ ...each, bank: each.bank || row.bank })));
  if (some.length === 0) return null;
  return html`<section class="panel" aria-label="findings"><header><h2>Findings</h2><span class="dim">as \`dealer doctor\` has them</span></header>
    ${some.map((each) => html`<div class="finding warns" key=${each.bank + each.check + each.text}><a href=${bankPath(each.bank)}><b>${visible(each.bank, 40)}</b></a> ${visible(each.check, 60)}: ${visible(each.text, 600)}${each.remedy && html`<div><span class="dim">remedy:</span> ${visible(each.remedy, 600)}</div>`}</div>`)}
  </section>`;
}

/** Hosts as they were: what Banks kept of theirs. */
function PastHosts() {
  return html`<section class="panel" aria-label="hosts as they were"><p class="empty">Nothing was kept of supervisors, of programs without a Bank, and of port managers; this is what Players kept.</p>
    <div class="scroll"><table class="cards"><thead><tr><th>host</th><th>Bank</th><th>Player</th><th class="number">load / cores</th><th class="number">memory</th></tr></thead>
      <tbody>${rows.value.map((row) => html`<tr key=${row.bank}><td data-name="host">${visible(row.host || "-", 40)}</td><th scope="row"><a href=${bankPath(row.bank)}>${visible(row.bank, 40)}</a></th>
        <td data-name="Player"><${Chip} ...${bankState(row, second.value)} /></td>
        <td data-name="load" class="number">${row.load ? `${row.load.load?.toFixed(1)} / ${row.load.cores}` : "-"}</td><td data-name="memory" class="number">${row.load ? bytes(row.load.player_bytes) : "-"}</td></tr>`)}</tbody></table></div></section>`;
}

/** The page. */
export default function Hosts() {
  const [hosts] = useTopics("hosts", "overview");
  const programs = hosts.of("programs").value ?? [];
  const error = hosts.of("error").value;
  const asked = hosts.of("asked").value;
  const unreachable = Object.entries(hosts.of("unreachable").value ?? {});
  const without = Object.entries(hosts.of("without_supervisor").value ?? {});
  const byBank = useComputed(() => new Map(rows.value.map((row) => [row.bank, row])));
  const q = place.value.query.q ?? "";
  const shown = programs.filter((/** @type {any} */ each) => `${each.host} ${each.program} ${each.bank} ${each.condition} ${each.note}`.toLowerCase().includes(q.toLowerCase()));
  if (moment.value !== null) return html`<div class="page-head"><h1>Hosts</h1></div><${PastHosts} />`;
  const isOld = asked !== undefined && second.value - asked > OLD_S;
  return html`<div class="page-head"><h1>Hosts</h1><span class="dim">${programs.length} programs${asked ? `, asked ${span(second.value - asked)} ago` : ""}</span><span class="grow"></span>
      <div class="filters"><input type="search" placeholder="search  /" aria-label="search programs" value=${q} onInput=${(/** @type {any} */ event) => setQuery({ q: event.currentTarget.value })} /></div></div>
    <div class="stack">
      <section class="panel ${isOld ? "stale" : ""}" aria-label="programs">
        ${error && html`<p class="empty">${visible(error, 500)}</p>`}
        ${unreachable.map(([host, why]) => html`<p class="problem" key=${host}>${visible(host, 40)}: its supervisor cannot be asked: ${visible(why, 300)}</p>`)}
        ${programs.length > 0 && html`<div class="scroll"><table class="cards"><thead><tr><th>host</th><th>program</th><th>Bank</th><th>condition</th><th>supervisor</th><th>ready</th><th class="number">pid</th><th class="number">up</th><th class="number">crashes</th><th class="number">load / cores</th><th class="number">memory</th><th class="number">clock offset</th><th>note</th></tr></thead>
          <tbody>${shown.map((/** @type {any} */ program) => html`<${Program} key=${`${program.host} ${program.program}`} program=${program} row=${byBank.value.get(program.bank)} />`)}</tbody></table></div>`}
        ${without.length > 0 && html`<p class="empty">Banks on hosts without a supervisor in the configuration: ${without.map(([bank, host]) => `${bank} (${host})`).join(", ")}</p>`}
      </section>
      <${AllFindings} /><${Ports} />
    </div>`;
}
