// Banks that are chosen: in the link, so that it leads others to the same.
import { computed } from "@preact/signals";
import { place, setQuery } from "../state/address.js";
import { visible } from "../text/format.js";
import { bankState, isStale } from "../text/states.js";
import { Chip } from "./chip.js";
import { rows } from "./frame.js";
import { html } from "./html.js";

/** Rows of the Banks that are chosen; without a choice all of the first kind. */
export const chosenRows = computed(() => {
  const { banks } = place.value.query;
  if (banks === undefined) return rows.value.filter((row) => row.kind === rows.value[0].kind);
  const names = new Set(banks.split(","));
  return rows.value.filter((row) => names.has(row.bank));
});

/** @param {string[]} banks */
function choose(banks) {
  setQuery({ banks: banks.join(",") || "," });
}

/** Chooser of Banks. */
export function BankChoice() {
  const chosen = new Set(chosenRows.value.map((row) => row.bank));
  const kinds = [...new Set(rows.value.map((row) => row.kind).filter(Boolean))];
  const flip = (/** @type {string} */ bank) => () => choose(rows.value.map((row) => row.bank).filter((each) => chosen.has(each) !== (each === bank)));
  return html`<section class="panel" aria-label="chosen Banks">
    <header><h2>Banks</h2><span class="dim">${chosen.size} of ${rows.value.length} chosen</span><span class="grow"></span>
      <div class="filters"><button onClick=${() => choose(rows.value.map((row) => row.bank))}>all</button><button onClick=${() => choose([])}>none</button>
      ${kinds.length > 1 && kinds.map((kind) => html`<button key=${kind} onClick=${() => choose(rows.value.filter((row) => row.kind === kind).map((row) => row.bank))}>all ${visible(kind, 24)}</button>`)}</div></header>
    <div class="choices">${rows.value.map((row) => html`<label key=${row.bank} class=${isStale(row) ? "stale" : ""}><input type="checkbox" checked=${chosen.has(row.bank)} onChange=${flip(row.bank)} /> <b>${visible(row.bank, 20)}</b> <${Chip} ...${bankState(row, 0)} /></label>`)}</div>
  </section>`;
}
