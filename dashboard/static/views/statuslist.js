// All values of a Bank by group: value, unit, rate, age, and a mark for what changed just now.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { place, setQuery, writePlace } from "../state/address.js";
import { second } from "../state/clock.js";
import { Rate } from "../state/rates.js";
import { number, percent, scaled, span, utc, value as shown, visible } from "../text/format.js";
import { unixTime } from "../text/banks.js";
import { INTERNAL, groupsOf, hasMembers } from "../text/groups.js";
import { copyText } from "./copying.js";
import { chosen } from "./hooks.js";
import { html } from "./html.js";
import { useKeys } from "./keyboard.js";
import { useHeld } from "./selection.js";

const CHANGED_S = 5;
const RECENT_S = 60;

/**
 * @typedef {import("../text/groups.js").Entry} Entry
 * @typedef {{topic: import("../state/store.js").Topic, offset: number, docs: Map<string, any>}} Source
 */

/** @param {any} told A value with its time and number. @param {Entry} entry */
function valueIn(told, { member }) {
  if (!told) return undefined;
  return member === null ? told[0] : told[0]?.[member];
}

/** @param {string} name @param {unknown} value Members with times and sizes in their names are told as such. */
function inWords(name, value) {
  const date = Array.isArray(value) && value.length === 7 && value[0] > 1970 ? unixTime(value) : null;
  if (date !== null) return `${utc(date)} UTC`;
  if (typeof value !== "number") return shown(value);
  if (/^(time|since|until|asked|started|ended|begun)$/.test(name) && value > 1e9) return `${utc(value)} UTC`;
  if (/_bytes$|^bytes$/.test(name)) return scaled(value, "B");
  if (name === "fraction" && value >= 0 && value <= 1) return percent(value);
  if (/_per_s$/.test(name)) return `${scaled(value, "")}/s`;
  return number(value);
}

/** Finds out what changed just now: a member of a value is told again whenever another one changes. */
class Changes {
  constructor() {
    /** @type {any} */
    this.last = undefined;
    this.isKnown = false;
    this.time = -Infinity;
  }

  /**
   * @param {any} value
   * @param {any} told With time and number.
   * @param {number | null} age
   * @returns {boolean} It changed in the last seconds.
   */
  take(value, told, age) {
    if (!told || age === null) return false;
    const now = typeof value === "object" ? JSON.stringify(value) : value;
    if (this.isKnown && now !== this.last) this.time = told[1];
    this.last = now;
    this.isKnown = true;
    return this.time > -Infinity && told[1] - this.time + age < CHANGED_S;
  }
}

/** @param {{entry: Entry, source: Source}} _ */
function ValueRow({ entry, source }) {
  const { topic, offset, docs } = source;
  const told = topic.of(entry.key);
  const rate = useMemo(() => new Rate(), []);
  const changes = useMemo(() => new Changes(), []);
  const doc = docs.get(entry.key) ?? {};
  const value = useComputed(() => valueIn(told.value, entry));
  const age = useComputed(() => (told.value ? Math.max(second.value - (told.value[1] - offset), 0) : null));
  const isChanged = useComputed(() => changes.take(value.value, told.value, age.value));
  const perSecond = useComputed(() => {
    if (told.value) rate.take(valueIn(told.value, entry), told.value[1]);
    const found = rate.at(second.value + offset);
    return found === null ? "" : `+${found < 10 ? found.toFixed(1) : Math.round(found)}/s`;
  });
  return useHeld(rowName(entry), () => {
    const text = inWords(entry.member ?? entry.name, value.value);
    const isGone = value.value === undefined || (value.value === null && entry.member === null);
    const classes = [isGone && "gone", isChanged.value && "changed", chosen.value === rowName(entry) && "chosen"].filter(Boolean).join(" ");
    const about = `${entry.key}${entry.member ? `.${entry.member}` : ""}${doc.doc ? `: ${visible(doc.doc, 400)}` : ""}`;
    return html`<tr class=${classes} data-row=${rowName(entry)}>
      <th scope="row" class="name" title=${about} onClick=${() => { chosen.value = rowName(entry); }}>${visible(entry.name, 60)}</th>
      <td class="told" title="${text} (click: copy)" onClick=${() => copyText(text)}>${text}${doc.unit && entry.member === null && html` <span class="unit">${visible(doc.unit, 16)}</span>`}</td>
      <td class="number rate dim">${perSecond.value}</td>
      <td class="number age">${span(age.value)}</td>
      <td class="mark">${isChanged.value && html`<span title="changed within 5 s" aria-label="changed">\u2217</span>`}</td>
    </tr>`;
  });
}

/** @param {Entry} entry */
const rowName = (entry) => (entry.member === null ? entry.key : `${entry.key}.${entry.member}`);

/**
 * @param {Entry} entry
 * @param {Record<string, string>} query
 * @param {Source} source
 */
function passes(entry, { q = "", only = "" }, { topic, offset, docs }) {
  const told = topic.of(entry.key).peek();
  if (only === "changed" && (!told || second.value - (told[1] - offset) > RECENT_S || told[2] < 2)) return false;
  if (!q) return true;
  const doc = docs.get(entry.key) ?? {};
  const text = `${rowName(entry)} ${doc.doc ?? ""} ${doc.unit ?? ""} ${shown(valueIn(told, entry))}`.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((part) => text.includes(part));
}

