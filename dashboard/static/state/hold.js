// Hold of a button: it counts time that somebody watched it, never a jump of the clock. No page, no clock.

export const HOLD_MS = 1000;
const MAX_STEP_MS = 120; // a page that stood still did not show what was held, and has not heard of the release yet

/** One hold. */
export class Hold {
  constructor() {
    this.held = 0;
    /** @type {number | null} */
    this.lookedAt = null;
    this.isDone = false;
  }

  /** @param {number} at ms. A press while it is held, as keys repeat it, changes nothing. */
  press(at) {
    if (this.lookedAt !== null) return;
    this.lookedAt = at;
    this.held = 0;
    this.isDone = false;
  }

  /** Let go: what was not held to its end did nothing. */
  release() {
    this.lookedAt = null;
    this.held = 0;
  }

  /**
   * @param {number} at ms.
   * @returns {boolean} It was held to its end just now: true once for each press.
   */
  look(at) {
    if (this.lookedAt === null || this.isDone) return false;
    this.held += Math.min(Math.max(at - this.lookedAt, 0), MAX_STEP_MS);
    this.lookedAt = at;
    this.isDone = this.held >= HOLD_MS;
    return this.isDone;
  }

  /** @returns {number} Part of the time, 0 to 1. */
  get share() {
    return this.lookedAt === null ? 0 : Math.min(this.held / HOLD_MS, 1);
  }
}
