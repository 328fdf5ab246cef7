// Line chart of curves by uPlot. New data never move the view.
import uPlot from "uplot";
import { token } from "../views/theme.js";
import { AutoScale, plainNumbers } from "./scales.js";
import { extent } from "./curves.js";

const HEIGHT = 260;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/**
 * @typedef {import("./curves.js").Curves} Curves
 * @typedef {{xLabel: string, yLabel: string, isRed: boolean, onZoom: (range: [number, number] | null) => void}} Look
 */

/** A chart in an element, from its making to `destroy`. */
export class SpectrumChart {
  /**
   * @param {HTMLElement} host
   * @param {string[]} names Of the curves.
   * @param {Look} look
   */
  constructor(host, names, look) {
    this.host = host;
    this.names = names;
    this.look = look;
    this.scale = new AutoScale();
    /** @type {Set<string>} */
    this.hidden = new Set();
    /** @type {[number, number] | null} */
    this.zoom = null;
    /** @type {[number, number]} */
    this.yRange = [0, 1];
    this.xRange = /** @type {[number, number]} */ ([0, 1]);
    this.plot = new uPlot(this.options(), [[], ...names.map(() => [])], host);
    this.observer = new ResizeObserver(() => this.plot.setSize({ width: host.clientWidth, height: HEIGHT }));
    this.observer.observe(host);
    this.plot.over.addEventListener("dblclick", () => look.onZoom(null));
  }

  /** @returns {any} Of uPlot. */
  options() {
    const { names, look } = this;
    const axis = { stroke: token("dim"), grid: { stroke: token("grid"), width: 1 }, ticks: { stroke: token("grid"), width: 1 }, font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif", labelSize: 18, labelGap: 0, values: plainNumbers };
    const shown = (/** @type {any} */ _, /** @type {number | null} */ value) => (value === null || value === undefined ? "-" : value.toPrecision(6));
    return {
      width: this.host.clientWidth || 600,
      height: HEIGHT,
      legend: { live: true },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
      scales: { x: { time: false, range: () => this.xRange }, y: { range: () => this.yRange } },
      axes: [{ ...axis, label: look.xLabel, size: 34, space: 84 }, { ...axis, label: look.yLabel, size: 58 }],
      series: [
        { label: look.xLabel, value: shown },
        ...names.map((name, index) => ({
          label: name || look.yLabel,
          stroke: token(`series-${(index % 8) + 1}`),
          width: 1,
          dash: look.isRed || index >= 8 ? DASHES[index % DASHES.length] : undefined,
          points: { show: false },
          value: shown,
        })),
      ],
      hooks: {
        setSelect: [(/** @type {any} */ plot) => this.select(plot)],
        setSeries: [(/** @type {any} */ plot, /** @type {number | null} */ index) => this.takeSeries(plot, index)],
      },
    };
  }

  /** @param {any} plot */
  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    this.look.onZoom([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  /**
   * @param {any} plot
   * @param {number | null} index
   */
  takeSeries(plot, index) {
    if (index === null || index === 0) return;
    if (plot.series[index].show) this.hidden.delete(this.names[index - 1]);
    else this.hidden.add(this.names[index - 1]);
    this.scale.reset();
  }

  /**
   * Draw curves.
   *
   * @param {Curves} curves
   * @param {[number, number] | null} zoom Of x; null: all of them.
   * @param {[number, number] | null} fixed Of y; null: it follows the data.
   * @param {number} now s.
   */
  draw(curves, zoom, fixed, now) {
    const { x } = curves;
    this.xRange = zoom ?? [x[0], x[x.length - 1]];
    this.yRange = fixed ?? this.scale.take(...extent(curves, this.hidden), now);
    this.plot.setData([x, ...curves.rows.map((row) => row.y)], false);
    this.plot.batch(() => {
      this.plot.setScale("x", { min: this.xRange[0], max: this.xRange[1] });
      this.plot.setScale("y", { min: this.yRange[0], max: this.yRange[1] });
    });
  }

  destroy() {
    this.observer.disconnect();
    this.plot.destroy();
  }
}
