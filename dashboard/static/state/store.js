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
