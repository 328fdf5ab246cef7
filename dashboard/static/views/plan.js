// Plan of a start: what would be sent to whom, how long it takes, what would be refused. Nobody is told anything.
import { span, visible } from "../text/format.js";
import { html } from "./html.js";
import { named } from "../text/refusals.js";

/** @param {{plan: any}} _ As the server answers it. */
export function Plan({ plan }) {
  const refused = Object.entries(plan.refused ?? {});
  return html`<div class="plan" aria-label="plan">
    <p>${plan.error ? html`<span class="warn">no plan: ${visible(plan.error, 300)}</span>` : html`<b>takes ${span(plan.seconds)}</b>, ${plan.faults ? html`<span class="fault">\u2716 ${plan.faults} would be refused</span>` : "nothing is refused"}${plan.doubts ? html`, <span class="warn">\u25b2 ${plan.doubts} ${plan.doubts === 1 ? "doubt" : "doubts"}</span>` : ""}`}</p>
    ${refused.map(([bank, why]) => html`<p class="fault" key=${bank}>\u2716 ${visible(bank, 40)} would refuse: ${visible(why, 400)}</p>`)}
    ${plan.rows?.length > 0 && html`<div class="scroll"><table><thead><tr><th class="number">after</th><th>Banks</th><th>call</th><th>what comes of it</th></tr></thead><tbody>
      ${plan.rows.map((/** @type {any} */ row, /** @type {number} */ index) => html`<tr key=${index}><td class="number nowrap">${span(row.at)}</td><td title=${row.banks.join(", ")}>${row.banks.length === plan.banks.length ? `all ${row.banks.length}` : named(row.banks)}</td><td class="mono wrap">${visible(row.call, 200)}</td>
        <td class="wrap ${row.is_fault ? "fault" : ""}">${row.is_fault ? "\u2716 " : ""}${visible(row.text, 300)}${row.doubts.map((/** @type {string} */ doubt) => html`<div class="warn" key=${doubt}>\u25b2 ${visible(doubt, 200)}</div>`)}</td></tr>`)}</tbody></table></div>`}
  </div>`;
}
