// Groups of a Bank's values: what belongs together by its name. No page.

const FAMILY = 3; // letters that a family has in common
const LEAST = 3; // members that make one
const MAX_MEMBERS = 60;
const FIRST = ["scan", "daq", "mode"];
const LAST = ["host_load", "control"];
export const OTHERS = "others";
export const INTERNAL = "tables";

/**
 * @typedef {{name: string, key: string, member: string | null}} Entry A value, or a member of one.
 * @typedef {{name: string, entries: Entry[]}} Group
 */

/** @param {string} one @param {string} other @returns {string} Beginning of both. */
function common(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return one.slice(0, length);
}

/**
 * Families of names by their first letters; names of registers and tables, `_NAME_01`, are one.
 *
 * @param {string[]} names
 * @returns {Map<string, string[]>} Title -> names, those without a family last.
 */
export function families(names) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const name of names) {
    const start = name.startsWith("_") ? INTERNAL : name.slice(0, FAMILY);
    found.set(start, [...(found.get(start) ?? []), name]);
  }
  const told = new Map();
  /** @type {string[]} */
  const others = [];
  for (const [start, some] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (start === INTERNAL) continue;
    if (some.length < LEAST) others.push(...some);
    else told.set(some.reduce(common), some);
  }
  if (others.length) told.set(OTHERS, others);
  const internal = found.get(INTERNAL);
  if (internal) told.set(INTERNAL, internal);
  return told;
}

/** @param {any} value @returns {boolean} It is shown member by member. */
export function hasMembers(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !value.left_out && !("base64" in value) && Object.keys(value).length <= MAX_MEMBERS;
}

/** @param {string} name @returns {number} What an observer asks for first comes first. */
function place(name) {
  const known = FIRST.indexOf(name);
  return known >= 0 ? known : LAST.includes(name) ? FIRST.length + 1 + LAST.indexOf(name) : FIRST.length;
}

/**
 * @param {string[]} keys Of a topic of values.
 * @param {(key: string) => any} valueOf Value of a key.
 * @returns {Group[]} Values with members first, then single ones, then each part with a dot, by families.
 */
export function groupsOf(keys, valueOf) {
  /** @type {Group[]} */
  const groups = [];
  /** @type {Map<string, string[]>} */
  const parts = new Map();
  /** @type {Entry[]} */
  const single = [];
  for (const key of keys) {
    const dot = key.lastIndexOf(".");
    const value = valueOf(key);
    if (hasMembers(value)) {
      groups.push({ name: key, entries: Object.keys(value).map((member) => ({ name: member, key, member })) });
    } else if (dot < 0) {
      single.push({ name: key, key, member: null });
    } else {
      const part = key.slice(0, dot);
      parts.set(part, [...(parts.get(part) ?? []), key.slice(dot + 1)]);
    }
  }
  groups.sort((a, b) => place(a.name) - place(b.name));
  if (single.length) groups.push({ name: "bank", entries: single });
  for (const [part, names] of parts) {
    for (const [title, some] of families(names)) {
      groups.push({ name: `${part} ${title}`, entries: some.map((name) => ({ name, key: `${part}.${name}`, member: null })) });
    }
  }
  return groups;
}
