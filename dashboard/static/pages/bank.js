// One Bank: all that its Player offers, whatever its kind.
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { bankPath, go, writePlace } from "../state/address.js";
import { second } from "../state/clock.js";
import { session, site } from "../state/site.js";
import { topic } from "../state/store.js";
import { kindName, span, utc, visible } from "../text/format.js";
import { ownerOf } from "../text/refusals.js";
import { bankState, isStale } from "../text/states.js";
import { Findings, Meters, Operations } from "../views/bankpanels.js";
import { Chip } from "../views/chip.js";
import { isSilent, rows } from "../views/frame.js";
import { useJson, useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { KindPanels } from "../views/kindpanels.js";
import { SpectrumPanel } from "../views/spectrumpanel.js";
import { StatusList } from "../views/statuslist.js";
import { WhyLink } from "../views/whylink.js";

/** @param {{bank: string, row: any}} _ */
function Head({ bank, row }) {
  const state = bankState(row, isStale(row) ? second.value : 0);
  const choose = (/** @type {any} */ event) => go(bankPath(event.currentTarget.value));
  const { control } = row;
  return html`<div class="page-head">
    <h1>${visible(bank, 40)}</h1><${Chip} ...${state} /><${WhyLink} bank=${bank} />
    <div class="facts-of"><span title=${visible(row.kind, 200)}>kind <b>${visible(kindName(row.kind) || "-", 30)}</b></span><span>mode <b>${visible(row.overview.mode ?? "-", 30)}</b></span>
      <span>host <b>${visible(row.host || "-", 40)}</b></span><span class="wide mono">${visible(row.url, 60)}</span>
      ${row.simulated && html`<span class="simulated">SIMULATED</span>`}
      ${row.dialect === "original" && html`<span title="a Player of the original: asked once a second">polled</span>`}
      <span>control <b>${visible(ownerOf(control) || "nobody", 40)}</b>${control?.until ? ` until ${utc(control.until).slice(11)} (${span(control.until - second.value)})` : ""}</span></div>
    <span class="grow"></span>
    ${session.value.control && html`<a class="go-to" href=${writePlace("/run", { banks: bank })}>Run ${visible(bank, 40)}</a>`}
    <select aria-label="Bank" value=${bank} onChange=${choose}>${rows.value.map((each) => html`<option key=${each.bank} value=${each.bank}>${visible(each.bank, 40)}</option>`)}</select>
  </div>`;
}

/** @param {any} described Interface document. @returns {{object: string, property: any}[]} */
function pipesOf(described) {
  return Object.entries(described?.objects ?? {}).flatMap(([object, told]) =>
    /** @type {any} */ (told).properties.filter((/** @type {any} */ each) => each.kind === "pipe").map((/** @type {any} */ property) => ({ object, property })),
  );
}

/** @param {any} described Interface document. @returns {Map<string, any>} Key of a value -> its property. */
function docsOf(described) {
  const docs = new Map();
  for (const [object, told] of Object.entries(described?.objects ?? {})) {
    const prefix = object === "bank" ? "" : `${object.replace(/^bank\./, "")}.`;
    for (const property of /** @type {any} */ (told).properties) docs.set(prefix + property.name, property);
  }
  return docs;
}

/** @param {{bank: string}} _ The page. */
export default function BankPage({ bank }) {
  const [overview, values] = useTopics("overview", `values:${bank}`, "operations");
  const row = overview.of(bank).value;
  const version = useComputed(() => overview.of(bank).value?.interface ?? 0);
  const described = useJson(version.value ? `/api/banks/${encodeURIComponent(bank)}?interface=${version.value}` : null);
  const docs = useMemo(() => docsOf(described.told), [described.told]);
  const pipes = useMemo(() => pipesOf(described.told), [described.told]);
  if (!row) {
    const isNone = topic("overview").isKnown.value && site.value.banks.length > 0;
    return html`<div class="page-head" key="unknown"><h1>${visible(bank, 40)}</h1></div>${isNone && html`<p class="empty">There is no Bank ${visible(bank, 40)} here. <a href="/">All Banks</a></p>`}`;
  }
  const stale = isStale(row) || isSilent.value;
  return html`<${Head} bank=${bank} row=${row} /><${Findings} row=${row} />
    <div class="bank-grid" key="grid">
      <div class="stack"><${StatusList} bank=${bank} source=${{ topic: values, offset: row.offset ?? 0, docs }} isStale=${stale} /></div>
      <div class="stack"><${Meters} row=${row} />
        ${described.problem && html`<p class="problem">${visible(described.problem, 300)}</p>`}
        <${KindPanels} row=${row} described=${described.told} />
        ${!(row.kind in site.value.panels) && pipes.map(({ object, property }) => html`<${SpectrumPanel} key=${object + property.name} bank=${bank} object=${object} property=${property} isStale=${stale} scan=${row.scan?.scan ?? null} />`)}
        <${Operations} bank=${bank} /></div>
    </div>`;
}
