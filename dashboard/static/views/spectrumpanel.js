// One pipe of a Bank: its curves, its waterfall, and the proof that they live.
import { effect, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { curvesOf } from "../charts/curves.js";
import { Drawing } from "../charts/framedrawing.js";
import { isRange } from "../charts/scales.js";
import { SIDES, rightOf, widthOf } from "../charts/spectrumchart.js";
import { place, setQuery } from "../state/address.js";
import { moment, second } from "../state/clock.js";
import { listen } from "../state/frames.js";
import { oneFrame, site, want } from "../state/site.js";
import { frameKey } from "../transport/wishes.js";
import { span, utc, visible } from "../text/format.js";
import { saveCsv } from "./copying.js";
import { html } from "./html.js";
import { useKeys } from "./keyboard.js";
import { notify } from "./notices.js";
import { fileName, provenance, savePicture } from "./pictures.js";
import { Liveness } from "./liveness.js";
import { colours } from "./theme.js";

const WIDTH = 800; // pixels that are asked for: what is wider shows no more

/** @param {string | undefined} text As FIRST-END. @returns {[number, number] | undefined} */
export function readWindow(text) {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text ?? "");
  return match && Number(match[1]) < Number(match[2]) ? [Number(match[1]), Number(match[2])] : undefined;
}

/** @param {string | undefined} text As LOW..HIGH. @returns {[number, number] | null} */
export function readRange(text) {
  const [low, high] = (text ?? "").split("..").map((part) => (part === "" ? NaN : Number(part)));
  return isRange(low, high) ? [low, high] : null;
}

