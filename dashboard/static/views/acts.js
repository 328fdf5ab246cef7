// What was done from here: outcome at each Bank; what failed stays until it is dismissed.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { acts, isOwn, report } from "../state/acts.js";
import { second } from "../state/clock.js";
import { span, utcNear, value, visible } from "../text/format.js";
import { outcomeSeverity } from "../text/states.js";
import { act as have } from "./acting.js";
import { Chip } from "./chip.js";
import { copyText } from "./copying.js";
import { useJson } from "./hooks.js";
import { html } from "./html.js";

const SHOWN = 12;

/** @typedef {import("../state/acts.js").Act} Act */

/** @param {{id: string}} _ Values that came back, which only who asked may see. */
function Values({ id }) {
  const { told, problem } = useJson(`/api/acts/${encodeURIComponent(id)}`);
  const values = Object.entries(told?.act?.values ?? told?.values ?? {});
  return html`<div class="whole">${problem || (told ? values.map(([bank, each]) => `${bank}: ${value(each)}`).join("\n") || "no values" : "...")}</div>`;
}

/** @param {{act: Act}} _ */
function Outcomes({ act }) {
  return html`<table class="outcomes"><tbody>${act.banks.map((bank) => {
    const { state = "waiting", text = "", delay_s: delay = null, call_id: call = "" } = act.outcomes[bank] ?? {};
    return html`<tr key=${bank}><th scope="row">${visible(bank, 40)}</th><td><${Chip} severity=${outcomeSeverity(state)} word=${state} /></td>
      <td class="number">${span(delay)}</td><td class="wrap">${visible(text, 600)}${call && html` <span class="dim mono">call ${visible(call, 60)}</span>`}</td></tr>`;
  })}</tbody></table>`;
}

/** @param {{act: Act}} _ */
function One({ act }) {
  const isBad = act.state === "failed" || act.state === "partly";
  const isOpen = useSignal(isBad);
  const done = act.banks.filter((bank) => act.outcomes[bank]?.state === "done").length;
  useEffect(() => { if (isBad) isOpen.value = true; }, [isBad]);
  const severity = act.state === "partly" ? "warn" : outcomeSeverity(act.state);
  return html`<div class="act ${isBad ? "bad" : ""}" data-act=${act.id}>
    <div class="act-head"><${Chip} severity=${severity} word=${act.state === "partly" ? "partly done" : act.state} />
      <b class="mono">${visible(act.text, 160)}</b>
      <span class="dim nowrap">${done} of ${act.banks.length}, ${utcNear(act.time, second.value)} UTC${isOwn(act) ? "" : `, by ${visible(act.by, 40)}`}</span><span class="grow"></span>
      <button class="plain" aria-expanded=${isOpen.value} onClick=${() => { isOpen.value = !isOpen.value; }}>${isOpen.value ? "less" : "more"}</button>
      <button class="plain" onClick=${() => copyText(report(act))}>copy</button>
      ${isOwn(act) && act.ended !== null && html`<button class="plain" aria-label="dismiss ${visible(act.text, 60)}" onClick=${() => have("/api/acts/dismiss", { ids: [act.id] })}>\u2715</button>`}</div>
    ${act.note && html`<p class=${isBad ? "fault" : "dim"}>${visible(act.note, 600)}</p>`}
    ${isOpen.value && html`<${Outcomes} act=${act} />${isOwn(act) && act.verb === "call" && act.ended !== null && html`<${Values} id=${act.id} />`}`}
  </div>`;
}

/** All acts that are kept. */
export function Acts() {
  const all = acts.value;
  const ended = all.filter((act) => isOwn(act) && act.ended !== null);
  return html`<section class="panel" aria-label="what was done"><header><h2>Done from here</h2><span class="dim">what failed stays until it is dismissed</span><span class="grow"></span>
      ${ended.length > 1 && html`<button onClick=${() => have("/api/acts/dismiss", { ids: ended.map((act) => act.id) })}>dismiss all</button>`}</header>
    ${all.slice(0, SHOWN).map((act) => html`<${One} key=${act.id} act=${act} />`)}
    ${all.length === 0 && html`<p class="empty">Nothing yet.</p>`}
  </section>`;
}
