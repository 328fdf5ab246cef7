// Frames of a pipe as they come, drawn as curves and as a waterfall; at most ten pictures a second, and only when seen.
import { colours, theme } from "../views/theme.js";
import { colourTable } from "./colormap.js";
import { curvesOf, pixels } from "./curves.js";
import { prefixed } from "./scales.js";
import { SpectrumChart } from "./spectrumchart.js";
import { Waterfall } from "./waterfall.js";

const MAX_HZ = 10;

/** Draws frames as they come; knows the view, but not its controls. */
export class Drawing {
  /** @param {{host: HTMLElement, fall: HTMLCanvasElement, scale: HTMLCanvasElement, property: any, onFrame: (frame: any) => void}} parts */
  constructor({ host, fall, scale, property, onFrame }) {
    this.host = host;
    this.scale = scale;
    this.property = property;
    this.onFrame = onFrame;
    /** @type {SpectrumChart | null} */
    this.chart = null;
    this.waterfall = new Waterfall(fall, theme.peek());
    /** @type {any} */
    this.frame = null;
    /** @type {any} */
    this.curves = null;
    /** @type {any} */
    this.how = null;
    this.isDue = this.isNew = false;
    this.drawnAt = -Infinity;
    this.look = "";
    /** @type {any} */
    this.view = {};
    this.isSeen = true;
    this.observer = new IntersectionObserver(([{ isIntersecting }]) => {
      this.isSeen = isIntersecting;
      if (isIntersecting) this.later();
    });
    this.observer.observe(/** @type {HTMLElement} */ (host.parentElement?.parentElement ?? host));
  }

  /** @param {any} frame */
  take(frame) {
    this.onFrame(frame);
    if (this.view.isFrozen) return;
    this.frame = frame;
    this.isNew = true;
    this.later();
  }

  /** @param {any} view */
  show(view) {
    this.view = view;
    this.later();
  }

  later() {
    if (this.isDue || !this.isSeen) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      const wait = this.drawnAt + 1000 / MAX_HZ - performance.now();
      if (wait > 0) setTimeout(() => this.later(), wait);
      else this.draw();
    });
  }

  draw() {
    if (!this.frame || !this.host.isConnected) return;
    this.drawnAt = performance.now();
    const { isChannel, isDecibel, window, row } = this.view;
    const x = this.abscissa();
    const how = this.how = { isChannel: isChannel || this.frame.header.x_start === undefined, factor: x.factor, isDecibel };
    this.curves = curvesOf(this.frame, how);
    if (!this.curves) return;
    const xLabel = how.isChannel ? "channel" : x.unit || "x";
    const yLabel = isDecibel ? `dB (${this.property.unit || "1"})` : this.property.unit || "value";
    this.remake([xLabel, yLabel, theme.peek(), colours.peek(), ...this.curves.rows.map((/** @type {any} */ each) => each.name)], xLabel, yLabel);
    const zoom = window ? this.toX(window, how) : null;
    this.chart?.draw(this.curves, zoom, this.view.fixed, performance.now() / 1000);
    if (this.isNew) this.waterfall.add(pixels(curvesOf(this.frame, { ...how, isChannel: true, isDecibel: false }) ?? this.curves, Math.min(row, this.curves.rows.length - 1)));
    this.isNew = false;
    this.waterfall.draw();
  }

  /** @returns {{factor: number, unit: string}} Unit of the abscissa, and its numbers' factor. */
  abscissa() {
    const { x_start: start = 0, x_delta: delta = 0, points = 1 } = this.frame.header;
    return prefixed(Math.abs(start) + Math.abs(delta) * points, this.property.x_unit ?? "");
  }

  /** @param {[number, number]} window @param {{isChannel: boolean, factor: number}} how @returns {[number, number]} */
  toX([first, end], { isChannel, factor }) {
    const { x_start: start = 0, x_delta: delta = 1 } = this.frame.header;
    if (isChannel) return [first, end - 1];
    const ends = [first, end - 1].map((point) => (start + delta * point) * factor);
    return delta < 0 ? [ends[1], ends[0]] : [ends[0], ends[1]];
  }

  /** @param {any[]} look @param {string} xLabel @param {string} yLabel The chart is made anew only if what it looks like changed. */
  remake(look, xLabel, yLabel) {
    const key = JSON.stringify(look);
    if (key === this.look) return;
    this.look = key;
    this.chart?.destroy();
    const names = this.curves.rows.map((/** @type {any} */ each) => each.name);
    this.chart = new SpectrumChart(this.host, names, { xLabel, yLabel, isRed: theme.peek() === "red", onZoom: (range) => this.view.onZoom(range && this.toPoints(range)) });
    this.waterfall.recolour(theme.peek());
    this.drawScale();
  }

  /** @param {[number, number]} range Of the abscissa. @returns {[number, number]} Points. */
  toPoints(range) {
    const { header } = this.frame;
    const x = this.abscissa();
    const isChannel = this.view.isChannel || header.x_start === undefined;
    const at = (/** @type {number} */ value) => (isChannel ? value : (value / x.factor - header.x_start) / (header.x_delta ?? 1));
    const [first, end] = range.map(at).sort((a, b) => a - b);
    const points = header.points ?? this.curves.x.length;
    return [Math.max(Math.floor(first), 0), Math.min(Math.ceil(end) + 1, points)];
  }

  drawScale() {
    const context = this.scale.getContext("2d");
    if (!context) return;
    const table = colourTable(theme.peek());
    for (let index = 0; index < 256; index++) {
      const colour = table[255 - index];
      context.fillStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
      context.fillRect(0, index, 12, 1);
    }
  }

  destroy() {
    this.observer.disconnect();
    this.chart?.destroy();
  }
}
