// Who acts from here, and why not: what refusals are computed from.
import { computed } from "@preact/signals";
import { moment, second } from "../state/clock.js";
import { session } from "../state/site.js";
import { whyNot } from "../text/refusals.js";
import { isSilent } from "./frame.js";

/** @type {import("@preact/signals").ReadonlySignal<import("../text/refusals.js").Seat>} */
export const seat = computed(() => ({ session: session.value, isSilent: isSilent.value, isThen: moment.value !== null, now: second.value }));

/**
 * @param {import("../text/refusals.js").Act} act
 * @param {any[]} rows Of the Banks that are chosen.
 * @returns {string} Why it cannot be done; empty: it may be tried.
 */
export const refusal = (act, rows) => whyNot(act, rows, seat.value);
