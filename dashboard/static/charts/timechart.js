// Values over time by uPlot: UTC on the axis, steps between values, gaps where there was none.
import uPlot from "uplot";
import { utc } from "../text/format.js";
import { token } from "../views/theme.js";

const HEIGHT = 240;

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

/** A chart of series with one unit. */
export class TimeChart {
  /**
   * @param {HTMLElement} host
   * @param {{bank: string, key: string, unit: string, points: any[]}[]} series
   * @param {{since: number, until: number, unit: string, onZoom: (range: [number, number]) => void}} view
   */
  constructor(host, series, { since, until, unit, onZoom }) {
    const axis = { stroke: token("dim"), grid: { stroke: token("grid"), width: 1 }, ticks: { stroke: token("grid"), width: 1 }, font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif", labelSize: 18, labelGap: 0 };
    const paths = /** @type {any} */ (uPlot.paths).stepped({ align: 1 });
    const shown = (/** @type {any} */ _, /** @type {number | null} */ value) => (value === null || value === undefined ? "-" : String(Number(value.toPrecision(7))));
    this.plot = new uPlot(
      {
        width: host.clientWidth || 600,
        height: HEIGHT,
        tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
        cursor: { drag: { x: true, y: false, setScale: false } },
        scales: { x: { time: true, range: () => [since, until] } },
        axes: [{ ...axis, label: "UTC" }, { ...axis, label: unit || "value", size: 64, values: (_, splits) => splits.map((split) => String(Number(split.toPrecision(7)))) }],
        series: [
          { label: "UTC", value: (_, time) => (time ? utc(time, 1) : "-") },
          ...series.map(({ bank, key }, place) => ({ label: `${bank} ${key}`, stroke: token(`series-${(place % 8) + 1}`), width: 1.5, paths, points: { show: false }, value: shown })),
        ],
        hooks: {
          setSelect: [
            (plot) => {
              const { left, width } = plot.select;
              if (width > 4) onZoom([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
            },
          ],
        },
      },
      /** @type {any} */ (aligned(series.map((each) => ({ points: [...each.points, ...last(each.points, until)] })))),
      host,
    );
    this.observer = new ResizeObserver(() => this.plot.setSize({ width: host.clientWidth, height: HEIGHT }));
    this.observer.observe(host);
  }

  destroy() {
    this.observer.disconnect();
    this.plot.destroy();
  }
}

/** @param {any[]} points @param {number} until @returns {any[]} The value that holds still, at the end. */
function last(points, until) {
  const end = points[points.length - 1];
  return end && end[0] < until ? [[until, end[1]]] : [];
}
