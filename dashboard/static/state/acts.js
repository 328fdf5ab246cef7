// Acts: what people did through this dashboard, with the outcome at each Bank. The server has them; this page only follows.
import { computed } from "@preact/signals";
import { session, site } from "./site.js";
import { topic } from "./store.js";

/**
 * @typedef {{state: string, text: string, delay_s: number | null, call_id: string, operation: string}} Outcome
 * @typedef {{id: string, by: string, time: number, ended: number | null, verb: string, text: string, object?: string, method?: string,
 *            banks: string[], state: "running" | "done" | "failed" | "partly", note: string, outcomes: Record<string, Outcome>}} Act
 */

/** All acts that are known, newest first: one's own, and those of others that run. */
export const acts = computed(() => {
  const all = /** @type {Act[]} */ (Object.values(topic("acts").all()));
  return all.filter((act) => isOwn(act) || act.ended === null).sort((a, b) => b.time - a.time);
});

/** @param {Act} act @returns {boolean} The person of this session did it. */
export function isOwn(act) {
  return act.by === session.value.key || session.value.key === "";
}

/**
 * @param {Act} act That has ended.
 * @returns {string} One sentence, which names the Banks where it was not done.
 */
export function endOf(act) {
  const apart = act.banks.filter((bank) => act.outcomes[bank]?.state !== "done");
  const done = act.banks.length - apart.length;
  if (apart.length === 0) return `${act.text}: done on ${act.banks.length} of ${act.banks.length}${act.note && `, ${act.note}`}`;
  const why = apart.slice(0, 3).map((bank) => `${bank}: ${act.outcomes[bank]?.text || act.outcomes[bank]?.state || "not asked"}`);
  return `${act.text}: done on ${done} of ${act.banks.length}. ${act.note && `${act.note}. `}${why.join("; ")}${apart.length > 3 ? `; and ${apart.length - 3} more` : ""}`;
}

/**
 * @param {Act} act
 * @returns {string} All of it as a text, for a report.
 */
export function report(act) {
  const lines = act.banks.map((bank) => {
    const { state = "not asked", text = "", call_id: call = "" } = act.outcomes[bank] ?? {};
    return `${bank}: ${state}${text && `, ${text}`}${call && ` (call ${call})`}`;
  });
  return [`${site.peek().name} ${new Date(act.time * 1000).toISOString()} ${act.by || "-"}: ${act.text} ${act.state} (${act.id})`, ...(act.note ? [act.note] : []), ...lines].join("\n");
}
