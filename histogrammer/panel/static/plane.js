// Plane of a plot: from the units of its axes to pixels and back. No page.

/** Pixels around it, for numbers and names of axes. */
export const MARGIN = { left: 62, right: 24, top: 10, bottom: 38 };

/** Numbers of an axis; there are fewer by any good step. */
const MAX_TICKS = 100;
/** Least part of its limits that a range is: of less, places are no longer told apart. */
const LEAST_SPAN = 1e-12;

/** @typedef {[number, number]} Range */

export class Plane {
  /**
   * @param {{width: number, height: number, x: Range, y: Range, isLog?: boolean, offset?: number}} _ `isLog`: y is logarithmic, and above 0.
   *     `offset`: pixels above it, that are another plane's.
   */
  constructor({ width, height, x, y, isLog = false, offset = 0 }) {
    this.left = MARGIN.left;
    this.top = offset + MARGIN.top;
    this.width = Math.max(width - MARGIN.left - MARGIN.right, 1);
    this.height = Math.max(height - MARGIN.top - MARGIN.bottom, 1);
    this.x = x;
    this.y = y;
    this.isLog = isLog;
  }

  /** @param {number} value @returns {number} */
  xPixel(value) {
    return this.left + ((value - this.x[0]) / (this.x[1] - this.x[0])) * this.width;
  }

  /** @param {number} value @returns {number} Nothing is below the plane. */
  yPixel(value) {
    const [low, high] = this.isLog ? this.y.map(Math.log10) : this.y;
    const at = this.isLog ? Math.log10(Math.max(value, this.y[0])) : value;
    return this.top + this.height - ((at - low) / (high - low)) * this.height;
  }

  /** @param {number} pixel @returns {number} */
  xValue(pixel) {
    return this.x[0] + ((pixel - this.left) / this.width) * (this.x[1] - this.x[0]);
  }

  /** @param {number} pixel @returns {number} */
  yValue(pixel) {
    const share = (this.top + this.height - pixel) / this.height;
    if (!this.isLog) return this.y[0] + share * (this.y[1] - this.y[0]);
    const [low, high] = this.y.map(Math.log10);
    return 10 ** (low + share * (high - low));
  }
}

/**
 * @param {Range} range
 * @param {(span: number) => number} niceStep
 * @returns {number[]} Places of the numbers of an axis.
 */
export function ticks([low, high], niceStep) {
  const step = niceStep(high - low);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  if (!(count <= MAX_TICKS)) return []; // no step is that small
  return Array.from({ length: Math.max(count, 0) }, (_, index) => (first + index) * step || 0);
}

/** @param {Range} range @returns {number[]} Powers of ten within it. */
export function decades([low, high]) {
  const found = [];
  const most = Math.min(high * (1 + 1e-9), Number.MAX_VALUE);
  for (let power = Math.ceil(Math.log10(low) - 1e-9); 10 ** power <= most; power++) found.push(10 ** power);
  return found;
}

/**
 * @param {string | undefined} text As LOW..HIGH.
 * @returns {Range | null}
 */
export function readRange(text) {
  const parts = (text ?? "").split("..");
  const [low, high] = parts.map((part) => (part === "" ? NaN : Number(part)));
  const isWide = high - low > LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high));
  return parts.length === 2 && isWide && Number.isFinite(high - low) ? [low, high] : null;
}

/** @param {Range} range @returns {string} With the digits that it needs. */
export function writeRange([low, high]) {
  const digits = Math.min(Math.max(3 - Math.floor(Math.log10(Math.abs(high - low))), 0), 12);
  return `${Number(low.toFixed(digits))}..${Number(high.toFixed(digits))}`;
}
