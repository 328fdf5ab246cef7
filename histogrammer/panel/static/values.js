// Values with errors, and totals of counts. No page.

/**
 * @param {number} value
 * @param {number} error
 * @returns {string} In the digits that the error leaves.
 */
export function withError(value, error) {
  if (!Number.isFinite(error) || error <= 0) return String(Number(value.toPrecision(7)));
  const digits = Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 12);
  return `${value.toFixed(digits)} \u00b1 ${error.toFixed(digits)}`;
}

/** @param {ArrayLike<number>} counts @param {number} first @param {number} end @returns {number} */
export function sum(counts, first = 0, end = counts.length) {
  let total = 0;
  for (let index = Math.max(first, 0); index < Math.min(end, counts.length); index++) total += counts[index];
  return total;
}

/** Counts per second, between totals that are a second apart at least. */
export class Rate {
  constructor() {
    /** @type {{time: number, total: number} | null} */
    this.last = null;
    this.value = NaN;
  }

  /**
   * @param {number} time Unix seconds.
   * @param {number} total
   * @returns {number} NaN: not known yet, or it was cleared.
   */
  take(time, total) {
    if (this.last === null || total < this.last.total) {
      this.value = NaN;
      this.last = { time, total };
    } else if (time - this.last.time >= 1) {
      this.value = (total - this.last.total) / (time - this.last.time);
      this.last = { time, total };
    }
    return this.value;
  }
}
