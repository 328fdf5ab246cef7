// Live state as signals, one for each key; each message changes them in one batch.
import { batch, signal } from "@preact/signals";

/** @typedef {import("@preact/signals").Signal<any>} AnySignal */

/** State of one topic of keys. */
export class Topic {
  constructor() {
    /** @type {Map<string, AnySignal>} */
    this.signals = new Map();
    /** Names of its keys, sorted; those that vanished stay with the value undefined, until `forget`. */
    this.keys = signal(/** @type {string[]} */ ([]));
    this.isKnown = signal(false);
  }

  /**
   * @param {string} key
   * @returns {AnySignal} Of its value; undefined: there is none.
   */
  of(key) {
    let found = this.signals.get(key);
    if (!found) this.signals.set(key, (found = signal(undefined)));
    return found;
  }

  /** @param {import("../transport/topiccopy.js").Changes} message */
  take(message) {
    batch(() => {
      const known = new Set(this.keys.value);
      const size = known.size;
      for (const [key, value] of Object.entries(message.values)) {
        this.of(key).value = value;
        known.add(key);
      }
      const gone = message.from === 0 ? [...known].filter((key) => !(key in message.values)) : message.gone;
      for (const key of gone) this.of(key).value = undefined;
      if (known.size !== size) this.keys.value = [...known].sort();
      this.isKnown.value = true;
    });
  }

  /** @returns {Record<string, any>} All that have a value; whoever calls it in a computed value follows all. */
  all() {
    /** @type {Record<string, any>} */
    const told = {};
    for (const key of this.keys.value) {
      const value = this.of(key).value;
      if (value !== undefined) told[key] = value;
    }
    return told;
  }

  /** Forget keys that vanished. */
  forget() {
    const kept = this.keys.value.filter((key) => this.of(key).value !== undefined);
    if (kept.length !== this.keys.value.length) this.keys.value = kept;
  }
}

/** @type {Map<string, Topic>} */
const topics = new Map();

/**
 * @param {string} name
 * @returns {Topic} Made if there was none.
 */
export function topic(name) {
  let found = topics.get(name);
  if (!found) topics.set(name, (found = new Topic()));
  return found;
}

/** @typedef {Record<string, Record<string, any>>} States Topic -> key -> value. */

/** Live state that goes on while the past is shown. @type {Map<string, Map<string, any>> | null} */
let live = null;

/** @param {string} name @param {Record<string, any>} values All there is. */
function replace(name, values) {
  topic(name).take({ event: "changes", topic: name, from: 0, to: 0, time: 0, values, gone: [] });
}

/** @param {import("../transport/topiccopy.js").Changes} message Of live state. */
export function takeLive(message) {
  if (live === null) {
    topic(message.topic).take(message);
    return;
  }
  const kept = message.from === 0 ? new Map() : (live.get(message.topic) ?? new Map());
  live.set(message.topic, kept);
  for (const [key, value] of Object.entries(message.values)) kept.set(key, value);
  for (const key of message.gone) kept.delete(key);
}

/** @param {States} states Shown in the place of what is live, until `showLive`; topics that are not in it are empty. */
export function showPast(states) {
  live ??= new Map([...topics].map(([name, each]) => [name, new Map(Object.entries(each.all()))]));
  for (const name of new Set([...topics.keys(), ...Object.keys(states)])) {
    replace(name, states[name] ?? {});
    topic(name).forget();
  }
}

/** Show what is live again. */
export function showLive() {
  if (live === null) return;
  const kept = live;
  live = null;
  for (const name of new Set([...topics.keys(), ...kept.keys()])) {
    replace(name, Object.fromEntries(kept.get(name) ?? []));
    topic(name).forget();
  }
}
