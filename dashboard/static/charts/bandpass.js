// Small picture of a Bank's newest spectrum, so that one look finds the odd one.
import { html } from "../views/html.js";
import { number, span } from "../text/format.js";

/**
 * @param {{told: any, range: [number, number], width?: number, height?: number, age?: number}} shown All pictures share a range.
 */
export function Bandpass({ told, range, width = 120, height = 20, age = 0 }) {
  if (!told) return html`<svg class="bandpass" width=${width} height=${height} aria-hidden="true"></svg>`;
  const { lower, upper } = told;
  const [least, greatest] = range;
  const y = (/** @type {number} */ value) => (height - 1 - ((value - least) / (greatest - least || 1)) * (height - 2)).toFixed(1);
  const x = (/** @type {number} */ index) => ((index / Math.max(lower.length - 1, 1)) * width).toFixed(1);
  const there = upper.map((/** @type {number} */ value, /** @type {number} */ index) => `${x(index)},${y(value)}`);
  const back = lower.map((/** @type {number} */ value, /** @type {number} */ index) => `${x(index)},${y(value)}`).reverse();
  const label = `bandpass, ${number(least)} to ${number(greatest)}, ${span(age)} old`;
  return html`<svg class="bandpass" width=${width} height=${height} viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label=${label}>
    <title>${label}</title><polygon points=${[...there, ...back].join(" ")}></polygon>
  </svg>`;
}

/**
 * @param {any[]} all Bandpasses.
 * @returns {[number, number]} Least and greatest of all; infinite: there are none.
 */
export function commonRange(all) {
  let [least, greatest] = [Infinity, -Infinity];
  for (const { lower, upper } of all) {
    least = Math.min(least, ...lower);
    greatest = Math.max(greatest, ...upper);
  }
  return [least, greatest];
}
