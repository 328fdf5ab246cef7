// Scan control: what will be done stands on the button; the plan comes before the start; stopping needs no plan.
import { useSignal } from "@preact/signals";
import { drafts, sent } from "../state/drafts.js";
import { now, second } from "../state/clock.js";
import { postJson } from "../state/site.js";
import { isScanning, runningScans } from "../text/banks.js";
import { percent, span, utc, utcNear, utcOfDay, visible } from "../text/format.js";
import { countOfBanks, named } from "../text/refusals.js";
import { readNext } from "../text/timerange.js";
import { act } from "./acting.js";
import { Progress } from "./chip.js";
import { HoldButton } from "./hold.js";
import { html } from "./html.js";
import { Plan } from "./plan.js";
import { refusal } from "./seat.js";

const AHEAD_LEAST_S = 2;

/** @param {any[]} rows @param {any} described @param {import("../text/parameters.js").Change[]} changes @param {number | null} at */
function whyNoStart(rows, described, changes, at) {
  const why = refusal({}, rows);
  if (why) return why;
  if (!described) return "it is not known yet what the Banks offer";
  if (!described.objects?.bank?.methods.some((/** @type {any} */ each) => each.name === "start")) return `${described.bank} takes no scans`;
  const [wrong] = changes.filter((change) => change.problem);
  if (wrong) return `${wrong.name}: ${wrong.problem}`;
  const running = rows.filter(isScanning);
  if (running.length) return `scan ${running[0].scan.scan} runs on ${named(running.map((row) => row.bank))}: wait, or stop it`;
  return at !== null && at < now.value + AHEAD_LEAST_S ? "the start second is over" : "";
}

/** @param {{rows: any[]}} _ Scans of these Banks that run. */
function Running({ rows }) {
  const scans = runningScans(rows);
  const silent = rows.filter((row) => row.link.state !== "live");
  const cut = silent.filter(isScanning); // nobody knows what became of these
  const heard = rows.length === 0 ? "any" : silent.length ? "those that are heard" : "them";
  return html`${cut.length > 0 && html`<p class="warn">\u25b2 ${named(cut.map((row) => row.bank))}: not heard; scan ${cut[0].scan.scan} ran when last heard, what became of it is not known</p>`}
    ${scans.length === 0 && html`<p class="dim">No scan is running on ${heard}.</p>`}${scans.map((scan) => {
    const share = rows.find((row) => row.bank === scan.banks[0])?.scan.fraction ?? null;
    return html`<p key=${scan.number}><b>scan ${scan.number}</b> <${Progress} share=${share} name="progress of scan ${scan.number}" /> ${share === null ? "" : percent(share)} on ${named(scan.banks)}${scan.end === null ? "" : `, ends ${utcNear(scan.end, second.value)} UTC (${span(scan.end - second.value)} left)`}</p>`;
  })}`;
}

/** @param {any[]} rows @returns {string} What stopping ends. */
function whatStops(rows) {
  const scans = runningScans(rows);
  const of = `${countOfBanks(rows.length)}: ${named(rows.map((row) => row.bank))}`;
  if (scans.length === 0) return `whatever runs on ${of}`;
  const [{ number }] = scans;
  const share = rows.find((row) => row.scan?.scan === number)?.scan.fraction;
  return `scan ${number}${typeof share === "number" ? `, ${percent(share)} done,` : ""} on ${of}; the rest of it is not taken`;
}

/**
 * @param {{rows: any[], described: any, changes: import("../text/parameters.js").Change[]}} _ Banks that are chosen; interface document of the
 *     first; drafts that a start would set.
 */
export function ScanControl({ rows, described, changes }) {
  const second_ = useSignal("");
  const plan = useSignal(/** @type {any} */ (null));
  const banks = rows.map((row) => row.bank);
  const at = second_.value.trim() ? readNext(second_.value, second.value) : null;
  const isUnread = second_.value.trim() !== "" && at === null;
  const values = Object.fromEntries(changes.map((change) => [change.name, change.value]));
  const body = { banks, parameters: values, prepare: true, at };
  const key = JSON.stringify(body);
  const why = isUnread ? "start second: expected hh:mm or hh:mm:ss, UTC" : whyNoStart(rows, described, changes, at);
  const ask = async () => {
    if (why || plan.peek()?.key === key) return;
    plan.value = { key, told: null, problem: "" };
    try {
      const told = await postJson("/api/scan/plan", body);
      if (plan.peek()?.key === key) plan.value = { key, told: told.plan ?? told, problem: "" };
    } catch (error) {
      if (plan.peek()?.key === key) plan.value = { key, told: null, problem: /** @type {Error} */ (error).message };
    }
  };
  const start = async () => {
    if (await act("/api/scan/start", body)) sent(values, banks);
  };
  const isPlanned = plan.value?.key === key;
  const when = at === null ? "as early as possible" : `at ${utc(at).slice(0, 10) === utc(second.value).slice(0, 10) ? utcOfDay(at) : utc(at)} UTC`;
  const sets = changes.length ? `, with ${changes.map((change) => `${change.name} ${visible(drafts.value[change.name], 40)}`).join(", ")}` : "";
  const whyStop = refusal({ isHalt: true }, rows);
  return html`<section class="panel" aria-label="scan"><header><h2>Scan</h2></header><div class="body">
    <${Running} rows=${rows} />
    <div class="line-of"><label>start second, UTC <input aria-label="start second" size="20" placeholder="as early as possible" value=${second_.value} onInput=${(/** @type {any} */ event) => { second_.value = event.currentTarget.value; }} /></label>
      <button disabled=${why !== ""} title=${why} onClick=${ask}>${isPlanned ? "planned" : "Show the plan"}</button></div>
    <div onPointerEnter=${ask} onFocusIn=${ask}>
      <${HoldButton} verb="Start" of=${key} why=${why} what=${`a scan on ${countOfBanks(rows.length)} ${when}${sets}${banks.length ? `: ${named(banks)}` : ""}`} onHeld=${start} /></div>
    <${HoldButton} verb="Stop" of=${`${banks.join()} ${runningScans(rows).map((scan) => scan.number).join()}`} why=${whyStop} what=${whatStops(rows)} onHeld=${() => act("/api/scan/stop", { banks })} />
    ${isPlanned && (plan.value.told ? html`<${Plan} plan=${plan.value.told} />` : html`<p class=${plan.value.problem ? "problem" : "dim"}>${plan.value.problem || "planning ..."}</p>`)}
  </div></section>`;
}
