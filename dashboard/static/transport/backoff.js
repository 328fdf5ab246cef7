// Pauses before further tries, and the watch that finds out that a stream is silent. No clock, no network.

export const FIRST_PAUSE_MS = 300;
/** Without contact: whoever comes back is to be live within 2 s. */
export const LONGEST_PAUSE_MS = 1_500;
/** After an answer that is no stream. */
export const LONGEST_REFUSED_MS = 10_000;
export const SILENT_AFTER_MS = 3_000;
export const JUMP_MS = 3_000;

/**
 * Pauses that double, randomised so that many pages do not come back at the same moment.
 */
export class Backoff {
  /** @param {() => number} random Of [0, 1). */
  constructor(random = Math.random) {
    this.random = random;
    this.pause = FIRST_PAUSE_MS;
  }

  /**
   * @param {boolean} isRefused The server has answered, and does not want it.
   * @returns {number} Milliseconds to wait before the next try.
   */
  next(isRefused = false) {
    const pause = Math.min(this.pause, isRefused ? LONGEST_REFUSED_MS : LONGEST_PAUSE_MS) * (0.5 + this.random() / 2);
    this.pause = Math.min(this.pause * 2, LONGEST_REFUSED_MS);
    return pause;
  }

  /** Begin anew: something was heard. */
  reset() {
    this.pause = FIRST_PAUSE_MS;
  }
}

/**
 * Verdict on a stream of which a sign of life is due each second: browsers do not tell that nothing comes.
 *
 * @param {number} now Milliseconds.
 * @param {number} heardAt When it was heard last, or opened.
 * @param {number} lookedAt When this was asked last: a clock that jumped means that the machine slept.
 * @param {number} patience Milliseconds after which it is silent.
 * @returns {"well" | "silent" | "slept"}
 */
export function verdict(now, heardAt, lookedAt, patience = SILENT_AFTER_MS) {
  if (now - lookedAt > JUMP_MS) return "slept";
  return now - heardAt > patience ? "silent" : "well";
}
