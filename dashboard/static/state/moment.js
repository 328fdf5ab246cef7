// Moment that all pages show: now, or one of the past, which stands in the link. Live state goes on behind it.
import { effect, signal } from "@preact/signals";
import { readTime } from "../text/timerange.js";
import { utc } from "../text/format.js";
import { place, setQuery } from "./address.js";
import { moment, renew, serverNow } from "./clock.js";
import { getJson } from "./site.js";
import { showLive, showPast } from "./store.js";

const STEP_MS = 1000;
export const SPEEDS = [1, 10, 100];

/** Seconds of the past in one of now; 0: it stands still. */
export const speed = signal(0);
/** What was not found of the moment, Bank -> why. */
export const gaps = signal(/** @type {Record<string, string>} */ ({}));
/** Why the moment cannot be shown; empty: it is, or is on its way. */
export const problem = signal("");
/** Its state has come. */
export const isThere = signal(false);

let isAsking = false;

/** @param {number | null} time Show it; null: what is now. */
export function showMoment(time) {
  const last = serverNow();
  const isPast = time !== null && time < last - 1;
  if (!isPast) speed.value = 0;
  setQuery({ then: isPast ? utc(time) : null });
}

/** @param {number} by Seconds. */
export function step(by) {
  showMoment((moment.peek() ?? Math.floor(serverNow())) + by);
}

/** Ask for the state of the moment: one question at a time, the newest wish next. */
async function ask() {
  const wanted = moment.peek();
  if (isAsking || wanted === null) return;
  isAsking = true;
  try {
    const told = await getJson(`/api/at?time=${wanted}`);
    if (moment.peek() === null) return;
    const values = Object.entries(told.values ?? {}).map(([bank, each]) => [`values:${bank}`, each]);
    showPast({ overview: told.rows, operations: told.operations, alarms: told.alarms ?? {}, ...Object.fromEntries(values) });
    gaps.value = told.errors ?? {};
    problem.value = "";
    isThere.value = true;
  } catch (error) {
    problem.value = /** @type {Error} */ (error).message;
  } finally {
    isAsking = false;
    if (moment.peek() !== null && moment.peek() !== wanted) ask();
  }
}

/** Follow the link. */
export function followMoment() {
  effect(() => {
    const wanted = readTime(place.value.query.then ?? "");
    if (wanted === moment.peek()) return;
    const wasPast = moment.peek() !== null;
    moment.value = wanted;
    renew();
    if (wanted === null) {
      isThere.value = false;
      problem.value = "";
      showLive();
      return;
    }
    if (!wasPast) showPast({});
    ask();
  });
  setInterval(() => {
    if (speed.peek() && moment.peek() !== null && !isAsking) step(speed.peek());
  }, STEP_MS);
}
