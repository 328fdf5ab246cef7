// Control of Banks: who has it, why, until when; taken on purpose, given back, broken by an admin.
import { useSignal } from "@preact/signals";
import { second } from "../state/clock.js";
import { session } from "../state/site.js";
import { span, utcOfDay, visible } from "../text/format.js";
import { countOfBanks, isMine, named, ownerOf } from "../text/refusals.js";
import { act } from "./acting.js";
import { HoldButton } from "./hold.js";
import { html } from "./html.js";
import { refusal } from "./seat.js";

const MINUTES = [15, 60, 240, 720];

/** @param {{rows: any[]}} _ Who has control, those together that have the same lease. */
function Holders({ rows }) {
  /** @type {Map<string, any[]>} */
  const held = new Map();
  for (const row of rows) {
    const key = row.control?.owner ? `${ownerOf(row.control)}\n${row.control.reason}` : "";
    held.set(key, [...(held.get(key) ?? []), row]);
  }
  return html`<ul class="holders">${[...held].map(([key, some]) => {
    const [{ control }] = some;
    const who = key === "" ? html`<span class="dim">nobody</span>` : html`<b class=${isMine(session.value, some[0]) ? "ok" : ""}>${isMine(session.value, some[0]) ? "you" : visible(ownerOf(control), 60)}</b>${control.reason && `, ${visible(control.reason, 120)}`}${control.until ? `, until ${utcOfDay(control.until)} UTC (${span(control.until - second.value)})` : ""}`;
    return html`<li key=${key}>${who} <span class="dim">${named(some.map((/** @type {any} */ row) => row.bank))}</span></li>`;
  })}</ul>`;
}

/** @param {{rows: any[]}} _ Of the Banks that are chosen. */
export function ControlPanel({ rows }) {
  const reason = useSignal("");
  const minutes = useSignal(60);
  const stays = useSignal(false);
  const mine = rows.filter((row) => isMine(session.value, row));
  const others = rows.filter((row) => row.control?.owner && !isMine(session.value, row));
  const why = refusal({ takesControl: true }, rows);
  const whyTake = why || (others.length ? `${ownerOf(others[0].control)} has control of ${named(others.map((row) => row.bank))}` : reason.value.trim() ? "" : "say what for: others read it");
  const whyBreak = refusal({ role: "admin", takesControl: true }, rows) || (reason.value.trim() ? "" : "say why: its owner reads it");
  const take = () => act("/api/control/take", { banks: rows.map((row) => row.bank), reason: reason.value.trim(), minutes: minutes.value, stays: stays.value });
  const release = () => act("/api/control/release", { banks: mine.map((row) => row.bank) });
  const breakIt = () => act("/api/control/break", { banks: others.map((row) => row.bank), reason: reason.value.trim() });
  return html`<section class="panel" aria-label="control"><header><h2>Control</h2></header><div class="body">
    <${Holders} rows=${rows} />
    <div class="line-of">
      <input aria-label="reason" placeholder="what for" maxlength="200" value=${reason.value} onInput=${(/** @type {any} */ event) => { reason.value = event.currentTarget.value; }} />
      <select aria-label="for how long" value=${minutes.value} onChange=${(/** @type {any} */ event) => { minutes.value = Number(event.currentTarget.value); }}>${MINUTES.map((each) => html`<option key=${each} value=${each}>${span(each * 60)}</option>`)}</select>
      <label title="otherwise it ends 15 s after the last page of yours is closed"><input type="checkbox" checked=${stays.value} onChange=${() => { stays.value = !stays.value; }} />stays when I leave</label>
      <button disabled=${whyTake !== ""} title=${whyTake} onClick=${take}>${mine.length && mine.length === rows.length ? "Renew control" : "Take control"} of ${countOfBanks(rows.length)}</button>
      <button disabled=${why !== "" || mine.length === 0} title=${why || (mine.length ? "" : "you have control of none of them")} onClick=${release}>Release</button></div>
    ${whyTake && html`<p class="dim reason">${visible(whyTake, 300)}</p>`}
    ${others.length > 0 && session.value.role === "admin" && session.value.control && html`<${HoldButton} verb="Break control" of=${others.map((row) => `${row.bank} ${row.control.number}`).join()} why=${whyBreak} what=${`of ${visible(ownerOf(others[0].control), 40)}${others.length > 1 ? " and others" : ""} on ${named(others.map((row) => row.bank))}: what runs goes on, and its owner is told`} onHeld=${breakIt} />`}
  </div></section>`;
}
