// Alarms: what needs a look, who looks after what, what is shelved, what cannot be told.
import { alarmCounts, alarms } from "../state/alarms.js";
import { bankPath, place, setQuery } from "../state/address.js";
import { moment, second, serverNow } from "../state/clock.js";
import { site } from "../state/site.js";
import { flipSound, isOn, isWaiting } from "../state/sound.js";
import { topic } from "../state/store.js";
import { GROUPS, grouped, isOpen, keyOf, stateOf } from "../text/alarms.js";
import { span, utc, utcNear, visible } from "../text/format.js";
import { isStale } from "../text/states.js";
import { AlarmDialog, carryOut, openDialog } from "../views/alarmdialog.js";
import { Chip } from "../views/chip.js";
import { saveCsv } from "../views/copying.js";
import { rows } from "../views/frame.js";
import { chosen, useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { useKeys } from "../views/keyboard.js";
import { useHeld } from "../views/selection.js";

/** @param {{signed: any, isShelf?: boolean}} _ Who, when, and the note. */
function Signature({ signed, isShelf = false }) {
  const when = isShelf ? `until ${utcNear(signed.until, second.value)}` : utcNear(signed.time, second.value);
  return html`${when} <b>${visible(signed.by, 60)}</b>${signed.note && html` <span class="note-of">${visible(signed.note, 300)}</span>`}`;
}

/** @param {{alarm: import("../text/alarms.js").Alarm, stale: boolean, hasSigned: boolean}} _ */
function Row({ alarm, stale, hasSigned }) {
  const { bank, name, since, gone, count, value, unreadable, shelved, acknowledged } = alarm;
  const key = keyOf(alarm);
  const state = stateOf(alarm, stale);
  const dead = moment.value !== null ? "this is the past" : stale ? "its Player is silent" : "";
  const isNews = alarm.phase === "new" && !shelved;
  const lasted = alarm.phase === "gone" ? `lasted ${span(gone - since)}` : since ? span(second.value - since) : "";
  return useHeld(key, () => html`<tr class="alarm ${stale ? "stale" : ""} ${chosen.value === key ? "chosen" : ""}" data-row=${key} data-phase=${alarm.phase}>
    <td class="state ${isNews && alarm.severity === "fault" ? "calls" : ""}"><${Chip} ...${state} /></td>
    <th scope="row"><a href=${bankPath(bank)}>${visible(bank, 40)}</a></th>
    <td class="name">${visible(name, 80)}</td>
    <td class="wrap full"><span title=${visible(alarm.limits ? `raised by ${alarm.key} ${alarm.limits}` : alarm.key, 400)}>${visible(alarm.text, 300)}</span>${value && alarm.phase !== "quiet" && html` <span class="told ${alarm.key ? "mono" : ""}">${alarm.key ? `${visible(alarm.key, 80)} = ` : ""}${visible(value, 120)}</span>`}
      ${(unreadable || stale) && html`<div class="doubt"><i class="shape" aria-hidden="true">?</i> ${unreadable ? `cannot be told now: ${visible(unreadable, 200)}` : "its Player is silent: as it told last"}</div>`}</td>
    <td data-name="since" class="since" title=${since ? `${utc(since)} UTC` : ""}>${alarm.phase !== "quiet" && html`${utcNear(since, second.value)} <span class="dim nowrap">${lasted}</span>${count > 1 && html` <b class="nowrap" title="raised in the last 8 h">${count} times</b>`}`}</td>
    ${hasSigned && html`<td class="wrap signed full">${shelved ? html`<${Signature} signed=${shelved} isShelf />` : acknowledged && html`<${Signature} signed=${acknowledged} />`}</td>`}
    <td class="deeds">${isOpen(alarm) && html`<button disabled=${dead !== ""} title=${dead} onClick=${() => openDialog("acknowledge", [alarm])}>acknowledge</button>`}
      ${shelved ? html`<button disabled=${dead !== ""} title=${dead} onClick=${() => carryOut("unshelve", [alarm])}>unshelve</button>` : html`<button class="plain" disabled=${dead !== ""} title=${dead} onClick=${() => openDialog("shelve", [alarm])}>shelve</button>`}</td>
  </tr>`);
}

/** @param {import("../text/alarms.js").Alarm[]} shown */
function exportAll(shown) {
  const head = ["Bank", "alarm", "severity", "phase", "since [UTC]", "gone [UTC]", "times in 8 h", "value", "text", "cannot be told", "acknowledged by", "note", "shelved until [UTC]"];
  const cells = shown.map((each) => [each.bank, each.name, each.severity, each.phase, utc(each.since), utc(each.gone), each.count, each.value, each.text, each.unreadable, each.acknowledged?.by, each.acknowledged?.note, each.shelved ? utc(each.shelved.until) : ""]);
  saveCsv("alarms.csv", [`${site.peek().name} alarms, ${utc(serverNow())} UTC`, location.href], [head, ...cells]);
}

/** Button of the sound, which says how it is. */
function Sound() {
  const word = !isOn.value ? "sound off" : isWaiting.value ? "sound on, after a click" : "sound on";
  return html`<button aria-pressed=${isOn.value} title="a sound for each new alarm, once" onClick=${flipSound}>${word}</button>`;
}

/** Banks of which some alarms are not here. */
function LeftOut() {
  const some = rows.value.filter((row) => row.alarms?.left_out > 0);
  return some.length > 0 && html`<p class="foot"><span class="warn"><i class="shape" aria-hidden="true">\u25b2</i> more than fit here:</span>${some.map((row) => html`<span key=${row.bank}>${visible(row.bank, 40)}: ${row.alarms.left_out} more; <code>dealer alarms --banks ${visible(row.bank, 40)}</code></span>`)}</p>`;
}

/** @param {{name: string, title: string, none: string, some: import("../text/alarms.js").Alarm[], silent: Set<string>, hidden: number}} _ */
function Group({ name, title, none, some, silent, hidden }) {
  if (some.length === 0 && !none) return null;
  const hasSigned = name === "acknowledged" || name === "shelved";
  const isStaleOne = (/** @type {import("../text/alarms.js").Alarm} */ alarm) => alarm.source === "player" && silent.has(alarm.bank);
  const live = some.filter((each) => !isStaleOne(each));
  return html`<section class="panel" aria-label=${title}>
    <header><h2>${title}</h2><span class="dim">${some.length || ""}</span><span class="grow"></span>${name === "open" && live.length > 1 && moment.value === null && html`<button onClick=${() => openDialog("acknowledge", live)}>acknowledge all ${live.length}</button>`}</header>
    ${some.length > 0 && html`<div class="scroll"><table class="cards"><colgroup><col class="c-state" /><col class="c-bank" /><col class="c-name" /><col /><col class="c-since" />${hasSigned && html`<col class="c-by" />`}<col class="c-deeds" /></colgroup>
      <thead><tr><th>state</th><th>Bank</th><th>alarm</th><th>text, value</th><th>since, UTC</th>${hasSigned && html`<th>${name}</th>`}<th></th></tr></thead>
      <tbody>${some.map((alarm) => html`<${Row} key=${keyOf(alarm)} alarm=${alarm} stale=${isStaleOne(alarm)} hasSigned=${hasSigned} />`)}</tbody></table></div>`}
    ${some.length === 0 && topic("alarms").isKnown.value && html`<p class="empty">${none}${hidden > 0 && html` <a href="/alarms">Show all</a>`}</p>`}
  </section>`;
}

/** The page. */
export default function Alarms() {
  useTopics("alarms", "overview");
  const { query } = place.value;
  const isKnown = topic("alarms").isKnown.value;
  const silent = new Set(rows.value.filter(isStale).map((row) => row.bank));
  const groups = grouped(alarms.value, query);
  const shown = GROUPS.flatMap(([name]) => groups.get(name) ?? []);
  const keys = shown.map(keyOf);
  const take = (/** @type {string} */ name) => (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value });
  const move = (/** @type {number} */ by) => () => {
    const at = keys.indexOf(chosen.value) + by;
    chosen.value = keys[Math.min(Math.max(at, 0), keys.length - 1)] ?? "";
    document.querySelector(`[data-row="${CSS.escape(chosen.value)}"]`)?.scrollIntoView({ block: "nearest" });
  };
  const openChosen = () => {
    const alarm = groups.get("open")?.find((each) => keyOf(each) === chosen.value);
    if (alarm && moment.peek() === null && !(alarm.source === "player" && silent.has(alarm.bank))) openDialog("acknowledge", [alarm]);
  };
  useKeys({ j: move(1), k: move(-1), Enter: openChosen });
  return html`<div class="page-head"><h1>Alarms</h1><span class="dim">${isKnown ? alarmCounts.value.word : ""}</span><span class="grow"></span>
      <div class="filters"><input type="search" placeholder="search  /" aria-label="search alarms" value=${query.q ?? ""} onInput=${take("q")} />
        <select aria-label="Bank" value=${query.bank ?? ""} onChange=${take("bank")}><option value="">all Banks</option>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select>
        <select aria-label="severity" value=${query.severity ?? ""} onChange=${take("severity")}><option value="">faults and warnings</option><option value="fault">faults</option><option value="warning">warnings</option></select>
        <${Sound} /><button onClick=${() => exportAll(shown)}>CSV</button></div></div>
    ${moment.value !== null && html`<p class="dim">As the journals of the Banks have it; whether a Player answered then is on the <a href="/">overview</a>.</p>`}<div class="stack alarms">
      ${GROUPS.map(([name, title, none]) => html`<${Group} key=${name} name=${name} title=${title} none=${none} some=${groups.get(name) ?? []} silent=${silent} hidden=${alarms.value.length - shown.length} />`)}
    </div><${LeftOut} />
    <${AlarmDialog} />`;
}
