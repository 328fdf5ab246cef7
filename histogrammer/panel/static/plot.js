// Plot of one spectrum that lives: zoom and markers by mouse, a gate as a draft.
import { drawAxes, drawCounts, drawCurve, drawHeat, drawMarkers, drawShape, paintHeat, within } from "./drawing.js";
import { MARGIN, Plane, readRange, writeRange } from "./plane.js";

const RATE_HZ = 2;
const CLICK_PX = 4;
const NEAR_PX = 9;
const LEAST_LOG = 0.5;

/** @param {string | undefined} text As M1,M2. @returns {number[]} */
export const readMarkers = (text) => (text ? text.split(",").map(Number).filter(Number.isFinite).slice(0, 2) : []);

/** @param {number} value @param {number} step @returns {number} Without digits that mean nothing. */
const rounded = (value, step) => Number(value.toFixed(Math.min(Math.max(2 - Math.floor(Math.log10(step)), 0), 12)));

/** @param {any} tools Interface of the page. */
export function makePlot(tools) {
  const { html, useEffect, useMemo, useRef, useSignal, place, setQuery, format, colours, theme, token, colourTable, niceStep, plainNumbers, AutoScale, second, want, listen, frameKey } = tools;

  const look = () => ({
    text: token("text"), dim: token("dim"), grid: token("grid"), panel: token("panel"), counts: token("series-1"), fit: token("series-2"), gate: token("series-3"), draft: token("series-6"), select: token("select"),
  });

  /** @param {{bank: string, spectrum: any, shapes: import("./gates.js").Shape[], frame: any, fit: any, draft: any, units: (name: string) => string}} _ */
  return function Plot({ bank, spectrum, shapes, frame, fit, draft, units }) {
    const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
    const size = useSignal([0, 0]);
    const pointer = useSignal(/** @type {{x: number, y: number} | null} */ (null));
    const drag = useSignal(/** @type {{x: number, y: number, vertex: number} | null} */ (null));
    const heat = useMemo(() => document.createElement("canvas"), []);
    const { query } = place.value;
    const isFlat = spectrum.axes.length === 1;
    const isLog = query.lin !== "1";
    const [xAxis, yAxis] = spectrum.axes;
    const whole = { x: [xAxis.low, xAxis.high], y: isFlat ? [0, 1] : [yAxis.low, yAxis.high] };
    const scale = useMemo(() => new AutoScale(), [isLog, query.sx]);
    const markers = readMarkers(query.sm);
    const counts = frame.value?.arrays.data;
    useEffect(() => {
      frame.value = null;
      const wish = { bank, object: "bank", name: `spectrum.${spectrum.name}`, rate: RATE_HZ };
      const deaf = listen(frameKey(wish), (/** @type {any} */ came) => { frame.value = came; });
      const stop = want({ frames: [wish] });
      return () => {
        deaf();
        stop();
        frame.value = null;
      };
    }, []);
    useEffect(() => {
      const seen = new ResizeObserver(([entry]) => { size.value = [entry.contentRect.width, entry.contentRect.height]; });
      seen.observe(/** @type {Element} */ (canvas.current));
      return () => seen.disconnect();
    }, []);
    const shownX = readRange(query.sx) ?? whole.x;
    const yRange = () => {
      if (!isFlat) return readRange(query.sy) ?? whole.y;
      if (!counts) return isLog ? [LEAST_LOG, 10] : [0, 10];
      const delta = (xAxis.high - xAxis.low) / xAxis.bins;
      let most = 1;
      const end = Math.min(Math.ceil((shownX[1] - xAxis.low) / delta), counts.data.length);
      for (let index = Math.max(Math.floor((shownX[0] - xAxis.low) / delta), 0); index < end; index++) most = Math.max(most, counts.data[index]);
      if (!isLog) return scale.take(0, most * 1.05, second.peek());
      const [, high] = scale.take(0, Math.log10(most * 1.3), second.peek());
      return [LEAST_LOG, 10 ** high];
    };
    const plane = new Plane({ width: size.value[0], height: size.value[1], x: /** @type {any} */ (shownX), y: /** @type {any} */ (yRange()), isLog: isFlat && isLog });
    const greatest = useMemo(() => (isFlat || !counts ? 0 : paintHeat(heat, counts.data, [xAxis.bins, yAxis.bins], { table: colourTable(theme.value), isLog })), [counts, isLog, theme.value, colours.value]);
    const stepX = (shownX[1] - shownX[0]) / plane.width;
    const stepY = isFlat ? 1 : (plane.y[1] - plane.y[0]) / plane.height;

    useEffect(() => {
      const own = /** @type {HTMLCanvasElement} */ (canvas.current);
      const ratio = devicePixelRatio || 1;
      const [width, height] = size.value;
      if (width === 0) return;
      own.width = Math.round(width * ratio);
      own.height = Math.round(height * ratio);
      const context = /** @type {CanvasRenderingContext2D} */ (own.getContext("2d"));
      context.scale(ratio, ratio);
      const colour = look();
      const named = (/** @type {string} */ name) => [format.visible(name ?? "", 40), units(name) && `[${format.visible(units(name), 16)}]`].filter(Boolean).join(" ");
      if (!isFlat) within(context, plane, () => {
        context.fillStyle = token("bg");
        context.fillRect(0, 0, width, height);
      });
      drawAxes(context, plane, { colours: colour, niceStep, plainNumbers, x: named(spectrum.xparameters[0]), y: isFlat ? "counts" : named(spectrum.yparameters[0]) });
      if (!isFlat && counts) within(context, plane, () => drawHeat(context, plane, heat, /** @type {any} */ (whole)));
      within(context, plane, () => {
        if (isFlat) drawMarkers(context, plane, markers, colour);
        if (isFlat && counts) drawCounts(context, plane, counts.data, { start: xAxis.low, delta: (xAxis.high - xAxis.low) / xAxis.bins }, colour.counts);
        if (fit.value) drawCurve(context, plane, fit.value.x, fit.value.y, colour.fit);
        for (const shape of shapes) drawShape(context, plane, shape, { colour: isFlat ? colour.gate : colour.text, halo: colour.panel, isChosen: shape.name === query.sg });
        if (draft.value) drawShape(context, plane, draft.value, { colour: colour.draft, halo: colour.panel, isDraft: true, label: `${draft.value.name}, not sent` });
        if (drag.value && drag.value.vertex < 0 && pointer.value) drawSelection(context, colour.text);
      });
    });

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
      const near = (draft.value?.points ?? []).findIndex((/** @type {number[]} */ [x, y]) => Math.hypot(plane.xPixel(x) - pixel.x, isFlat ? 0 : plane.yPixel(y) - pixel.y) < NEAR_PX);
      drag.value = { ...pixel, vertex: near };
      /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
    };
    const onMove = (/** @type {PointerEvent} */ event) => {
      pointer.value = at(event);
      if (drag.value && drag.value.vertex >= 0 && draft.value) {
        const points = draft.value.points.slice();
        points[drag.value.vertex] = point(pointer.value);
        draft.value = { ...draft.value, points };
      }
    };
    const onUp = (/** @type {PointerEvent} */ event) => {
      const from = drag.value;
      drag.value = null;
      if (!from) return;
      const to = at(event);
      const isClick = Math.abs(to.x - from.x) < CLICK_PX && Math.abs(to.y - from.y) < CLICK_PX;
      if (from.vertex >= 0) return;
      if (draft.value) draw(from, to, isClick);
      else if (isClick) mark(to);
      else zoom(from, to);
    };
    /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to @param {boolean} isClick */
    function draw(from, to, isClick) {
      const { points } = draft.value;
      if (isFlat) draft.value = { ...draft.value, points: isClick ? [...points, point(to)].slice(-2) : [point(from), point(to)] };
      else if (isClick) draft.value = { ...draft.value, points: [...points, point(to)] };
    }
    /** @param {{x: number, y: number}} pixel */
    function mark(pixel) {
      if (!isFlat) return;
      const [value] = point(pixel);
      const next = markers.length < 2 ? [...markers, value] : Math.abs(markers[0] - value) < Math.abs(markers[1] - value) ? [value, markers[1]] : [markers[0], value];
      setQuery({ sm: next.sort((a, b) => a - b).join(",") });
    }
    /** @param {{x: number, y: number}} from @param {{x: number, y: number}} to */
    function zoom(from, to) {
      const span = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number[]} */ [low, high]) => writeRange([Math.max(Math.min(a, b), low), Math.min(Math.max(a, b), high)]);
      const [a, b] = [point(from), point(to)];
      if (isFlat ? Math.abs(to.x - from.x) < CLICK_PX : Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) < CLICK_PX) return;
      setQuery({ sx: span(a[0], b[0], whole.x), ...(!isFlat && { sy: span(a[1], b[1], whole.y) }) });
    }

    const told = () => {
      const from = pointer.value;
      if (!from || !counts || from.x < MARGIN.left) return "";
      const [x, y] = point(from);
      const column = Math.floor(((x - xAxis.low) / (xAxis.high - xAxis.low)) * xAxis.bins);
      const line = isFlat ? 0 : Math.floor(((y - yAxis.low) / (yAxis.high - yAxis.low)) * yAxis.bins);
      const count = column < 0 || column >= xAxis.bins ? undefined : counts.data[line * xAxis.bins + column];
      return count === undefined ? "" : `${x}${isFlat ? "" : `, ${y}`}: ${count} counts`;
    };
    const header = frame.value?.header;
    return html`<div class="plot-of"><canvas ref=${canvas} class="spectrum ${draft.value ? "drawing" : ""}" role="img" aria-label="spectrum ${spectrum.name}, ${spectrum.axes.map((/** @type {any} */ axis) => axis.bins).join(" by ")} bins${header ? "" : ", nothing yet"}"
        onPointerDown=${onDown} onPointerMove=${onMove} onPointerUp=${onUp} onPointerCancel=${() => { drag.value = null; }} onPointerLeave=${() => { pointer.value = null; }} onDblClick=${() => !draft.value && setQuery({ sx: null, sy: null })}></canvas>
      ${!header && html`<p class="empty">No contents yet: they come as soon as the Bank sends them.</p>`}
      <div class="proof"><span>${header ? `contents of ${format.utc(header.time)} UTC, ${format.span(second.value - header.time)} old` : ""}</span>${!isFlat && header && html`<span class="colours">0 <i></i> ${greatest} counts, ${isLog ? "log" : "linear"}</span>`}<span class="grow"></span><span>${told()}</span></div></div>`;
  };
}
