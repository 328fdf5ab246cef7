// Log lines in a ring of stated length, so that a page left open does not grow.
import { signal } from "@preact/signals";

export const KEPT = 5000;
/** While somebody reads further up: what is read is not to go away. */
export const KEPT_FOR_READER = 100_000;

/**
 * @typedef {{number: number, bank: string, host: string, time: number, level: string, logger: string, text: string,
 *            scan: number | null, left_out?: number}} Line
 */

/** @type {Line[]} */
let lines = [];
let most = KEPT;

/** Rises with each change. */
export const revision = signal(0);
/** Lines that were lost on the way. */
export const lost = signal(0);

/** @param {import("../transport/topiccopy.js").Lines} message */
export function takeLines(message) {
  const newest = lines.length ? lines[lines.length - 1].number : 0;
  const told = /** @type {Line[]} */ (message.lines);
  const isAnew = message.from === 0 && told.length > 0 && told[told.length - 1].number < newest;
  const fresh = isAnew ? told : told.filter((line) => line.number > newest);
  if (isAnew) lines = [];
  lost.value += message.lost;
  if (fresh.length === 0) return;
  lines = [...lines, ...fresh].slice(-most);
  revision.value += 1;
}

/**
 * Put older lines before those that are known.
 *
 * @param {Line[]} older
 */
export function takeOlder(older) {
  const oldest = lines.length ? lines[0].number : Infinity;
  lines = [...older.filter((line) => line.number < oldest), ...lines].slice(-most);
  revision.value += 1;
}

/** @param {boolean} isRead Somebody reads further up, so that more lines are kept. */
export function keepForReader(isRead) {
  most = isRead ? KEPT_FOR_READER : KEPT;
  if (lines.length <= most) return;
  lines = lines.slice(-most);
  revision.value += 1;
}

/** @returns {readonly Line[]} In order. */
export function knownLines() {
  return lines;
}
