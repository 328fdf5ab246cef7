// Values over time by uPlot: UTC on the axis, steps between values, gaps where there was none.
import uPlot from "uplot";
import { utc } from "../text/format.js";
import { aligned, held, timeLabels } from "./timeaxis.js";
import { token } from "../views/theme.js";

const HEIGHT = 240;

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
        axes: [{ ...axis, label: "UTC", size: 46, space: 74, values: timeLabels }, { ...axis, label: unit || "value", size: 64, values: (_, splits) => splits.map((split) => String(Number(split.toPrecision(7)))) }],
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
      /** @type {any} */ (aligned(series.map((each) => ({ points: [...each.points, ...held(each.points, until)] })))),
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
