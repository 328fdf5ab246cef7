// Parameters of several Banks: what they are, what is wanted, and what would change. No page, no clock.
import { readInput, same, typed } from "./inputs.js";

/**
 * @typedef {{value: any, banks: string[]}} Group Banks that agree.
 * @typedef {{name: string, value: any, problem: string, from: Group[]}} Change
 * @typedef {Record<string, Record<string, any>>} Values Bank -> name -> value.
 * @typedef {Record<string, {value: any, banks: string[]}>} Wanted What was sent, by name.
 */

/** Names that come first, as observers ask for them. */
const FIRST = ["source", "source_ra_dec", "scan_length", "exposure", "integration_time", "project_id", "observer"];

/**
 * @param {Values} values
 * @param {string} name
 * @returns {Group[]} Different values with the Banks that have them; a Bank without the parameter is in none.
 */
export function groupsOf(values, name) {
  /** @type {Group[]} */
  const groups = [];
  for (const [bank, told] of Object.entries(values)) {
    if (!(name in told)) continue;
    const found = groups.find((group) => same(group.value, told[name]));
    if (found) found.banks.push(bank);
    else groups.push({ value: told[name], banks: [bank] });
  }
  return groups;
}

/**
 * @param {Values} values
 * @returns {string[]} Names of parameters that all of the Banks have, those first that are set for each scan.
 */
export function namesOf(values) {
  const [first, ...others] = Object.values(values);
  const names = Object.keys(first ?? {}).filter((name) => others.every((told) => name in told));
  const place = (/** @type {string} */ name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/**
 * @param {any} described Interface document.
 * @returns {Map<string, import("./inputs.js").Parameter>} Of `set_param`, by name.
 */
export function describedParameters(described) {
  const methods = described?.objects?.bank?.methods ?? [];
  const told = methods.find((/** @type {any} */ each) => each.name === "set_param")?.parameters ?? [];
  return new Map(told.map((/** @type {any} */ each) => [each.name, each]));
}

/**
 * @param {Record<string, string>} drafts Name -> what was typed.
 * @param {Values} values
 * @param {Map<string, import("./inputs.js").Parameter>} parameters
 * @returns {Change[]} What would change somewhere; a draft of the value that all have is none.
 */
export function changesOf(drafts, values, parameters) {
  return namesOf(values).flatMap((name) => {
    if (!(name in drafts)) return [];
    const { value, problem } = readInput(parameters.get(name) ?? { name }, drafts[name]);
    const from = groupsOf(values, name).filter((group) => problem || !same(group.value, value));
    return from.length ? [{ name, value, problem, from }] : [];
  });
}

/**
 * @param {{value: any, banks: string[]} | undefined} wanted
 * @param {Group[]} groups
 * @returns {string[]} Banks that do not have what was sent to them.
 */
export function apart(wanted, groups) {
  if (!wanted) return [];
  return groups.filter((group) => !same(group.value, wanted.value)).flatMap((group) => group.banks.filter((bank) => wanted.banks.includes(bank)));
}

/**
 * @param {Record<string, Record<string, any>>} before Bank -> name -> value before an act.
 * @returns {{banks: string[], values: Record<string, any>}[]} What has to be set where, so that all is as before.
 */
export function reversal(before) {
  /** @type {{banks: string[], values: Record<string, any>}[]} */
  const sets = [];
  for (const [bank, values] of Object.entries(before)) {
    const found = sets.find((each) => same(each.values, values));
    if (found) found.banks.push(bank);
    else sets.push({ banks: [bank], values });
  }
  return sets;
}

/**
 * @param {Group[]} groups
 * @param {string} unit
 * @returns {string} Value of all, or each with its Banks.
 */
export function inWords(groups, unit = "") {
  const one = (/** @type {Group} */ { value }) => `${typed(value) || "(empty)"}${unit && typeof value !== "string" ? ` ${unit}` : ""}`;
  return groups.length === 1 ? one(groups[0]) : groups.map((group) => `${one(group)} (${group.banks.join(", ")})`).join("; ");
}