/** @param {{group: import("../text/groups.js").Group, source: Source, isFolded: boolean, fold: () => void}} _ */
function GroupBody({ group, source, isFolded, fold }) {
  const shownEntries = group.entries.filter((entry) => passes(entry, place.value.query, source));
  if (shownEntries.length === 0) return null;
  return html`<tbody>
    <tr class="group"><th colspan="5" scope="rowgroup"><button class="plain" aria-expanded=${!isFolded} onClick=${fold}>${isFolded ? "\u25b8" : "\u25be"} ${visible(group.name, 60)} <span class="dim">${shownEntries.length}</span></button></th></tr>
    ${!isFolded && shownEntries.map((entry) => html`<${ValueRow} key=${rowName(entry)} entry=${entry} source=${source} />`)}
  </tbody>`;
}

/** @param {Source} source @returns {import("../text/groups.js").Group[]} Made anew when keys come, not with each value. */
function useGroups(source) {
  const shape = useComputed(() =>
    source.topic.keys.value.map((key) => {
      const told = source.topic.of(key).value;
      return told && hasMembers(told[0]) ? `${key}:${Object.keys(told[0]).join(",")}` : key;
    }).join("\n"),
  );
  return useMemo(() => groupsOf(source.topic.keys.peek(), (key) => source.topic.of(key).peek()?.[0]), [shape.value]);
}

/** @param {{entry: Entry | undefined, source: Source, bank: string}} _ Meaning and whole value of the chosen row; as high without one. */
function Detail({ entry, source, bank }) {
  if (!entry) return html`<div class="detail dim">A click on a name, or <kbd>j</kbd> <kbd>k</kbd>, tells what it means.</div>`;
  const told = source.topic.of(entry.key).value;
  const doc = source.docs.get(entry.key) ?? {};
  const text = inWords(entry.member ?? entry.name, valueIn(told, entry));
  return html`<div class="detail"><b class="mono">${visible(rowName(entry), 80)}</b> <a href=${writePlace("/history", { keys: `${bank}.${rowName(entry)}` })}>history</a>
    ${told && html` <span class="dim">of ${utc(told[1] - source.offset, 1)} UTC, update ${told[2]}</span>`}
    <div class="mono">${text} ${visible(doc.unit ?? "", 20)}</div><div class="dim">${visible(doc.doc ?? "", 600)}</div></div>`;
}

/** @param {{source: Source, bank: string, isStale: boolean}} _ The list with its filters. */
export function StatusList({ source, bank, isStale }) {
  const groups = useGroups(source);
  const { q = "", only = "", fold } = place.value.query;
  const folded = new Set(fold === undefined ? groups.filter((group) => group.name.endsWith(INTERNAL) || group.name === "control").map((group) => group.name) : fold.split("|"));
  const isFiltered = q !== "" || only !== "";
  const flip = (/** @type {string} */ name) => () => {
    if (!folded.delete(name)) folded.add(name);
    setQuery({ fold: [...folded].filter(Boolean).join("|") || "|" });
  };
  const names = groups.flatMap((group) => (folded.has(group.name) && !isFiltered ? [] : group.entries.filter((entry) => passes(entry, place.value.query, source))));
  useStatusKeys(names, source);
  useEffect(() => () => source.topic.forget(), []);
  const total = groups.reduce((sum, group) => sum + group.entries.length, 0);
  const onlyChanged = useSignal(only === "changed");
  onlyChanged.value = only === "changed";
  return html`<section class="panel" aria-label="status">
    <header><h2>Status</h2><span class="dim">${isFiltered ? `${names.length} of ` : ""}${total} values</span><span class="grow"></span>
      <div class="filters"><input type="search" placeholder="search  /" title="search names, texts, units and values" aria-label="search values" value=${q} onInput=${(/** @type {any} */ event) => setQuery({ q: event.currentTarget.value })} />
      <button aria-pressed=${onlyChanged.value} onClick=${() => setQuery({ only: only ? null : "changed" })}>changed within 1 min</button></div>
    </header>
    <div class="status ${isStale ? "stale" : ""}" tabindex="0" aria-label="values">
      <table><colgroup><col class="name" /><col /><col class="rate" /><col class="age" /><col class="mark" /></colgroup>
        ${groups.map((group) => html`<${GroupBody} key=${group.name} group=${group} source=${source} isFolded=${folded.has(group.name) && !isFiltered} fold=${flip(group.name)} />`)}
      </table>
      ${total === 0 && html`<p class="empty">No values yet.</p>`}
    </div>
    <${Detail} entry=${names.find((entry) => rowName(entry) === chosen.value)} source=${source} bank=${bank} />
  </section>`;
}

/**
 * @param {Entry[]} entries That are shown, in order.
 * @param {Source} source
 */
function useStatusKeys(entries, source) {
  const at = entries.findIndex((entry) => rowName(entry) === chosen.value);
  const move = (/** @type {number} */ by) => () => {
    const entry = entries[Math.min(Math.max(at + by, 0), entries.length - 1)];
    chosen.value = entry ? rowName(entry) : "";
    document.querySelector(`tr[data-row="${CSS.escape(chosen.value)}"]`)?.scrollIntoView({ block: "nearest" });
  };
  const copy = (/** @type {boolean} */ withName) => () => {
    if (at < 0) return;
    const text = shown(valueIn(source.topic.of(entries[at].key).peek(), entries[at]));
    copyText(withName ? `${rowName(entries[at])} = ${text}` : text);
  };
  useKeys({ j: move(1), k: move(-1), c: copy(false), y: copy(true) });
}
