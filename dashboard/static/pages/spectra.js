// Spectra of all Banks side by side, on one scale: the odd one is found at a glance.
import { computed } from "@preact/signals";
import { Bandpass, commonRange } from "../charts/bandpass.js";
import { AutoScale } from "../charts/scales.js";
import { bankPath } from "../state/address.js";
import { moment, second } from "../state/clock.js";
import { site } from "../state/site.js";
import { topic } from "../state/store.js";
import { number, span, utc, visible } from "../text/format.js";
import { bankState, isStale } from "../text/states.js";
import { Chip } from "../views/chip.js";
import { rows } from "../views/frame.js";
import { useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { KindPanels } from "../views/kindpanels.js";

const scale = new AutoScale();
const range = computed(() => scale.take(...commonRange(Object.values(topic("bandpass").all())), second.peek()));

/** @param {{row: any}} _ */
function Small({ row }) {
  const told = topic("bandpass").of(row.bank).value;
  const state = bankState(row, second.value);
  return html`<a class="panel ${isStale(row) ? "stale" : ""}" href=${bankPath(row.bank)} aria-label=${`${visible(row.bank, 40)}, ${state.word}`}>
    <header><b>${visible(row.bank, 40)}</b><${Chip} ...${state} /><span class="grow"></span><span class="dim">${told ? `${span(second.value - told.time)} old` : moment.value === null ? "no spectrum" : "nothing was kept of it"}</span></header>
    <div class="body"><${Bandpass} told=${told} range=${range.value} width=${270} height=${110} age=${told ? second.value - told.time : 0} /></div>
  </a>`;
}

/** The page. */
export default function Spectra() {
  useTopics("overview", "bandpass");
  const [least, greatest] = range.value;
  const units = [...new Set(Object.values(topic("bandpass").all()).map((told) => told.unit))];
  const unit = units.length === 1 ? units[0] : "";
  const own = rows.value.filter((row) => row.kind in site.value.panels);
  const others = rows.value.filter((row) => !own.includes(row));
  return html`<div class="page-head"><h1>Spectra</h1>${others.length > 0 && html`<span class="dim">first curve of each Bank in 64 pixels, once a second, all from ${number(least)} to ${number(greatest)}${unit && ` ${visible(unit, 20)}`}; ${utc(second.value)} UTC</span>`}</div>
    ${own.map((row) => html`<${KindPanels} key=${row.bank} row=${row} of="spectra" />`)}
    <div class="multiples">${others.map((row) => html`<${Small} key=${row.bank} row=${row} />`)}</div>`;
}
