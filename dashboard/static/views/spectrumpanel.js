// One pipe of a Bank: its curves, its waterfall, and the proof that they live.
import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SpectrumChart } from "../charts/spectrumchart.js";
import { Waterfall } from "../charts/waterfall.js";
import { curvesOf, pixels } from "../charts/curves.js";
import { prefixed } from "../charts/scales.js";
import { colourTable } from "../charts/colormap.js";
import { place, setQuery } from "../state/address.js";
import { second } from "../state/clock.js";
import { listen } from "../state/frames.js";
import { site, want } from "../state/site.js";
import { frameKey } from "../transport/wishes.js";
import { span, utc, visible } from "../text/format.js";
import { save, saveCsv } from "./copying.js";
import { html } from "./html.js";
import { useKeys } from "./keyboard.js";
import { Liveness } from "./liveness.js";
import { colours, theme, token } from "./theme.js";

const WIDTH = 800; // pixels that are asked for: what is wider shows no more
const MOST_HZ = 10;

/** @param {string | undefined} text As FIRST-END. @returns {[number, number] | undefined} */
export function readWindow(text) {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text ?? "");
  return match && Number(match[1]) < Number(match[2]) ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Draws frames as they come; knows the view, but not its controls. */
class Drawing {
  /** @param {{host: HTMLElement, fall: HTMLCanvasElement, scale: HTMLCanvasElement, property: any, onFrame: (frame: any) => void}} parts */
  constructor({ host, fall, scale, property, onFrame }) {
    Object.assign(this, { host, fall, scale, property, onFrame });
    /** @type {SpectrumChart | null} */
    this.chart = null;
    this.waterfall = new Waterfall(fall, theme.peek());
    /** @type {any} */
    this.frame = null;
    /** @type {any} */
    this.curves = null;
    this.isDue = this.isNew = false;
    this.drawnAt = -Infinity;
    this.look = "";
    /** @type {any} */
    this.view = {};
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
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      const wait = this.drawnAt + 1000 / MOST_HZ - performance.now();
      if (wait > 0) setTimeout(() => this.later(), wait);
      else this.draw();
    });
  }

  draw() {
    if (!this.frame || !this.host.isConnected) return;
    this.drawnAt = performance.now();
    const { isChannel, isDecibel, window, row } = this.view;
    const { header } = this.frame;
    const x = prefixed(Math.abs(header.x_start ?? 0) + Math.abs(header.x_delta ?? 0) * (header.points ?? 1), this.property.x_unit ?? "");
    const how = { isChannel: isChannel || header.x_start === undefined, factor: x.factor, isDecibel };
    this.curves = curvesOf(this.frame, how);
    if (!this.curves) return;
    const xLabel = how.isChannel ? "channel" : x.unit || "x";
    const yLabel = isDecibel ? `dB (${this.property.unit || "1"})` : this.property.unit || "value";
    this.remake([xLabel, yLabel, theme.peek(), colours.peek(), ...this.curves.rows.map((/** @type {any} */ each) => each.name)], xLabel, yLabel);
    const zoom = window ? this.toX(window, how) : null;
    this.chart?.draw(this.curves, zoom, performance.now() / 1000);
    if (this.isNew) this.waterfall.add(pixels(curvesOf(this.frame, { ...how, isChannel: true, isDecibel: false }) ?? this.curves, Math.min(row, this.curves.rows.length - 1)));
    this.isNew = false;
    this.waterfall.draw();
    this.drawScale();
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
  }

  /** @param {[number, number]} range Of the abscissa. @returns {[number, number]} Points. */
  toPoints(range) {
    const { header } = this.frame;
    const x = prefixed(Math.abs(header.x_start ?? 0) + Math.abs(header.x_delta ?? 0) * (header.points ?? 1), this.property.x_unit ?? "");
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
    this.chart?.destroy();
  }
}

