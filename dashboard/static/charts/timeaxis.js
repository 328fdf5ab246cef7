// Series on one axis of time, and its labels. No page.
import { utc } from "../text/format.js";

/**
 * @param {{points: [number, number | null | string | boolean][]}[]} series
 * @returns {[number[], ...(number | null | undefined)[][]]} Of uPlot: all times, and for each series its values at its own.
 */
export function aligned(series) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b);
  const places = new Map(times.map((time, place) => [time, place]));
  const columns = series.map(({ points }) => {
    /** @type {(number | null | undefined)[]} */
    const column = new Array(times.length).fill(undefined); // joined; null is a gap
    for (const [time, value] of points) {
      const shown = typeof value === "boolean" ? Number(value) : value;
      column[/** @type {number} */ (places.get(time))] = typeof shown === "number" ? shown : null;
    }
    return column;
  });
  return [times, ...columns];
}

/**
 * Times on an axis: 24 hours, UTC, with the date where it begins or changes.
 *
 * @param {unknown} _
 * @param {number[]} splits
 * @param {number} __
 * @param {number} ___
 * @param {number} step
 * @returns {string[]}
 */
export function timeLabels(_, splits, __, ___, step) {
  let day = "";
  return splits.map((split) => {
    const told = utc(split);
    const before = day;
    day = told.slice(0, 10);
    const time = step < 60 ? told.slice(11) : told.slice(11, 16);
    return day === before ? time : `${time}\n${day}`;
  });
}

/** @param {any[]} points @param {number} until @returns {any[]} The value that holds still, at the end. */
export function held(points, until) {
  const end = points[points.length - 1];
  return end && end[0] < until ? [[until, end[1]]] : [];
}
