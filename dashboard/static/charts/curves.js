// Curves out of a frame: rows, their names, abscissa, decibels. No page.

/**
 * @typedef {import("../state/frames.js").Frame} Frame
 * @typedef {{x: Float64Array, rows: {name: string, y: Float64Array}[], first: number, end: number, isReduced: boolean}} Curves
 */

/**
 * @param {number} count
 * @param {any} header
 * @returns {string[]} Names of the rows.
 */
function rowNames(count, header) {
  const told = Array.isArray(header.rows) && header.rows.length === count ? header.rows.map(String) : null;
  return told ?? Array.from({ length: count }, (_, row) => (count === 1 ? "" : String(row)));
}

/**
 * @param {Frame} frame One- or two-dimensional; of more dimensions the last is along x, the others are rows.
 * @param {{isChannel: boolean, factor: number, isDecibel: boolean}} how Abscissa in channels or units times a factor.
 * @returns {Curves | null} None: there are no numbers in it.
 */
export function curvesOf(frame, { isChannel, factor, isDecibel }) {
  const { header, arrays } = frame;
  const lower = arrays.data ?? arrays.lower;
  const upper = arrays.data ?? arrays.upper;
  if (!lower || !upper || lower.shape.length === 0) return null;
  const isReduced = !arrays.data;
  const width = lower.shape[lower.shape.length - 1];
  const count = width > 0 ? lower.data.length / width : 0;
  const [first, end] = header.window ?? [0, header.points ?? width];
  const per = (end - first) / width;
  const [start, delta] = isChannel ? [0, 1] : [(header.x_start ?? 0) * factor, (header.x_delta ?? 1) * factor];
  const size = isReduced ? 2 * width : width;
  const x = new Float64Array(size);
  for (let index = 0; index < size; index++) {
    const point = isReduced ? first + ((index + 0.5) * per) / 2 - 0.5 : first + index;
    x[index] = start + delta * point;
  }
  const shown = isDecibel ? decibel : (/** @type {number} */ value) => value;
  const rows = rowNames(count, header).map((name, row) => {
    const y = new Float64Array(size);
    for (let index = 0; index < width; index++) {
      const place = row * width + index;
      if (isReduced) {
        y[2 * index] = shown(lower.data[place]);
        y[2 * index + 1] = shown(upper.data[place]);
      } else {
        y[index] = shown(lower.data[place]);
      }
    }
    return { name, y };
  });
  if (delta < 0) {
    x.reverse();
    for (const row of rows) row.y.reverse();
  }
  return { x, rows, first, end, isReduced };
}

/** @param {number} value Power; not above zero: there is none. */
function decibel(value) {
  return value > 0 ? 10 * Math.log10(value) : NaN;
}

/**
 * @param {Curves} curves
 * @param {Set<string>} hidden Names of rows that do not count.
 * @returns {[number, number]} Least and greatest; infinite: there is none.
 */
export function extent(curves, hidden = new Set()) {
  let [least, greatest] = [Infinity, -Infinity];
  for (const { name, y } of curves.rows) {
    if (hidden.has(name)) continue;
    for (const value of y) {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return [least, greatest];
}

/**
 * One number for each pixel of a row, for a heat map.
 *
 * @param {Curves} curves
 * @param {number} row
 * @returns {Float32Array}
 */
export function pixels(curves, row) {
  const { y } = curves.rows[row];
  if (!curves.isReduced) return Float32Array.from(y);
  return Float32Array.from({ length: y.length / 2 }, (_, index) => (y[2 * index] + y[2 * index + 1]) / 2);
}
