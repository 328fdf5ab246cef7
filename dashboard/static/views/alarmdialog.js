// Dialog in which somebody acknowledges alarms, or shelves them: a note, and for a shelf an end.
import { signal, useSignal } from "@preact/signals";
import { alter } from "../state/alarms.js";
import { keyOf, stateOf } from "../text/alarms.js";
import { visible } from "../text/format.js";
import { Chip } from "./chip.js";
import { html } from "./html.js";
import { notify } from "./notices.js";

const SHELVES = /** @type {[number, string][]} */ ([[900, "15 min"], [3600, "1 h"], [14_400, "4 h"], [28_800, "8 h"], [86_400, "1 d"], [604_800, "7 d"]]);
const NAMED = 8;

/** @typedef {{verb: "acknowledge" | "shelve", alarms: import("../text/alarms.js").Alarm[]}} Wish */

/** Alarms as they were when it was opened: what is raised meanwhile is not acknowledged with them. */
const wish = signal(/** @type {Wish | null} */ (null));

/** @param {Wish["verb"]} verb @param {Wish["alarms"]} alarms */
export function openDialog(verb, alarms) {
  wish.value = { verb, alarms };
}

/**
 * @param {"acknowledge" | "shelve" | "unshelve"} verb
 * @param {Wish["alarms"]} alarms
 * @param {object} more
 */
export async function carryOut(verb, alarms, more = {}) {
  const done = { acknowledge: "acknowledged", shelve: "shelved", unshelve: "taken from the shelf" }[verb];
  try {
    const failed = await alter(verb, alarms, more);
    for (const [key, why] of failed) notify(`${visible(key, 120)}: ${visible(why, 400)}`, true);
    const count = alarms.length - failed.length;
    if (count > 0) notify(`${count === 1 && failed.length === 0 ? keyOf(alarms[0]) : `${count} alarms`} ${done}`);
  } catch (error) {
    notify(`not ${done}: ${/** @type {Error} */ (error).message}`, true);
  }
}

/** @param {{wish: Wish}} _ */
function Open({ wish: { verb, alarms } }) {
  const note = useSignal("");
  const seconds = useSignal(3600);
  const show = (/** @type {HTMLDialogElement | null} */ dialog) => { if (dialog && !dialog.open) dialog.showModal(); };
  const close = () => { wish.value = null; };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    close();
    carryOut(verb, alarms, verb === "shelve" ? { note: note.value, seconds: seconds.value } : { note: note.value });
  };
  const word = verb === "shelve" ? "Shelve" : "Acknowledge";
  return html`<dialog ref=${show} onClose=${close} class="alarm-dialog" aria-labelledby="alarm-title"><form onSubmit=${submit}>
    <h2 id="alarm-title">${word} ${alarms.length === 1 ? visible(keyOf(alarms[0]), 120) : `${alarms.length} alarms`}</h2>
    <ul>${alarms.slice(0, NAMED).map((each) => html`<li key=${keyOf(each)}><${Chip} ...${stateOf(each)} /> <b>${visible(each.bank, 40)}</b> ${visible(each.text, 200)}</li>`)}
      ${alarms.length > NAMED && html`<li class="dim">and ${alarms.length - NAMED} more</li>`}</ul>
    ${verb === "shelve" && html`<label>for <select aria-label="for how long" value=${seconds.value} onChange=${(/** @type {any} */ event) => { seconds.value = Number(event.currentTarget.value); }}>${SHELVES.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label>`}
    <input aria-label="note" placeholder="note, for others to read" maxlength="300" value=${note.value} onInput=${(/** @type {any} */ event) => { note.value = event.currentTarget.value; }} />
    <p class="dim">${verb === "shelve" ? "It is not counted until the time is over, and then as it is then." : "Others see who looks after it. It stays here until it is gone."}</p>
    <div class="foot"><button class="main-button" type="submit">${word}</button><button type="button" onClick=${close}>Cancel</button></div>
  </form></dialog>`;
}

/** The dialog, while it is open. */
export function AlarmDialog() {
  return wish.value && html`<${Open} wish=${wish.value} />`;
}
