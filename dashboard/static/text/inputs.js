// Inputs out of an interface document: what may be typed for a parameter, and what it means. No page.
import { number } from "./format.js";

/**
 * @typedef {Record<string, any>} Schema
 * @typedef {{name: string, required?: boolean, default?: any, annotation?: string, schema?: Schema, unit?: string, doc?: string,
 *            passing?: string}} Parameter
 * @typedef {{kind: "choice" | "truth" | "number" | "text" | "json", choices: any[], words: string}} Input
 *     `words`: what is allowed; empty: anything of the kind.
 * @typedef {{value: any, problem: string}} Read `problem`: why it is refused; empty: it is not.
 */

/** @param {Schema} schema @returns {Schema[]} Its alternatives without null. */
function alternatives(schema) {
  const all = Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : (schema.anyOf ?? [schema]);
  return all.filter((/** @type {Schema} */ each) => each.type !== "null");
}

/** @param {Schema} schema @returns {boolean} Null is a value of it. */
const takesNull = (schema) => [schema.type].flat().includes("null") || (schema.anyOf ?? []).some(takesNull) || (schema.enum ?? []).includes(null);

/**
 * @param {Schema} schema
 * @returns {string} Range or form in words; empty: there is nothing to say.
 */
export function allowed(schema) {
  if (schema.enum) return `one of ${schema.enum.map(String).join(", ")}`;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, maxLength, items, minItems, maxItems } = schema;
  const low = minimum !== undefined ? number(minimum) : exclusiveMinimum !== undefined ? `more than ${number(exclusiveMinimum)}` : "";
  const high = maximum !== undefined ? number(maximum) : exclusiveMaximum !== undefined ? `less than ${number(exclusiveMaximum)}` : "";
  if (low && high) return exclusiveMinimum === undefined ? `${low} to ${high}` : `${low}, up to ${high}`;
  if (low) return minimum === undefined ? low : `at least ${low}`;
  if (high) return maximum === undefined ? high : `up to ${high}`;
  if (maxLength !== undefined) return `up to ${maxLength} signs`;
  if (schema.type === "array") {
    const count = minItems !== undefined && minItems === maxItems ? `${minItems} ` : "";
    const inner = items && !Array.isArray(items) ? allowed(items) : "";
    return `list${count && ` of ${count.trim()}`}${inner && `, each ${inner}`}`;
  }
  return "";
}

/**
 * @param {Parameter} parameter
 * @returns {Input}
 */
export function inputOf({ schema = {} }) {
  const some = alternatives(schema);
  const words = [...new Set(some.map(allowed).filter(Boolean))].join("; or ");
  const [only] = some;
  /** @type {any[]} */
  const choices = some.length && some.every((each) => each.enum) ? some.flatMap((each) => each.enum).filter((each) => each !== null) : [];
  if (choices.length) return { kind: "choice", choices, words };
  if (some.length !== 1) return { kind: "json", choices, words };
  if (only.type === "boolean") return { kind: "truth", choices: [true, false], words };
  if (only.type === "number" || only.type === "integer") return { kind: "number", choices, words };
  return { kind: only.type === "string" ? "text" : "json", choices, words };
}

/** @param {any} value @returns {string} Type of JSON Schema. */
function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

const NAMES = /** @type {Record<string, string>} */ ({
  integer: "a whole number", number: "a number", string: "a text", boolean: "yes or no", array: "a list", object: "an object", null: "nothing",
});

/**
 * @param {Schema} schema
 * @param {any} value
 * @returns {string} Why it does not fit; empty: it does, as far as is known here.
 */
export function misfit(schema, value) {
  if (schema.anyOf) {
    const all = schema.anyOf.map((/** @type {Schema} */ each) => misfit(each, value));
    return all.includes("") ? "" : all.join("; or ");
  }
  if (schema.enum) return schema.enum.includes(value) ? "" : `expected ${allowed(schema)}`;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const type = typeOf(value);
  if (types.length && !types.includes(type) && !(type === "integer" && types.includes("number"))) {
    return `expected ${types.map((each) => NAMES[each] ?? each).join(" or ")}`;
  }
  if (typeof value === "number") {
    const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
    const isInside = value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum;
    return isInside ? "" : `expected ${allowed(schema)}`;
  }
  if (typeof value === "string") return value.length > (schema.maxLength ?? Infinity) ? `expected ${allowed(schema)}` : "";
  if (Array.isArray(value)) return listMisfit(schema, value);
  return "";
}

/** @param {Schema} schema @param {any[]} values @returns {string} */
function listMisfit({ items, minItems = 0, maxItems = Infinity }, values) {
  if (values.length < minItems || values.length > maxItems) return `expected ${minItems === maxItems ? minItems : `${minItems} to ${maxItems}`} in the list`;
  for (const [index, value] of values.entries()) {
    const told = misfit((Array.isArray(items) ? items[index] : items) ?? {}, value);
    if (told) return `number ${index + 1} of the list: ${told}`;
  }
  return "";
}

/** @param {string} text @returns {any} JSON; a list may be typed without its brackets; else the text itself. */
function parsed(text) {
  for (const each of [text, `[${text}]`]) {
    try {
      return JSON.parse(each);
    } catch {
      // the next form
    }
  }
  return text;
}

/**
 * Read what was typed.
 *
 * @param {Parameter} parameter
 * @param {string} text
 * @returns {Read}
 */
export function readInput(parameter, text) {
  const { schema = {} } = parameter;
  const { kind, choices } = inputOf(parameter);
  const trimmed = text.trim();
  let value;
  if (kind === "choice" || kind === "truth") {
    value = choices.find((each) => String(each) === text);
    if (value === undefined) return { value: null, problem: `expected ${choices.join(", ")}` };
  } else if (kind === "text") {
    value = text;
  } else if (kind === "number") {
    value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : trimmed;
  } else {
    value = parsed(trimmed);
  }
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return { value: null, problem: "too large for a browser: set it by a Dealer" };
  }
  if (value === null && !takesNull(schema) && Object.keys(schema).length) return { value: null, problem: "expected a value" };
  return { value, problem: value === null ? "" : misfit(schema, value) };
}

/**
 * @param {any} value
 * @returns {string} As it would be typed; undefined: nothing.
 */
export function typed(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : Array.isArray(value) && value.every((each) => typeof each === "number") ? value.join(", ") : JSON.stringify(value);
}

/**
 * @param {any} one
 * @param {any} other
 * @returns {boolean} Both are the same value, whatever the way they came.
 */
export function same(one, other) {
  return typeof one === "number" && typeof other === "number" ? one === other : JSON.stringify(one) === JSON.stringify(other);
}