/** @param {{bank: string, object: string, property: any, isStale: boolean, scan: number | null}} _ */
export function SpectrumPanel({ bank, object, property, isStale, scan }) {
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const fall = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const scale = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const drawing = useRef(/** @type {Drawing | null} */ (null));
  const newest = useSignal(/** @type {any} */ (null));
  const isFrozen = useSignal(false);
  const { query } = place.value;
  const window = readWindow(query.x);
  const isDecibel = query.y === "db";
  const isChannel = query.axis === "channel";
  const fixed = readRange(query.scale);
  const fixScale = () => {
    const range = fixed ? null : drawing.current?.chart?.yRange;
    setQuery({ scale: range ? `${range[0]}..${range[1]}` : null });
  };
  const made = useComputed(() => JSON.stringify(makeOf(newest.value?.header)));
  const header = made.value && newest.peek()?.header;
  const rows = header?.rows ?? [];
  const row = Math.max(rows.indexOf(query.row ?? ""), 0);
  useEffect(() => {
    if (!host.current || !fall.current || !scale.current) return;
    const drawn = new Drawing({ host: host.current, fall: fall.current, scale: scale.current, property, onFrame: (frame) => { newest.value = frame; } });
    drawing.current = drawn;
    const stop = effect(() => {
      colours.value;
      drawn.later();
    });
    return () => {
      stop();
      drawn.destroy();
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
    drawing.current?.show({ isDecibel, isChannel, window, fixed, row, isFrozen: isFrozen.value, onZoom: (/** @type {[number, number] | null} */ points) => setQuery({ x: points && `${points[0]}-${points[1]}` }) });
  });
  const freeze = () => {
    isFrozen.value = !isFrozen.value;
  };
  useKeys({ f: freeze });
  const title = `${bank} ${property.name}`;
  return html`<section class="panel ${isStale ? "stale" : ""}" aria-label="spectrum ${property.name}">
    <header><h2>${visible(property.name, 40)}</h2><span class="dim">${[header && `${header.points ?? header.arrays[0].shape.at(-1)} channels`, visible(property.unit ?? "", 20)].filter(Boolean).join(", ")}</span><span class="grow"></span>
      <div class="filters">
        <button aria-pressed=${isDecibel} onClick=${() => setQuery({ y: isDecibel ? null : "db", scale: null })}>dB</button>
        <button aria-pressed=${isChannel} onClick=${() => setQuery({ axis: isChannel ? null : "channel" })}>channels</button>
        <button aria-pressed=${fixed !== null} onClick=${fixScale} title="the scale of y as it is now, in the link">fix y</button>
        ${window && html`<button onClick=${() => setQuery({ x: null })}>whole range</button>`}
        <button aria-pressed=${isFrozen.value} onClick=${freeze} title="f">${isFrozen.value ? "frozen" : "freeze"}</button>
        <button onClick=${() => saveView(host.current, fall.current, about(title, scan))}>PNG</button>
        <button onClick=${() => saveNumbers({ bank, object, name: property.name, window }, drawing.current, title, scan)}>CSV</button>
      </div></header>
    <div class="plot-of"><div class="plot" ref=${host} role="img" aria-label=${summary(title, header)}></div>
      ${!header && html`<p class="empty">${moment.value === null ? "No spectrum yet: one is shown as soon as the Bank makes it." : "Nothing was kept of it here: spectra of the past are in data files only."}</p>`}</div>
    <div class="fall"><span class="side">newest on top</span><canvas ref=${fall} width="800" height="256" role="img" aria-label="waterfall of ${title}, 512 spectra, newest on top"></canvas>
      <div class="scale-of"><canvas ref=${scale} width="12" height="256" aria-hidden="true"></canvas><${Levels} drawing=${drawing} unit=${property.unit ?? ""} /></div></div>
    <${Liveness} newest=${newest} />
    <div class="proof">${rows.length > 1 && html`<label>waterfall of <select aria-label="row of the waterfall" value=${rows[row]} onChange=${(/** @type {any} */ event) => setQuery({ row: event.currentTarget.value })}>${rows.map((/** @type {string} */ name) => html`<option key=${name}>${name}</option>`)}</select></label>`}
      ${header && html`<${Newest} newest=${newest} />`}
      ${header?.arrays.some((/** @type {any} */ each) => each.key === "lower") && html`<span>least and greatest of ${Math.round(((header.window?.[1] ?? header.points) - (header.window?.[0] ?? 0)) / header.arrays[0].shape.at(-1) * 10) / 10} channels for each pixel</span>`}
    </div>
  </section>`;
}

/** @param {any} header @returns {any} What of it the panel shows; numbers and times of frames have views of their own, once a second. */
function makeOf(header) {
  return header && [header.rows, header.points, header.window, header.arrays.map((/** @type {any} */ { key, shape }) => [key, shape])];
}

/** @param {{newest: any}} _ The newest frame: its number and age. */
function Newest({ newest }) {
  const now = second.value;
  const { number, time } = newest.peek().header;
  return html`<span>frame ${number}, ${span(now - time)} old, ${utc(time, 1)} UTC</span>`;
}

/** @param {{drawing: any, unit: string}} _ Levels at the ends of the waterfall's colours. */
function Levels({ drawing, unit }) {
  second.value; // they move seldom
  const range = drawing.current?.waterfall.range;
  return html`<div><span>${range ? range[1].toPrecision(4) : ""}</span><span>${visible(unit, 12)}</span><span>${range ? range[0].toPrecision(4) : ""}</span></div>`;
}

/** @param {string} title @param {any} header @returns {string} In a line, for who does not see it. */
function summary(title, header) {
  if (!header) return `${title}, nothing yet`;
  return `${title}, ${header.arrays[0].shape.length > 1 ? header.arrays[0].shape[0] : 1} curves, ${header.points} channels`;
}

/** @param {any} host @param {any} fall @param {string} title */
function saveView(host, fall, title) {
  const chart = host?.querySelector("canvas");
  if (!chart) return;
  const scale = chart.width / widthOf(host);
  savePicture(title, [provenance(title)], [chart.width, chart.height + fall.height], (context) => {
    context.drawImage(chart, 0, 0);
    context.drawImage(fall, SIDES.left * scale, chart.height, chart.width - (SIDES.left + rightOf(host)) * scale, fall.height);
  });
}

/** @param {string} title @param {number | null} scan */
const about = (title, scan) => `${title}${scan === null ? "" : `, scan ${scan}`}`;

/**
 * Save all numbers of the view: where the picture has bounds of several channels, a whole frame is asked for.
 *
 * @param {{bank: string, object: string, name: string, window?: [number, number]}} pipe
 * @param {Drawing | null} drawing
 * @param {string} title
 * @param {number | null} scan
 */
async function saveNumbers({ window, ...pipe }, drawing, title, scan) {
  if (!drawing?.curves) return;
  let frame = drawing.frame;
  if (drawing.curves.isReduced) {
    try {
      frame = await oneFrame({ ...pipe, rate: site.peek().frame_hz, ...(window && { window }) });
    } catch (error) {
      notify(`${title}: ${/** @type {Error} */ (error).message}`, true);
      return;
    }
  }
  const [xLabel, yLabel] = JSON.parse(drawing.look);
  const { x, rows } = /** @type {any} */ (curvesOf(frame, drawing.how));
  const head = [`${xLabel}`, ...rows.map((/** @type {any} */ each) => `${each.name} [${yLabel}]`)];
  const lines = Array.from(x, (at, index) => [at, ...rows.map((/** @type {any} */ each) => each.y[index])]);
  saveCsv(fileName(title, "csv"), [provenance(about(title, scan)), location.href, `frame of ${utc(frame.header.time, 3)} UTC`], [head, ...lines]);
}
