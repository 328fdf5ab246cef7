// Drafts: what was typed for parameters and is not sent, and what was sent and is not there yet. They stay from page to page.
import { signal } from "@preact/signals";

/** Name -> text. */
export const drafts = signal(/** @type {Record<string, string>} */ ({}));
/** Name -> what was sent, and to whom. */
export const wanted = signal(/** @type {import("../text/parameters.js").Wanted} */ ({}));

/** @param {string} name @param {string | undefined} text Undefined: no draft any more. */
export function draft(name, text) {
  const { [name]: _, ...others } = drafts.peek();
  drafts.value = text === undefined ? others : { ...others, [name]: text };
}

/**
 * Take drafts as sent.
 *
 * @param {Record<string, any>} values
 * @param {string[]} banks
 */
export function sent(values, banks) {
  drafts.value = Object.fromEntries(Object.entries(drafts.peek()).filter(([name]) => !(name in values)));
  wanted.value = { ...wanted.peek(), ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, banks }])) };
}
