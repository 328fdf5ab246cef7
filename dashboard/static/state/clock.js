// Server's time and the age of its last sign of life, as this page knows them. The browser's clock counts only as a watch.
import { signal } from "@preact/signals";

let serverTime = 0;
let heardAt = -Infinity;

/** Moment of the past that all pages show; null: they show what is now. */
export const moment = signal(/** @type {number | null} */ (null));
/** Server's time, UTC, unix seconds, or the moment of the past that is shown; renewed a few times a second while the page is drawn. */
export const now = signal(0);
/** The same in whole seconds, for what need not move faster. */
export const second = signal(0);
/** Age of the last heartbeat, s; infinite: there was none. */
export const age = signal(Infinity);

/**
 * @param {{time: number}} beat
 * @param {number} at Of the page's watch, ms.
 */
export function takeBeat(beat, at = performance.now()) {
  serverTime = beat.time;
  heardAt = at;
}

/** @param {number} at Of the page's watch, ms. */
export function renew(at = performance.now()) {
  age.value = (at - heardAt) / 1000;
  if (serverTime === 0) return;
  now.value = moment.peek() ?? serverTime + Math.max(at - heardAt, 0) / 1000;
  second.value = Math.floor(now.value);
}

/** @returns {number} What is now, as pages show it. */
export const shownNow = () => moment.peek() ?? serverNow();

/** @returns {number} Server's time now, not only as of the last drawing. */
export function serverNow() {
  return serverTime > 0 ? serverTime + (performance.now() - heardAt) / 1000 : 0;
}
