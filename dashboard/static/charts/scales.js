// Scales of axes: steps of 1, 2, 5; they grow at once and shrink late. No page, no clock.

const SHRINK_BELOW = 0.6;
const SHRINK_AFTER_S = 5;
const STEPS = 5;
/** Least part of its limits that a range is: of less, the places of its numbers are no longer told apart. */
const LEAST_SPAN = 1e-12;
/** Of less the powers of ten are no longer told apart. */
const LEAST = 1e-300;

/** @param {number} low @param {number} high @returns {boolean} An axis of them has places for numbers. */
export function isRange(low, high) {
  return high - low > Math.max(LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high)), LEAST) && Number.isFinite(high - low);
}

/**
 * @param {number} span
 * @returns {number} The least of 1, 2, 5 x 10^n by which at most five steps make the span.
 */
export function niceStep(span) {
  const raw = span / STEPS;
  const power = 10 ** Math.floor(Math.log10(raw));
  const first = raw / power;
  return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
}

/**
 * @param {number} least
 * @param {number} greatest
 * @returns {[number, number]} Both on whole steps, and apart.
 */
export function niceRange(least, greatest) {
  const size = Math.abs(greatest);
  const span = isRange(least, greatest) ? greatest - least : isRange(0, size) ? size : 1;
  const step = niceStep(span);
  const low = Math.floor(least / step) * step;
  const high = Math.ceil(greatest / step) * step;
  return high > low ? [low, high] : [low - step, high + step];
}

/** Range that follows data without breathing. */
export class AutoScale {
  constructor() {
    /** @type {[number, number] | null} */
    this.range = null;
    this.narrowSince = Infinity;
  }

  /**
   * @param {number} least
   * @param {number} greatest
   * @param {number} now s.
   * @returns {[number, number]}
   */
  take(least, greatest, now) {
    if (!Number.isFinite(greatest - least)) return this.range ?? [0, 1];
    if (this.range === null) return (this.range = niceRange(least, greatest));
    const [low, high] = this.range;
    if (least < low || greatest > high) {
      this.narrowSince = Infinity;
      return (this.range = niceRange(Math.min(least, low), Math.max(greatest, high)));
    }
    if (greatest - least >= SHRINK_BELOW * (high - low)) {
      this.narrowSince = Infinity;
    } else if (this.narrowSince === Infinity) {
      this.narrowSince = now;
    } else if (now - this.narrowSince >= SHRINK_AFTER_S) {
      this.narrowSince = Infinity;
      this.range = niceRange(least, greatest);
    }
    return this.range;
  }

  /** Fit anew with the next data. */
  reset() {
    this.range = null;
    this.narrowSince = Infinity;
  }
}

/**
 * Prefix by which numbers of a size are short.
 *
 * @param {number} size
 * @param {string} unit
 * @returns {{factor: number, unit: string}} To be multiplied with, and the unit then.
 */
export function prefixed(size, unit) {
  if (!/^(Hz|s|m|V|A|W|eV)$/.test(unit)) return { factor: 1, unit };
  for (const [power, sign] of /** @type {[number, string][]} */ ([[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "\u00b5"], [1e-9, "n"]])) {
    // from 10 GHz on: radio astronomers read 1420 MHz
    if (Math.abs(size) >= power * (power >= 1e9 ? 10 : 1)) return { factor: 1 / power, unit: `${sign}${unit}` };
  }
  return { factor: 1, unit };
}

/**
 * Numbers of an axis: a point, no groups, as many digits as its steps have.
 *
 * @param {unknown} _
 * @param {number[]} splits
 * @param {number} __
 * @param {number} ___
 * @param {number} step
 * @returns {string[]}
 */
export function plainNumbers(_, splits, __, ___, step) {
  const digits = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 12);
  const more = digits > 0 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6 ? 1 : 0;
  return splits.map((split) => (split === null ? "" : Math.abs(split) >= 1e7 ? split.toExponential(3) : split.toFixed(digits + more)));
}
