// Jobs: operations of all Banks, those that run and those of the last hour.
import { useComputed } from "@preact/signals";
import { place, setQuery } from "../state/address.js";
import { site } from "../state/site.js";
import { OperationHead, OperationRow, newestOperations } from "../views/bankpanels.js";
import { rows } from "../views/frame.js";
import { useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { KindPanels } from "../views/kindpanels.js";

const MAX_OPERATIONS = 200;

/** The page. */
export default function Jobs() {
  const [operations] = useTopics("operations");
  const all = useComputed(() => newestOperations(Object.values(operations.all())));
  const { q = "", only = "" } = place.value.query;
  const shown = all.value.filter((each) => (only !== "running" || !each.ended) && `${each.bank} ${each.method} ${each.state} ${each.client} ${each.text}`.toLowerCase().includes(q.toLowerCase()));
  const running = all.value.filter((each) => !each.ended).length;
  return html`<div class="page-head"><h1>Jobs</h1><span class="dim">${running} running, ${all.value.length - running} ended within the hour</span><span class="grow"></span>
      <div class="filters"><button aria-pressed=${only === "running"} onClick=${() => setQuery({ only: only ? null : "running" })}>only running</button>
      <input type="search" aria-label="search operations" placeholder="search  /" value=${q} onInput=${(/** @type {any} */ event) => setQuery({ q: event.currentTarget.value })} /></div></div>
    ${rows.value.filter((row) => row.kind in site.value.panels).map((row) => html`<${KindPanels} key=${row.bank} row=${row} of="jobs" />`)}
    <section class="panel" aria-label="operations"><header><h2>Operations</h2></header>
      ${shown.length > 0 && html`<div class="scroll"><table class="cards"><${OperationHead} withBank /><tbody>${shown.slice(0, MAX_OPERATIONS).map((each) => html`<${OperationRow} key=${each.bank + each.id} each=${each} withBank />`)}</tbody></table></div>`}
      ${operations.isKnown.value && shown.length === 0 && html`<p class="empty">Nothing runs, and nothing ran within the hour.</p>`}
    </section>`;
}
