// Control that is lost: whoever had it is told by whom and why, on whatever page.
import { computed, effect } from "@preact/signals";
import { renewSession, session } from "../state/site.js";
import { visible } from "../text/format.js";
import { isMine } from "../text/refusals.js";
import { rows } from "./frame.js";
import { notify } from "./notices.js";

/** Leases of all Banks; another one, or the end of one, may concern this person. */
const leases = computed(() => rows.value.map((row) => `${row.bank} ${row.control?.owner ? row.control.number : ""}`).join("\n"));

const EVERY_MS = 60_000; // a role is lowered when its person does nothing for long

/** Begin to watch control, and the role of the session. */
export function watchControl() {
  setInterval(() => {
    if (session.peek().control && !document.hidden) renewSession().catch(() => {});
  }, EVERY_MS);
  /** Number of the lease of this person, by Bank, as this page saw it. @type {Map<string, number>} */
  const had = new Map();
  effect(() => {
    if (leases.value && session.peek().control) renewSession().catch(() => {});
  });
  effect(() => {
    for (const row of rows.value) {
      const number = had.get(row.bank);
      if (isMine(session.value, row)) {
        had.set(row.bank, row.control.number);
      } else if (number !== undefined && row.control?.last_number >= number) {
        had.delete(row.bank);
        const why = String(row.control.ended ?? "");
        if (!/released/.test(why)) notify(`${row.bank}: you have no control any more: ${visible(why || "it has ended", 300)}`, true);
      }
    }
  });
}
