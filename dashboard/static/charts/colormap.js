// Colours of heat maps, of uniform lightness: viridis, and red on black for the red theme. No page.

/** Viridis (CC0) at nine equal steps. */
const VIRIDIS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50],
  [253, 231, 37],
];
const RED = [[0, 0, 0], [70, 8, 4], [140, 24, 14], [210, 58, 40], [255, 150, 120]];

/**
 * @param {string} theme
 * @returns {Uint32Array} 256 colours as a canvas of a little-endian machine has them.
 */
export function colourTable(theme) {
  const stops = theme === "red" ? RED : VIRIDIS;
  const table = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    const place = (index / 255) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    const [r, g, b] = [0, 1, 2].map((part) =>
      Math.round(stops[first][part] + (place - first) * (stops[first + 1][part] - stops[first][part])),
    );
    table[index] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
}

/**
 * Levels between which colours run: so much of the data is below them.
 *
 * @param {ArrayLike<number>} numbers
 * @param {number} low 0 to 1.
 * @param {number} high 0 to 1.
 * @returns {[number, number] | null} None: there are no finite numbers.
 */
export function levels(numbers, low = 0.1, high = 0.99) {
  const stride = Math.max(1, Math.floor(numbers.length / 20_000)); // a sample is enough
  /** @type {number[]} */
  const some = [];
  for (let index = 0; index < numbers.length; index += stride) if (Number.isFinite(numbers[index])) some.push(numbers[index]);
  if (some.length === 0) return null;
  some.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => some[Math.min(some.length - 1, Math.floor(share * some.length))];
  const [least, greatest] = [at(low), at(high)];
  return greatest > least ? [least, greatest] : [least, least + (Math.abs(least) || 1)];
}
