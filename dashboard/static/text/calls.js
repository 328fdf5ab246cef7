// Calls of a journal as texts. No page.
import { value, visible } from "./format.js";

/** @param {any} args Of a call, as the journal has them. @returns {string} */
export function inWords(args) {
  if (args === null || args === undefined) return "";
  if (typeof args === "string") return visible(args, 300);
  if (Array.isArray(args)) return args.map((each) => (Array.isArray(each) || (each && typeof each === "object") ? inWords(each) : value(each))).filter(Boolean).join(", ");
  return Object.entries(args).map(([name, told]) => (name === "args" || name === "kwargs" ? inWords(told) : `${name}=${value(told)}`)).filter(Boolean).join(", ");
}

/** @param {any} entry Of a journal. @returns {string} Method with its arguments. */
export function callText(entry) {
  return `${String(entry.method).replace(/^bank\./, "")}(${inWords(entry.arguments)})`;
}
