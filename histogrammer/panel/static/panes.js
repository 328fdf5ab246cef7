// Panes of a page of spectra, and spectra laid over another, as the link has them. No page.
import { readRange, writeRange } from "./plane.js";

/** @typedef {import("./plane.js").Range} Range */
/** @typedef {{name: string, x: Range | null, y: Range | null}} Pane `name`: of its spectrum, or empty. `x`, `y`: what is seen of it; null: all. */

/** Numbers of panes that a page may have. */
export const LAYOUTS = [1, 2, 3, 4, 6, 9];
/** Spectra over another. */
export const MAX_LAID = 6;

/** @param {string | undefined} text @returns {string[]} */
export const readNames = (text) => (text ? text.split(",").map(readName) : []);

/** @param {string[]} names @returns {string} */
export const writeNames = (names) => names.map(encodeURIComponent).join(",");

/** @param {string} text @returns {string} */
function readName(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}

/**
 * @param {string | undefined} text As NAME@X@Y,NAME@X,NAME.
 * @returns {Pane[]} As many as a layout has; none: there is one pane only.
 */
export function readPanes(text) {
  if (!text) return [];
  const panes = text.split(",").map((each) => {
    const [name, x, y] = each.split("@");
    return { name: readName(name), x: readRange(x), y: readRange(y) };
  });
  const size = LAYOUTS.find((each) => each >= panes.length) ?? Math.max(...LAYOUTS);
  return size === 1 ? [] : resized(panes, size, []);
}

/** @param {Pane[]} panes @returns {string | null} Null: there is one pane only, which needs none of this. */
export function writePanes(panes) {
  if (panes.length < 2) return null;
  const range = (/** @type {Range | null} */ each) => (each ? writeRange(each) : "");
  return panes.map(({ name, x, y }) => [encodeURIComponent(name), range(x), range(y)].join("@").replace(/@+$/, "")).join(",");
}

/**
 * @param {Pane[]} panes
 * @param {number} size Of the layout.
 * @param {string[]} names Of all spectra; those that no pane has are shown in new ones.
 * @returns {Pane[]}
 */
export function resized(panes, size, names) {
  const kept = panes.slice(0, size);
  const free = names.filter((name) => !kept.some((pane) => pane.name === name));
  const added = Array.from({ length: size - kept.length }, (_, index) => ({ name: free[index] ?? "", x: null, y: null }));
  return [...kept, ...added];
}

/** @param {Range} range @param {Range} within @returns {Range | null} Null: nothing of it is there. */
function clipped([low, high], within) {
  const [first, last] = [Math.max(low, within[0]), Math.min(high, within[1])];
  return first < last ? [first, last] : null;
}

/**
 * @param {Pane[]} panes
 * @param {number} index Of the one that is zoomed.
 * @param {{x: Range | null, y: Range | null}} window
 * @param {((name: string) => Range | null) | null} wholeOf Range of the x axis of a spectrum; null: only this pane is zoomed.
 * @returns {Pane[]} Panes whose axes have nothing of it stay as they are.
 */
export function zoomed(panes, index, { x, y }, wholeOf) {
  return panes.map((pane, at) => {
    if (at === index) return { ...pane, x, y };
    if (wholeOf === null) return pane;
    const whole = wholeOf(pane.name);
    if (x === null || whole === null) return { ...pane, x: null };
    const seen = clipped(x, whole);
    return seen ? { ...pane, x: seen } : pane;
  });
}

/**
 * Factor by which a spectrum is drawn over another.
 *
 * @param {string} how `counts`: to as many counts; `time`: to the same time; else: as it is.
 * @param {{total: number, seconds: number}} own Of the one below. `seconds` in which its counts were gathered; NaN: not known.
 * @param {{total: number, seconds: number}} other
 * @returns {number} NaN: it cannot be told.
 */
export function factorOf(how, own, other) {
  if (how !== "counts" && how !== "time") return 1;
  const [above, below] = how === "counts" ? [own.total, other.total] : [own.seconds, other.seconds];
  return above > 0 && below > 0 ? above / below : NaN;
}
