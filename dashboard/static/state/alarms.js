// Alarms as they are now, and what people do about them.
import { computed } from "@preact/signals";
import { counted } from "../text/alarms.js";
import { postJson } from "./site.js";
import { topic } from "./store.js";

/** @type {import("@preact/signals").ReadonlySignal<import("../text/alarms.js").Alarm[]>} */
export const alarms = computed(() => Object.values(topic("alarms").all()));
export const alarmCounts = computed(() => counted(alarms.value));

/**
 * Do something to alarms.
 *
 * @param {"acknowledge" | "shelve" | "unshelve"} verb
 * @param {import("../text/alarms.js").Alarm[]} some As they were seen.
 * @param {object} more
 * @returns {Promise<[string, string][]>} Alarms to which it could not be done, and why.
 */
export async function alter(verb, some, more = {}) {
  const meant = some.map(({ bank, name, number }) => (verb === "acknowledge" ? { bank, name, number } : { bank, name }));
  const { outcomes } = await postJson(`/api/alarms/${verb}`, { alarms: meant, ...more });
  return Object.entries(outcomes).filter(([, why]) => why);
}
