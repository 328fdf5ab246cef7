// Plot of one spectrum that lives: zoom and markers by mouse, a gate as a draft, others laid over it, what a fit leaves under it.
import { clearContext, drawAxes, drawCounts, drawCurve, drawHeat, drawLegend, drawMarkers, drawResiduals, drawShape, greatestIn, paintHeat, within } from "./drawing.js";
import { MARGIN, Plane, writeRange, readRange } from "./plane.js";
import { widthOf } from "./tables.js";

const CLICK_PX = 4;
const NEAR_PX = 9;
const LEAST_LOG = 0.5;
const RESIDUALS_PX = 130;
const LEAST_RESIDUALS = 3;

/**
 * @typedef {{label: string, counts: ArrayLike<number>, axis: {start: number, delta: number}, colour: string, dash: number[]}} Laid A spectrum over it.
 */

/** @param {string | undefined} text As M1,M2. @returns {number[]} */
export const readMarkers = (text) => (text ? text.split(",").map(Number).filter(Number.isFinite).slice(0, 2) : []);

/** @param {number} value @param {number} step @returns {number} Without digits that mean nothing. */
const rounded = (value, step) => Number(value.toFixed(Math.min(Math.max(2 - Math.floor(Math.log10(step)), 0), 12)));

/** @param {any} tools Interface of the page. */
export function makePlot(tools) {
  const { html, useEffect, useMemo, useRef, useSignal, format, colours, theme, token, colourTable, niceStep, plainNumbers, AutoScale, second } = tools;

  const look = () => ({
    text: token("text"), dim: token("dim"), grid: token("grid"), panel: token("panel"), counts: token("series-1"), fit: token("series-2"), gate: token("series-3"), draft: token("series-6"), select: token("select"),
  });

  /**
   * @param {{spectrum: any, frame: any, laid?: Laid[], shapes: import("./gates.js").Shape[], gate?: string, markers?: number[], window: {x: any, y: any},
   *          isLog: boolean, isSmall?: boolean, fit: any, draft: any, units: (name: string) => string,
   *          onZoom: (window: {x: any, y: any}) => void, onMark: (markers: number[]) => void, onTwice: () => void}} _
   *     `gate`: name of the chosen one. `window`: what is seen; null: all. `fit`, `draft`: signals, or null. `isSmall`: one of several panes.
   */
  return function Plot({ spectrum, frame, laid = [], shapes, gate, markers = [], window, isLog, isSmall = false, fit, draft, units, onZoom, onMark, onTwice }) {
    const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
    const size = useSignal([0, 0]);
    const pointer = useSignal(/** @type {{x: number, y: number} | null} */ (null));
    const drag = useSignal(/** @type {{x: number, y: number, vertex: number} | null} */ (null));
    const heat = useMemo(() => document.createElement("canvas"), []);
    const isFlat = spectrum.axes.length === 1;
    const [xAxis, yAxis] = spectrum.axes;
    const axis = { start: xAxis.low, delta: widthOf(xAxis) };
    const whole = { x: [xAxis.low, xAxis.high], y: isFlat ? [0, 1] : [yAxis.low, yAxis.high] };
    const scale = useMemo(() => new AutoScale(), [isLog, window.x && writeRange(window.x)]);
    const told = frame.value?.arrays.data;
    const counts = told && told.data.length === xAxis.bins * (isFlat ? 1 : yAxis.bins) ? told.data : null; // others are of what was booked under its name before
    const drawn = draft?.value ?? null;
    const found = fit?.value ?? null;
    const hasRest = isFlat && !isSmall && found !== null && found.residuals.length > 0;
    useEffect(() => {
      const seen = new ResizeObserver(([entry]) => { size.value = [entry.contentRect.width, entry.contentRect.height]; });
      seen.observe(/** @type {Element} */ (canvas.current));
      return () => seen.disconnect();
    }, []);
    const shownX = window.x ?? whole.x;
    const yRange = () => {
      if (!isFlat) return window.y ?? whole.y;
      if (!counts) return isLog ? [LEAST_LOG, 10] : [0, 10];
      const most = Math.max(1, greatestIn(counts, axis, shownX), ...laid.map((each) => greatestIn(each.counts, each.axis, shownX)));
      if (!isLog) return scale.take(0, most * 1.05, second.peek());
      const [, high] = scale.take(0, Math.log10(most * 1.3), second.peek());
      return [LEAST_LOG, 10 ** high];
    };
    const height = size.value[1] - (hasRest ? RESIDUALS_PX : 0);
    const plane = new Plane({ width: size.value[0], height, x: shownX, y: /** @type {any} */ (yRange()), isLog: isFlat && isLog });
    const greatest = useMemo(() => (isFlat || !counts ? 0 : paintHeat(heat, counts, [xAxis.bins, yAxis.bins], { table: colourTable(theme.value), isLog })), [counts, isLog, theme.value, colours.value]);
    const stepX = (shownX[1] - shownX[0]) / plane.width;
    const stepY = isFlat ? 1 : (plane.y[1] - plane.y[0]) / plane.height;

    useEffect(() => {
      const [width, full] = size.value;
      if (width === 0) return;
      const context = clearContext(/** @type {HTMLCanvasElement} */ (canvas.current), size.value);
      const colour = look();
      const named = (/** @type {string} */ name) => [format.visible(name ?? "", 40), units(name) && `[${format.visible(units(name), 16)}]`].filter(Boolean).join(" ");
      if (!isFlat) within(context, plane, () => {
        context.fillStyle = token("bg");
        context.fillRect(0, 0, width, full);
      });
      drawAxes(context, plane, { colours: colour, niceStep, plainNumbers, x: named(spectrum.xparameters[0]), y: isFlat ? "counts" : named(spectrum.yparameters[0]) });
      if (!isFlat && counts) within(context, plane, () => drawHeat(context, plane, heat, /** @type {any} */ (whole)));
      within(context, plane, () => {
        if (isFlat) drawMarkers(context, plane, markers, colour);
        for (const each of laid) drawCounts(context, plane, each.counts, each.axis, { ...each, colour: token(each.colour) });
        if (isFlat && counts) drawCounts(context, plane, counts, axis, { colour: colour.counts });
        if (found) drawCurve(context, plane, found.x, found.y, colour.fit);
        for (const shape of shapes) drawShape(context, plane, shape, { colour: isFlat ? colour.gate : colour.text, halo: colour.panel, isChosen: shape.name === gate });
        if (drawn) drawShape(context, plane, drawn, { colour: colour.draft, halo: colour.panel, isDraft: true, label: `${drawn.name}, not sent` });
        if (drag.value && drag.value.vertex < 0 && pointer.value) drawSelection(context, colour.text);
        const lines = laid.map((each) => ({ ...each, label: format.visible(each.label, 60), colour: token(each.colour) }));
        if (isSmall || lines.length) drawLegend(context, plane, [{ label: format.visible(spectrum.name, 60), ...(isFlat && { colour: colour.counts }) }, ...lines], { text: colour.text, halo: colour.panel });
      });
      if (hasRest) drawRest(context, colour);
    });

    /** @param {CanvasRenderingContext2D} context @param {any} colour */
    function drawRest(context, colour) {
      const most = Math.ceil(Math.max(LEAST_RESIDUALS, ...found.residuals.map(Math.abs)));
      const below = new Plane({ width: size.value[0], height: RESIDUALS_PX, offset: height, x: plane.x, y: [-most, most] });
      drawAxes(context, below, { colours: colour, niceStep, plainNumbers, x: "counts - fit, in standard deviations", y: "" });
      within(context, below, () => drawResiduals(context, below, found, colour));
    }

    /** @param {CanvasRenderingContext2D} context @param {string} colour */
    function drawSelection(context, colour) {
      const [from, to] = [drag.value, pointer.value];
      if (!from || !to) return;
      context.strokeStyle = colour;
      context.setLineDash([3, 3]);
      context.strokeRect(from.x, isFlat ? plane.top : from.y, to.x - from.x, isFlat ? plane.height : to.y - from.y);
      context.setLineDash([]);
    }

    const at = (/** @type {PointerEvent} */ event) => {
      const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const point = (/** @type {{x: number, y: number}} */ pixel) => /** @type {[number, number]} */ ([rounded(plane.xValue(pixel.x), stepX), isFlat ? 0 : rounded(plane.yValue(pixel.y), stepY)]);
    const onDown = (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      const pixel = at(event);
      const near = (drawn?.points ?? []).findIndex((/** @type {number[]} */ [x, y]) => Math.hypot(plane.xPixel(x) - pixel.x, isFlat ? 0 : plane.yPixel(y) - pixel.y) < NEAR_PX);
      drag.value = { ...pixel, vertex: near };
      /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
    };
    const onMove = (/** @type {PointerEvent} */ event) => {
      pointer.value = at(event);
      if (drag.value && drag.value.vertex >= 0 && drawn) {
        const points = drawn.points.slice();
        points[drag.value.vertex] = point(pointer.value);
        draft.value = { ...drawn, points };
      }
    };
    const onUp = (/** @type {PointerEvent} */ event) => {
      const from = drag.value;
      drag.value = null;
      if (!from) return;
      const to = at(event);
      const isClick = Math.abs(to.x - from.x) < CLICK_PX && Math.abs(to.y - from.y) < CLICK_PX;
      if (from.vertex >= 0) return;
      if (drawn) draw(from, to, isClick);
      else if (isClick) mark(to);
      else zoom(from, to);
    };
    /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to @param {boolean} isClick */
    function draw(from, to, isClick) {
      const { points } = drawn;
      if (isFlat) draft.value = { ...drawn, points: isClick ? [...points, point(to)].slice(-2) : [point(from), point(to)] };
      else if (isClick) draft.value = { ...drawn, points: [...points, point(to)] };
    }
    /** @param {{x: number, y: number}} pixel */
    function mark(pixel) {
      if (!isFlat) return onMark([]);
      const [value] = point(pixel);
      const next = markers.length < 2 ? [...markers, value] : Math.abs(markers[0] - value) < Math.abs(markers[1] - value) ? [value, markers[1]] : [markers[0], value];
      onMark(next.sort((a, b) => a - b));
    }
    /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
    function zoom(from, to) {
      const span = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number[]} */ [low, high]) => readRange(writeRange([Math.max(Math.min(a, b), low), Math.min(Math.max(a, b), high)]));
      const [a, b] = [point(from), point(to)];
      if (isFlat ? Math.abs(to.x - from.x) < CLICK_PX : Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) < CLICK_PX) return;
      onZoom({ x: span(a[0], b[0], whole.x), y: isFlat ? null : span(a[1], b[1], whole.y) });
    }

    const pointed = () => {
      const from = pointer.value;
      if (!from || !counts || from.x < MARGIN.left) return "";
      const [x, y] = point(from);
      const column = Math.floor(((x - xAxis.low) / (xAxis.high - xAxis.low)) * xAxis.bins);
      const line = isFlat ? 0 : Math.floor(((y - yAxis.low) / (yAxis.high - yAxis.low)) * yAxis.bins);
      const count = column < 0 || column >= xAxis.bins ? undefined : counts[line * xAxis.bins + column];
      return count === undefined ? "" : `${x}${isFlat ? "" : `, ${y}`}: ${count} counts`;
    };
    const header = frame.value?.header;
    return html`<div class="plot-of"><canvas ref=${canvas} class="spectrum ${isSmall ? "small" : hasRest ? "with-rest" : ""} ${drawn ? "drawing" : ""}" role="img" aria-label="spectrum ${spectrum.name}, ${spectrum.axes.map((/** @type {any} */ each) => each.bins).join(" by ")} bins${laid.length ? `, with ${laid.map((each) => each.label).join(", ")}` : ""}${hasRest ? ", what the fit leaves under it" : ""}${header ? "" : ", nothing yet"}"
        onPointerDown=${onDown} onPointerMove=${onMove} onPointerUp=${onUp} onPointerCancel=${() => { drag.value = null; }} onPointerLeave=${() => { pointer.value = null; }} onDblClick=${() => !drawn && onTwice()}></canvas>
      ${!header && html`<p class="empty">No contents yet: they come as soon as the Bank sends them.</p>`}
      <div class="proof"><span>${header ? `contents of ${format.utc(header.time)} UTC, ${format.span(second.value - header.time)} old` : ""}</span>${!isFlat && header && html`<span class="colours">0 <i></i> ${greatest} counts, ${isLog ? "log" : "linear"}</span>`}<span class="grow"></span><span>${pointed()}</span></div></div>`;
  };
}
