// Spectra as tables that a stranger understands: what they are of, units, source, time. No page.

/** @typedef {import("./plane.js").Range} Range */
/**
 * @typedef {{spectrum: any, counts: ArrayLike<number>, time: string, seconds: number | null, factor: number}} Part
 *     A spectrum with its contents and their time (UTC). `seconds` in which they were gathered; null: not known. `factor` by which it is drawn.
 */

/** @param {any} axis @returns {number} Of a bin. */
export const widthOf = (axis) => (axis.high - axis.low) / axis.bins;

/** @param {any} axis @param {Range | null} range @returns {[number, number]} First bin that is seen, and the one after the last. */
function binsOf(axis, range) {
  if (!range) return [0, axis.bins];
  const width = widthOf(axis);
  return [Math.max(Math.floor((range[0] - axis.low) / width + 1e-9), 0), Math.min(Math.ceil((range[1] - axis.low) / width - 1e-9), axis.bins)];
}

/** @param {string} name @param {string} unit */
const withUnit = (name, unit) => (unit ? `${name} [${unit}]` : name);

/**
 * @param {Part} part
 * @param {(name: string) => string} units Of a parameter.
 * @returns {string[]} Lines about it.
 */
export function aboutPart({ spectrum, time, seconds, factor }, units) {
  const axes = spectrum.axes.map((/** @type {any} */ axis, /** @type {number} */ index) => {
    const names = [spectrum.xparameters, spectrum.yparameters][index].map((/** @type {string} */ name) => withUnit(name, units(name))).join(", ");
    return `${"xy"[index]}: ${names || "none"}, ${axis.bins} bins from ${axis.low} to ${axis.high}`;
  });
  return [
    `spectrum ${spectrum.name}, type ${spectrum.type}, gate ${spectrum.gate ?? "none"}; ${axes.join("; ")}`,
    `contents of ${time} UTC, ${seconds === null ? "gathered in a time that is not known" : `gathered in ${seconds} s of analysis`}${factor === 1 ? "" : `; drawn times ${factor}`}`,
  ];
}

/**
 * @param {Part[]} parts Of one dimension, or a single one of two.
 * @param {{x: Range | null, y: Range | null}} window What is seen.
 * @param {(name: string) => string} units Of a parameter.
 * @returns {(string | number)[][]} The first row has the names. A bin is told by its edges; of two dimensions empty ones are left out.
 */
export function tableOf(parts, window, units) {
  const [{ spectrum, counts }] = parts;
  const name = (/** @type {string[]} */ names, other = "x") => withUnit(names.length === 1 ? names[0] : other, new Set(names.map(units)).size === 1 ? units(names[0]) : "");
  const [x, y] = spectrum.axes;
  if (y) {
    const names = [name(spectrum.xparameters), name(spectrum.yparameters, "y")];
    const [[first, end], [low, high]] = [binsOf(x, window.x), binsOf(y, window.y)];
    const rows = [];
    for (let line = low; line < high; line++) {
      for (let column = first; column < end; column++) {
        const count = counts[line * x.bins + column];
        if (count !== 0) rows.push([...edges(x, column), ...edges(y, line), count]);
      }
    }
    return [[...names.flatMap((each) => [`${each} from`, `${each} to`]), "counts"], ...rows];
  }
  const isOne = parts.length === 1;
  const all = name(spectrum.xparameters);
  const rows = parts.flatMap((part) => {
    const [axis] = part.spectrum.axes;
    const [first, end] = binsOf(axis, window.x);
    return Array.from({ length: end - first }, (_, index) => {
      const count = part.counts[first + index];
      const told = [...edges(axis, first + index), count];
      return isOne ? told : [part.spectrum.name, ...told, count * part.factor];
    });
  });
  return [isOne ? [`${all} from`, `${all} to`, "counts"] : ["spectrum", `${all} from`, `${all} to`, "counts", "counts as drawn"], ...rows];
}

/** @param {any} axis @param {number} bin @returns {[number, number]} */
function edges(axis, bin) {
  const width = widthOf(axis);
  return [axis.low + bin * width, axis.low + (bin + 1) * width];
}
