// Reasons why something cannot be done, as far as the page knows; whoever is asked decides. No page, no clock.
import { span, utcOfDay } from "./format.js";

const RANKS = ["observe", "operate", "admin"];
const SHOWN = 4;

/**
 * @typedef {{role?: string, isHalt?: boolean, takesControl?: boolean, needsNoBank?: boolean}} Act
 *     `role`: that it takes. `isHalt`: it ends something: a doubt of ours does not forbid it. `takesControl`: nobody needs control for it.
 *     `needsNoBank`: its Players need not answer.
 * @typedef {{session: import("../state/site.js").Session, isSilent: boolean, isThen: boolean, now: number}} Seat
 */

/** @param {string[]} banks @returns {string} Few of them by name. */
export function named(banks) {
  return banks.length > SHOWN ? `${banks.slice(0, SHOWN - 1).join(", ")} and ${banks.length - SHOWN + 1} more` : banks.join(", ");
}

/** @param {number} count @returns {string} */
export function countOfBanks(count) {
  return `${count} ${count === 1 ? "Bank" : "Banks"}`;
}

/** @param {any} control Of a row. @returns {string} Who has it: the key that proves it, or what a client calls itself; empty: nobody. */
export function ownerOf(control) {
  return control?.owner ? String(control.key || control.owner) : "";
}

/**
 * @param {import("../state/site.js").Session} session
 * @param {any} row Of a Bank.
 * @returns {boolean} This person has control of it.
 */
export function isMine(session, row) {
  return row.control?.owner ? session.holds[row.bank] === row.control.number : false;
}

/**
 * @param {Act} act
 * @param {any[]} rows Of the Banks that are chosen.
 * @param {Seat} seat
 * @returns {string} Why it cannot be done, and what would help; empty: it may be tried.
 */
export function whyNot({ role = "operate", isHalt = false, takesControl = false, needsNoBank = false }, rows, seat) {
  const { session, isSilent, isThen, now } = seat;
  if (isThen) return "the page shows the past: go back to live";
  if (!session.control) return "this dashboard only looks: it runs the array when it is started with --control";
  if (RANKS.indexOf(session.role) < RANKS.indexOf(role)) {
    return session.is_lowered ? "nothing was done here for 30 min: log in again" : `it takes the role ${role}; this session has ${session.role || "none"}`;
  }
  if (isSilent && !isHalt) return "no contact with the dashboard";
  if (needsNoBank) return "";
  if (rows.length === 0) return "choose Banks first";
  const lost = rows.filter((row) => !["live", "stale"].includes(row.link.state));
  if (lost.length) return `no answer from ${named(lost.map((row) => row.bank))}: leave ${lost.length === 1 ? "it" : "them"} out, or wait`;
  if (isHalt) return "";
  const [stale] = rows.filter((row) => row.link.state === "stale");
  if (stale) return `${stale.bank} was not heard for ${span(now - stale.link.since)}: what it does is not known`;
  if (takesControl) return "";
  const [other] = rows.filter((row) => row.control?.owner && !isMine(session, row));
  if (other) return `${ownerOf(other.control)} has control of ${other.bank}${other.control.until ? ` until ${utcOfDay(other.control.until)} UTC` : ""}`;
  const bare = rows.filter((row) => row.control?.required && !row.control.owner);
  return bare.length ? `${named(bare.map((row) => row.bank))}: take control first` : "";
}
