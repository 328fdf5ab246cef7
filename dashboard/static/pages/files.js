// Files of the areas that Banks serve, for looking and for downloads.
import { useSignal } from "@preact/signals";
import { place, setQuery, writePlace } from "../state/address.js";
import { bytes, utc, visible } from "../text/format.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";

const EVERY_S = 5;
const ORDERS = /** @type {Record<string, (a: any, b: any) => number>} */ ({
  name: (a, b) => (a.name < b.name ? -1 : 1),
  size: (a, b) => (b.size ?? -1) - (a.size ?? -1),
  modified: (a, b) => (b.modified ?? 0) - (a.modified ?? 0),
});

/** @param {string[]} parts @returns {string} Path of them. */
const pathOf = (...parts) => parts.map((part) => part.split("/").map(encodeURIComponent).join("/")).join("/");

/** @param {string} name As a listing has it, behind the area's. @param {string} area @returns {string} In the area. */
const inArea = (name, area) => (name.startsWith(`${area}/`) ? name.slice(area.length + 1) : name);

/** @param {{bank: string, area: string, folder: string}} _ */
function Area({ bank, area, folder }) {
  const { query } = place.value;
  const pattern = query.q ?? "";
  const wanted = `${folder}${pattern ? (/[*?]/.test(pattern) ? pattern : `*${pattern}*`) : "*"}`;
  const { told, problem } = useJson(`/api/files/${pathOf(bank, area)}?${new URLSearchParams({ pattern: wanted })}`, EVERY_S);
  const sizes = useSignal(/** @type {Map<string, number>} */ (new Map()));
  const by = query.sort ?? "modified";
  /** @type {{name: string, size: number | null, modified: number}[]} */
  const entries = (told?.entries ?? []).map((/** @type {any} */ each) => ({ ...each, name: inArea(each.name, area) })).sort(ORDERS[by] ?? ORDERS.modified);
  const before = sizes.peek();
  const growing = new Set(entries.filter((each) => before.has(each.name) && (each.size ?? 0) > (before.get(each.name) ?? 0)).map((each) => each.name));
  sizes.value = new Map(entries.map((each) => [each.name, each.size ?? 0]));
  const head = (/** @type {string} */ key, /** @type {string} */ name, /** @type {string} */ kind) => html`<th class=${kind} aria-sort=${by === key ? "ascending" : undefined}><button onClick=${() => setQuery({ sort: key })}>${name}${by === key ? " \u25be" : ""}</button></th>`;
  const up = folder.replace(/[^/]+\/$/, "");
  return html`<section class="panel" aria-label="files"><header><h2 class="mono">${visible(bank, 40)} / ${visible(area, 40)} / ${visible(folder, 200)}</h2><span class="dim">${entries.length} entries</span>
      ${folder && html`<a href=${writePlace("/files", { bank, area, folder: up })}>up</a>`}</header>
    ${problem && html`<p class="problem">${visible(problem, 400)}</p>`}
    ${told?.is_cut && html`<p class="problem">There are more than are listed here: search for a part of the name.</p>`}
    ${told?.unnamed > 0 && html`<p class="problem">${told.unnamed} have names that cannot be told.</p>`}
    <div class="scroll"><table><thead><tr>${head("name", "name", "")}${head("size", "size", "number")}${head("modified", "modified, UTC", "")}</tr></thead>
      <tbody>${entries.map((each) => {
        const isFolder = each.name.endsWith("/");
        const address = isFolder ? writePlace("/files", { bank, area, folder: each.name }) : `/files/${pathOf(bank, area, each.name)}`;
        return html`<tr key=${each.name}><td class="mono wrap"><a href=${address} download=${isFolder ? undefined : ""}>${visible(each.name.slice(folder.length), 300)}</a>${growing.has(each.name) && html` <span class="ok">growing</span>`}</td>
          <td class="number" title=${each.size === null ? "" : `${each.size} bytes`}>${each.size === null ? "" : bytes(each.size)}</td><td class="nowrap">${utc(each.modified)}</td></tr>`;
      })}</tbody></table></div>
    ${told && entries.length === 0 && html`<p class="empty">Nothing is here${pattern ? " of that name" : ""}.</p>`}
  </section>`;
}

/** The page. */
export default function Files() {
  const { query } = place.value;
  const { told, problem } = useJson("/api/files");
  const areas = Object.entries(told?.areas ?? {}).flatMap(([bank, some]) => /** @type {any} */ (some).map((/** @type {any} */ each) => ({ bank, ...each })));
  const chosenArea = areas.find((each) => each.bank === query.bank && each.name === query.area) ?? areas[0];
  const silent = Object.entries(told?.errors ?? {});
  const choose = (/** @type {any} */ event) => {
    const [bank, area] = JSON.parse(event.currentTarget.value);
    setQuery({ bank, area, folder: null, q: null });
  };
  return html`<div class="page-head"><h1>Files</h1><span class="grow"></span><div class="filters">
      ${areas.length > 0 && html`<select aria-label="area" value=${JSON.stringify([chosenArea.bank, chosenArea.name])} onChange=${choose}>${areas.map((each) => html`<option key=${each.bank + each.name} value=${JSON.stringify([each.bank, each.name])}>${visible(each.bank, 40)} / ${visible(each.name, 40)}${each.fault ? " (out of order)" : ""}</option>`)}</select>`}
      <input type="search" aria-label="search names" placeholder="name  /" value=${query.q ?? ""} onChange=${(/** @type {any} */ event) => setQuery({ q: event.currentTarget.value })} /></div></div>
    ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
    <div class="stack">${chosenArea && html`<${Area} key=${chosenArea.bank + chosenArea.name + (query.folder ?? "")} bank=${chosenArea.bank} area=${chosenArea.name} folder=${query.folder ?? ""} />`}
      ${told && areas.length === 0 && html`<section class="panel"><p class="empty">No Bank serves files: the table [banks.X.files] or [instrument.files] of the configuration names areas.</p></section>`}
      ${silent.length > 0 && html`<section class="panel"><div class="foot"><span class="warn">did not tell:</span>${silent.map(([bank, why]) => html`<span key=${bank}>${visible(bank, 40)} <span class="dim">${visible(why, 120)}</span></span>`)}</div></section>`}</div>`;
}