/** @param {{bank: string, object: string, property: any, isStale: boolean, scan: number | null}} _ */
export function SpectrumPanel({ bank, object, property, isStale, scan }) {
  const host = useRef(null);
  const fall = useRef(null);
  const scale = useRef(null);
  const drawing = useRef(/** @type {Drawing | null} */ (null));
  const newest = useSignal(/** @type {any} */ (null));
  const isFrozen = useSignal(false);
  const { query } = place.value;
  const window = readWindow(query.x);
  const isDecibel = query.y === "db";
  const isChannel = query.axis === "channel";
  const rows = newest.value?.header.rows ?? [];
  const row = Math.max(rows.indexOf(query.row ?? ""), 0);
  useEffect(() => {
    const made = new Drawing({ host: host.current, fall: fall.current, scale: scale.current, property, onFrame: (frame) => { newest.value = frame; } });
    drawing.current = made;
    const stop = effect(() => {
      colours.value;
      made.later();
    });
    return () => {
      stop();
      made.destroy();
    };
  }, [bank, object, property.name]);
  useEffect(() => {
    const wish = { bank, object, name: property.name, rate: site.peek().frame_hz, width: WIDTH, ...(window && { window }) };
    const deaf = listen(frameKey(wish), (frame) => drawing.current?.take(frame));
    const stop = want({ frames: [wish] });
    return () => {
      deaf();
      stop();
    };
  }, [bank, object, property.name, query.x]);
  useEffect(() => {
    drawing.current?.show({ isDecibel, isChannel, window, row, isFrozen: isFrozen.value, onZoom: (/** @type {[number, number] | null} */ points) => setQuery({ x: points && `${points[0]}-${points[1]}` }) });
  });
  const freeze = () => {
    isFrozen.value = !isFrozen.value;
  };
  useKeys({ f: freeze });
  const title = `${bank} ${property.name}`;
  const header = newest.value?.header;
  const range = drawing.current?.waterfall.range;
  return html`<section class="panel ${isStale ? "stale" : ""}" aria-label="spectrum ${property.name}">
    <header><h2>${visible(property.name, 40)}</h2><span class="dim">${[header && `${header.points ?? header.arrays[0].shape.at(-1)} channels`, visible(property.unit ?? "", 20)].filter(Boolean).join(", ")}</span><span class="grow"></span>
      <div class="filters">
        <button aria-pressed=${isDecibel} onClick=${() => setQuery({ y: isDecibel ? null : "db" })}>dB</button>
        <button aria-pressed=${isChannel} onClick=${() => setQuery({ axis: isChannel ? null : "channel" })}>channels</button>
        ${window && html`<button onClick=${() => setQuery({ x: null })}>whole range</button>`}
        <button aria-pressed=${isFrozen.value} onClick=${freeze} title="f">${isFrozen.value ? "frozen" : "freeze"}</button>
        <button onClick=${() => savePicture(host.current, fall.current, title, scan)}>PNG</button>
        <button onClick=${() => saveNumbers(drawing.current, title, scan)}>CSV</button>
      </div></header>
    <div class="plot" ref=${host} role="img" aria-label=${summary(title, header)}></div>
    ${!header && html`<p class="empty">No spectrum yet: one is shown as soon as the Bank makes it.</p>`}
    <div class="fall"><span class="side">newest on top</span><canvas ref=${fall} width="800" height="256" role="img" aria-label="waterfall of ${title}, 512 spectra, newest on top"></canvas>
      <div class="scale-of"><canvas ref=${scale} width="12" height="256" aria-hidden="true"></canvas><div><span>${range ? range[1].toPrecision(4) : ""}</span><span>${visible(property.unit ?? "", 12)}</span><span>${range ? range[0].toPrecision(4) : ""}</span></div></div></div>
    <${Liveness} frame=${newest.value} />
    <div class="proof">${rows.length > 1 && html`<label>waterfall of <select aria-label="row of the waterfall" value=${rows[row]} onChange=${(/** @type {any} */ event) => setQuery({ row: event.currentTarget.value })}>${rows.map((/** @type {string} */ name) => html`<option key=${name}>${name}</option>`)}</select></label>`}
      ${header && html`<span>frame ${header.number}, ${span(second.value - header.time)} old, ${utc(header.time, 1)} UTC</span>`}
      ${header?.arrays.some((/** @type {any} */ each) => each.key === "lower") && html`<span>least and greatest of ${Math.round(((header.window?.[1] ?? header.points) - (header.window?.[0] ?? 0)) / header.arrays[0].shape.at(-1) * 10) / 10} channels for each pixel</span>`}
    </div>
  </section>`;
}

/** @param {string} title @param {any} header @returns {string} In a line, for who does not see it. */
function summary(title, header) {
  if (!header) return `${title}, nothing yet`;
  return `${title}, ${header.arrays[0].shape.length > 1 ? header.arrays[0].shape[0] : 1} curves, ${header.points} channels, frame ${header.number}`;
}

/** @param {any} host @param {any} fall @param {string} title @param {number | null} scan */
function savePicture(host, fall, title, scan) {
  const chart = host?.querySelector("canvas");
  if (!chart) return;
  const made = document.createElement("canvas");
  made.width = chart.width;
  made.height = 22 + chart.height + fall.height + 24;
  const context = /** @type {CanvasRenderingContext2D} */ (made.getContext("2d"));
  context.fillStyle = token("panel");
  context.fillRect(0, 0, made.width, made.height);
  context.fillStyle = token("text");
  context.font = "13px system-ui, sans-serif";
  context.fillText(provenance(title, scan), 8, 15);
  context.drawImage(chart, 0, 22);
  context.drawImage(fall, 58, 22 + chart.height, made.width - 66, fall.height);
  context.font = "11px system-ui, sans-serif";
  context.fillText(location.href, 8, made.height - 8);
  made.toBlob((blob) => blob && save(`${title.replaceAll(/\W+/g, "_")}.png`, blob));
}

/** @param {string} title @param {number | null} scan */
function provenance(title, scan) {
  return `${site.peek().name} ${title}${scan === null ? "" : `, scan ${scan}`}, ${utc(second.peek())} UTC, dashboard ${site.peek().version}`;
}

/** @param {Drawing | null} drawing @param {string} title @param {number | null} scan */
function saveNumbers(drawing, title, scan) {
  if (!drawing?.curves) return;
  const { x, rows } = drawing.curves;
  const [xLabel, yLabel] = JSON.parse(drawing.look);
  const head = [xLabel, ...rows.map((/** @type {any} */ each) => `${each.name} [${yLabel}]`)];
  const lines = Array.from(x, (at, index) => [at, ...rows.map((/** @type {any} */ each) => each.y[index])]);
  saveCsv(`${title.replaceAll(/\W+/g, "_")}.csv`, [provenance(title, scan), location.href, `frame of ${utc(drawing.frame.header.time, 3)} UTC`], [head, ...lines]);
}
