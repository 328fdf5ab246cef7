// Differences of anything with anything: two Banks, two scans, now and then, wanted and actual.
import { place, setQuery, writePlace } from "../state/address.js";
import { moment, second } from "../state/clock.js";
import { site } from "../state/site.js";
import { callText } from "../text/calls.js";
import { joined, parted } from "../text/statewords.js";
import { utc, utcNear, value, visible } from "../text/format.js";
import { outcomeSeverity } from "../text/states.js";
import { Chip } from "../views/chip.js";
import { saveCsv } from "../views/copying.js";
import { rows } from "../views/frame.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";

const EVERY_S = 5;
const KINDS = /** @type {[string, string][]} */ ([["set", ""], ["own", "each side's own: files, numbers, start times"], ["moving", "what moves by itself"]]);

/** @param {{side: "left" | "right", word: string}} _ A Bank, and when. */
function Side({ side, word }) {
  const { bank, when } = parted(word);
  const take = (/** @type {Partial<{bank: string, when: string}>} */ change) => setQuery({ [side]: joined({ bank, when, ...change }) });
  return html`<span class="side-of"><select aria-label="${side}: Bank" value=${bank} onChange=${(/** @type {any} */ event) => take({ bank: event.currentTarget.value })}>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select>
    <input aria-label="${side}: now, wanted, scan12, 1h or UTC" list="whens" size="19" value=${when} placeholder="now" onChange=${(/** @type {any} */ event) => take({ when: event.currentTarget.value.trim() })} /></span>`;
}

/** @param {string} word @returns {string} The same at the moment that all pages show, if it says none itself. */
function asShown(word) {
  const { bank, when } = parted(word);
  return moment.value === null || when ? word : joined({ bank, when: utc(moment.value) });
}

/** @param {{held: any}} _ */
function Held({ held }) {
  return held === null ? html`<span class="dim">-</span>` : value(held.value);
}

/** @param {{each: any, labels: string[]}} _ */
function Row({ each, labels }) {
  const sides = [each.left, each.right].filter((held) => held?.since);
  const newest = sides.reduce((best, held) => (best === null || held.since > best.since ? held : best), null);
  const call = [each.left?.call, each.right?.call].filter(Boolean).reduce((best, one) => (best === null || one.time > best.time ? one : best), null);
  return html`<tr>
    <th scope="row" class="mono full">${visible(each.key, 80)}</th>
    <td class="mono wrap" data-name=${labels[0]}><${Held} held=${each.left} /></td>
    <td class="mono wrap" data-name=${labels[1]}><${Held} held=${each.right} /></td>
    <td class="unit" data-name=${each.unit ? "unit" : undefined}>${visible(each.unit, 20)}</td>
    <td class="nowrap" data-name="changed">${newest && html`<a href=${writePlace("/history", { since: utc(newest.since - 300), until: utc(newest.since + 300) })}>${utcNear(newest.since, second.value)}</a>`}</td>
    <td class="wrap full">${call && html`<span class="dim nowrap">${visible(call.key || call.client, 40)}</span> <span class="mono">${visible(callText(call), 160)}</span>${call.outcome !== "done" && html` <${Chip} severity=${outcomeSeverity(call.outcome)} word=${call.outcome} />`}`}</td>
  </tr>`;
}

/**
 * @param {Record<string, string>} query Of the page.
 * @returns {{left: string, right: string}} Words of the states; without any, those of the first two Banks of one kind that
 *     answer and keep a history, else of the same one twice.
 */
function wanted({ left, right }) {
  if (left) return { left, right: right || parted(left).bank };
  const live = rows.value.filter((row) => row.link.state === "live" && row.dialect === "native");
  const other = live.slice(1).find((row) => row.kind === live[0].kind) ?? live[0];
  return { left: live[0]?.bank ?? "", right: right || (other?.bank ?? "") };
}

/** @param {any} told */
function exportAll(told) {
  const side = (/** @type {any} */ held) => (held === null ? null : typeof held.value === "object" ? JSON.stringify(held.value) : held.value);
  const rows = told.differences.map((/** @type {any} */ each) => [each.key, each.kind, side(each.left), side(each.right), each.unit]);
  saveCsv("differences.csv", [`${site.peek().name} differences, ${utc(second.peek())} UTC`, location.href], [["key", "kind", told.left.label, told.right.label, "unit"], ...rows]);
}

/** The page. */
export default function Diff() {
  const { query } = place.value;
  const { left, right } = wanted(query);
  const isAll = query.all === "yes";
  const { told, problem, isAsking } = useJson(left ? `/api/diff?${new URLSearchParams({ left: asShown(left), right: asShown(right) })}` : null, EVERY_S);
  const shown = (told?.differences ?? []).filter((/** @type {any} */ each) => isAll || each.kind === "set");
  const hidden = (told?.differences ?? []).length - shown.length;
  const labels = [told?.left.label, told?.right.label].map((label) => visible(label ?? "", 60));
  return html`<div class="page-head"><h1>Differences</h1><span class="dim">${told ? `${told.differences.length - hidden} in ${told.compared} keys` : isAsking ? "asking" : ""}</span><span class="grow"></span>
      <div class="filters"><${Side} side="left" word=${left} /><button aria-label="exchange sides" title="exchange sides" onClick=${() => setQuery({ left: right, right: left })}>\u21c4</button><${Side} side="right" word=${right} />
        <datalist id="whens"><option value="now" /><option value="wanted" /><option value="15min" /><option value="1h" /><option value="1d" /></datalist>
        <label><input type="checkbox" checked=${isAll} onChange=${(/** @type {any} */ event) => setQuery({ all: event.currentTarget.checked ? "yes" : null })} />all</label>
        <button onClick=${() => exportAll(told)} disabled=${!told}>CSV</button></div></div>
    <section class="panel" aria-label="differences">
      ${problem && html`<p class="problem">${visible(problem, 400)}</p>`}
      ${shown.length > 0 && html`<div class="scroll"><table class="cards diffs"><thead><tr><th>key</th><th>${labels[0]}</th><th>${labels[1]}</th><th>unit</th><th>changed, UTC</th><th>call behind it</th></tr></thead>
        ${KINDS.map(([kind, text]) => {
          const some = shown.filter((/** @type {any} */ each) => each.kind === kind);
          return some.length > 0 && html`<tbody key=${kind}>${text && html`<tr class="group"><th colspan="6">${text}</th></tr>`}${some.map((/** @type {any} */ each) => html`<${Row} key=${each.key} each=${each} labels=${labels} />`)}</tbody>`;
        })}</table></div>`}
      ${told && !problem && shown.length === 0 && html`<p class="empty">No difference in ${told.compared} keys.</p>`}
      ${told && hidden > 0 && html`<div class="foot"><span class="dim">${hidden} not shown: what is each side's own, and what moves by itself</span><button class="plain" onClick=${() => setQuery({ all: "yes" })}>show</button></div>`}
    </section>`;
}
