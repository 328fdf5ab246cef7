// Rates of counters: change in a second over the last while, beside the total. No clock.

const SPAN_S = 10;
const MAX_POINTS = 64;

/** Rate of one number that only rises. */
export class Rate {
  constructor() {
    /** @type {[number, number][]} Time, value. */
    this.points = [];
    this.rises = 0;
  }

  /**
   * @param {unknown} value
   * @param {number} time Of the value, s.
   */
  take(value, time) {
    const last = this.points[this.points.length - 1];
    if (typeof value !== "number" || !Number.isInteger(value)) {
      this.points = [];
      return;
    }
    if (last && time <= last[0]) return;
    if (last && value < last[1]) {
      this.points = [];
      this.rises = 0;
    } else if (last && value > last[1]) {
      this.rises += 1;
    }
    this.points.push([time, value]);
    while (this.points.length > MAX_POINTS) this.points.shift();
  }

  /**
   * @param {number} now s, of the same clock as the values' times.
   * @returns {number | null} Per second; null: it is no counter, or not known yet.
   */
  at(now) {
    if (this.rises < 3) return null;
    const since = this.points.find(([time]) => time >= now - SPAN_S);
    const last = this.points[this.points.length - 1];
    if (!since || since === last) return 0;
    return (last[1] - since[1]) / Math.max(now - since[0], 1e-3);
  }
}
