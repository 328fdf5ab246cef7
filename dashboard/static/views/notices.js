// Notices: errors stay until they are dismissed, successes fade; one polite region tells them.
import { signal } from "@preact/signals";
import { html } from "./html.js";

const FADE_MS = 5000;
const MAX_NOTICES = 5;
let count = 0;

/** @type {import("@preact/signals").Signal<{id: number, text: string, isBad: boolean}[]>} */
const notices = signal([]);

/**
 * @param {string} text
 * @param {boolean} isBad It stays until it is dismissed.
 */
export function notify(text, isBad = false) {
  const id = ++count;
  notices.value = [...notices.value, { id, text, isBad }].slice(-MAX_NOTICES);
  if (!isBad) setTimeout(() => dismiss(id), FADE_MS);
}

/** @param {number} id */
function dismiss(id) {
  notices.value = notices.value.filter((each) => each.id !== id);
}

/** All notices. */
export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map(
      ({ id, text, isBad }) => html`<div key=${id} class=${isBad ? "notice bad" : "notice"}>
        <span class="grow">${text}</span>
        <button class="plain" aria-label="dismiss" onClick=${() => dismiss(id)}>\u2715</button>
      </div>`,
    )}
  </div>`;
}
