// Keys: off while typing; none acts on the instrument.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { go } from "../state/address.js";
import { html } from "./html.js";

const GO = /** @type {Record<string, [string, string]>} */ ({
  o: ["/", "Overview"], b: ["/bank", "Bank looked at last"], u: ["/run", "Run"], s: ["/spectra", "Spectra"], j: ["/jobs", "Jobs"],
  h: ["/hosts", "Hosts"], a: ["/alarms", "Alarms"], l: ["/log", "Log"], r: ["/journal", "Journal"], y: ["/history", "History"], d: ["/diff", "Diff"], x: ["/handover", "Hand-over sheet"], f: ["/files", "Files"],
});
const WITHIN_MS = 1500;

/** @type {Map<string, () => void>} */
const actions = new Map();
export const isHelpOpen = signal(false);
let goSince = -Infinity;
let lastBank = "";

/** @param {string} path Of a Bank's page: where `g b` leads. */
export function rememberBank(path) {
  lastBank = path;
}

/**
 * Act on keys while a part of a page is shown.
 *
 * @param {Record<string, () => void>} keys Key -> action.
 */
export function useKeys(keys) {
  useEffect(() => {
    for (const [key, action] of Object.entries(keys)) actions.set(key, action);
    return () => {
      for (const [key, action] of Object.entries(keys)) if (actions.get(key) === action) actions.delete(key);
    };
  });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/** @type {any} */ (target).matches("[type=checkbox]");
  if (event.key === "Escape" && isTyping) {
    target.blur();
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || isHelpOpen.value) return;
  if (event.key === "Enter" && target.closest("a, button, summary")) return;
  if (performance.now() - goSince < WITHIN_MS && GO[event.key]) {
    event.preventDefault();
    goSince = -Infinity;
    go(event.key === "b" ? lastBank || "/" : GO[event.key][0]);
  } else if (event.key === "g") {
    goSince = performance.now();
  } else if (event.key === "?") {
    isHelpOpen.value = true;
  } else if (event.key === "/") {
    event.preventDefault();
    /** @type {HTMLInputElement | null} */ (document.querySelector("input[type=search]"))?.focus();
  } else {
    const action = actions.get(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  }
}

/** Begin to listen. */
export function listenToKeys() {
  addEventListener("keydown", onKey);
}

/** Map of all keys, as long as it is open. */
export function KeyHelp() {
  const show = (/** @type {HTMLDialogElement | null} */ dialog) => {
    if (dialog && !dialog.open) dialog.showModal();
  };
  if (!isHelpOpen.value) return null;
  const close = () => {
    isHelpOpen.value = false;
  };
  return html`<dialog ref=${show} onClose=${close} aria-labelledby="key-title">
    <h2 id="key-title">Keys</h2>
    <div class="keys">
      <span><kbd>?</kbd></span><span>this map</span>
      <span><kbd>/</kbd></span><span>search of the page</span>
      ${Object.entries(GO).map(([key, [, name]]) => html`<span key=${key}><kbd>g</kbd> <kbd>${key}</kbd></span><span>go to ${name}</span>`)}
      <span><kbd>j</kbd> <kbd>k</kbd></span><span>next and previous row</span>
      <span><kbd>Enter</kbd></span><span>open the row</span>
      <span><kbd>Esc</kbd></span><span>back</span>
      <span><kbd>f</kbd></span><span>freeze what is shown, and resume</span>
      <span><kbd>c</kbd> <kbd>y</kbd></span><span>copy the value, name and value, of the row</span>
      <span><kbd>l</kbd></span><span>copy the link of the view</span>
      <span><kbd>[</kbd> <kbd>]</kbd></span><span>a minute back into the past, and forward</span>
      <span><kbd>End</kbd></span><span>log: to the newest line, and follow</span>
    </div>
    <p class="dim">No key acts on the instrument. Keys are off while you type.</p>
    <button onClick=${close}>Close</button>
  </dialog>`;
}
