// Drawing of spectra on a canvas: axes, counts, heat maps, gates, regions. Colours come from the caller.
import { decades, ticks } from "./plane.js";

/**
 * @typedef {import("./plane.js").Plane} Plane
 * @typedef {{text: string, dim: string, grid: string, panel: string, counts: string, fit: string, gate: string, draft: string, select: string}} Colours
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {{colours: Colours, niceStep: (span: number) => number, plainNumbers: any, x: string, y: string}} how
 */
export function drawAxes(context, plane, { colours, niceStep, plainNumbers, x, y }) {
  const right = plane.left + plane.width;
  const bottom = plane.top + plane.height;
  context.font = "11px system-ui, sans-serif";
  context.strokeStyle = colours.grid;
  context.fillStyle = colours.dim;
  context.lineWidth = 1;
  const lines = (/** @type {number[]} */ places, /** @type {string[]} */ texts, /** @type {boolean} */ isX) => {
    places.forEach((place, index) => {
      const at = Math.round(isX ? plane.xPixel(place) : plane.yPixel(place)) + 0.5;
      context.beginPath();
      if (isX) context.moveTo(at, plane.top), context.lineTo(at, bottom + 4);
      else context.moveTo(plane.left - 4, at), context.lineTo(right, at);
      context.stroke();
      context.textAlign = isX ? "center" : "right";
      context.textBaseline = isX ? "top" : "middle";
      context.fillText(texts[index], isX ? at : plane.left - 7, isX ? bottom + 6 : at);
    });
  };
  const numbersOf = (/** @type {number[]} */ places) => plainNumbers(null, places, 0, 0, places.length > 1 ? places[1] - places[0] : 1);
  const xs = ticks(plane.x, niceStep);
  lines(xs, numbersOf(xs), true);
  const ys = plane.isLog ? decades(plane.y) : ticks(plane.y, niceStep);
  lines(ys, plane.isLog ? ys.map((place) => (place >= 1e5 || place < 0.01 ? place.toExponential(0) : String(place))) : numbersOf(ys), false);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText(x, right, bottom + 36);
  context.save();
  context.translate(12, plane.top);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(y, 0, 0);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {Plane} plane @param {() => void} draw Within the axes only. */
export function within(context, plane, draw) {
  context.save();
  context.beginPath();
  context.rect(plane.left, plane.top, plane.width, plane.height);
  context.clip();
  draw();
  context.restore();
}

/**
 * Draw counts as steps; where several bins share a pixel, from the least to the greatest of them.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {ArrayLike<number>} counts
 * @param {{start: number, delta: number}} axis
 * @param {{colour: string, dash?: number[]}} line
 */
export function drawCounts(context, plane, counts, { start, delta }, { colour, dash = [] }) {
  const first = Math.max(Math.floor((plane.x[0] - start) / delta), 0);
  const end = Math.min(Math.ceil((plane.x[1] - start) / delta), counts.length);
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.lineJoin = "bevel";
  context.beginPath();
  let pixel = NaN;
  let [least, greatest] = [Infinity, -Infinity];
  const put = () => {
    if (greatest === -Infinity) return;
    context.lineTo(pixel, plane.yPixel(greatest));
    if (least < greatest) context.lineTo(pixel, plane.yPixel(least));
  };
  if (end - first < plane.width) {
    for (let index = first; index < end; index++) {
      const y = plane.yPixel(counts[index]);
      context.lineTo(plane.xPixel(start + index * delta), y);
      context.lineTo(plane.xPixel(start + (index + 1) * delta), y);
    }
  } else {
    for (let index = first; index < end; index++) {
      const at = Math.floor(plane.xPixel(start + (index + 0.5) * delta));
      if (at !== pixel) {
        put();
        pixel = at;
        [least, greatest] = [Infinity, -Infinity];
      }
      least = Math.min(least, counts[index]);
      greatest = Math.max(greatest, counts[index]);
    }
    put();
  }
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/** @param {ArrayLike<number>} counts @param {{start: number, delta: number}} axis @param {number[]} range @returns {number} Greatest in the range. */
export function greatestIn(counts, { start, delta }, [low, high]) {
  let most = 0;
  const end = Math.min(Math.ceil((high - start) / delta), counts.length);
  for (let index = Math.max(Math.floor((low - start) / delta), 0); index < end; index++) if (counts[index] > most) most = counts[index];
  return most;
}

/**
 * Make a canvas ready to be drawn anew, in pixels of the page.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} size Of it on the page.
 * @returns {CanvasRenderingContext2D}
 */
export function clearContext(canvas, [width, height]) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  return context;
}

/**
 * Name the lines of a plot, in its upper right corner.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {{label: string, colour?: string, dash?: number[]}[]} lines Without a colour: only the name.
 * @param {{text: string, halo: string}} colours
 */
export function drawLegend(context, plane, lines, { text, halo }) {
  const right = plane.left + plane.width - 6;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  lines.forEach(({ label, colour, dash = [] }, index) => {
    const y = plane.top + 10 + index * 15;
    context.strokeStyle = halo;
    context.lineWidth = 3;
    const end = colour ? right - 30 : right;
    context.strokeText(label, end, y);
    context.fillStyle = text;
    context.fillText(label, end, y);
    if (!colour) return;
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(right - 25, y);
    context.lineTo(right, y);
    context.stroke();
    context.setLineDash([]);
  });
}

/**
 * Draw what a fit leaves, in standard deviations; two thirds of the places are between the dashed lines of a good one.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {{at: number[], residuals: number[]}} fit
 * @param {Colours} colours
 */
export function drawResiduals(context, plane, { at, residuals }, colours) {
  const right = plane.left + plane.width;
  context.strokeStyle = colours.dim;
  context.lineWidth = 1;
  for (const level of [-1, 0, 1]) {
    const y = Math.round(plane.yPixel(level)) + 0.5;
    context.setLineDash(level === 0 ? [] : [4, 4]);
    context.beginPath();
    context.moveTo(plane.left, y);
    context.lineTo(right, y);
    context.stroke();
  }
  context.setLineDash([]);
  context.fillStyle = colours.fit;
  const size = at.length > plane.width / 4 ? 2 : 4;
  at.forEach((x, index) => context.fillRect(plane.xPixel(x) - size / 2, plane.yPixel(residuals[index]) - size / 2, size, size));
}

/**
 * @param {HTMLCanvasElement} picture Gets a pixel for each bin, the lowest y at the bottom.
 * @param {ArrayLike<number>} counts
 * @param {[number, number]} size Bins of x and of y.
 * @param {{table: Uint32Array, isLog: boolean}} how
 * @returns {number} Greatest of the counts.
 */
export function paintHeat(picture, counts, [width, height], { table, isLog }) {
  picture.width = width;
  picture.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  let greatest = 0;
  for (let index = 0; index < counts.length; index++) if (counts[index] > greatest) greatest = counts[index];
  const scale = isLog ? Math.log(greatest + 1) || 1 : greatest || 1;
  for (let y = 0; y < height; y++) {
    const row = (height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      const count = counts[y * width + x];
      if (count <= 0) continue; // empty bins are left as the page is
      pixels[row + x] = table[Math.min(255, Math.floor(((isLog ? Math.log(count + 1) : count) / scale) * 255.99))];
    }
  }
  context.putImageData(image, 0, 0);
  return greatest;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {HTMLCanvasElement} picture As `paintHeat` made it.
 * @param {{x: [number, number], y: [number, number]}} axes Their whole ranges.
 */
export function drawHeat(context, plane, picture, { x, y }) {
  context.imageSmoothingEnabled = false;
  const [left, top] = [plane.xPixel(x[0]), plane.yPixel(y[1])];
  context.drawImage(picture, left, top, plane.xPixel(x[1]) - left, plane.yPixel(y[0]) - top);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {import("./gates.js").Shape} shape
 * @param {{colour: string, halo: string, isDraft?: boolean, isChosen?: boolean, label?: string}} how
 */
export function drawShape(context, plane, shape, { colour, halo, isDraft = false, isChosen = false, label = shape.name }) {
  const points = shape.points.map(([x, y]) => /** @type {[number, number]} */ ([plane.xPixel(x), plane.yPixel(y)]));
  if (points.length === 0) return;
  const trace = () => {
    context.beginPath();
    if (shape.kind === "slice") for (const [x] of points) context.moveTo(x, plane.top), context.lineTo(x, plane.top + plane.height);
    else points.forEach(([x, y]) => context.lineTo(x, y));
    if (shape.kind === "contour" && points.length > 2) context.closePath();
  };
  if (shape.kind === "slice" && points.length > 1) {
    context.fillStyle = colour;
    context.globalAlpha = isChosen ? 0.22 : 0.1;
    context.fillRect(points[0][0], plane.top, points[1][0] - points[0][0], plane.height);
    context.globalAlpha = 1;
  }
  context.setLineDash([]);
  context.strokeStyle = halo;
  context.lineWidth = isChosen ? 5 : 4;
  if (shape.kind !== "slice") trace(), context.stroke();
  context.setLineDash(isDraft ? [6, 4] : []);
  context.strokeStyle = colour;
  context.lineWidth = isChosen ? 2.5 : 1.5;
  trace();
  context.stroke();
  context.setLineDash([]);
  if (isDraft && shape.kind !== "slice") for (const [x, y] of points) context.fillStyle = colour, context.fillRect(x - 3, y - 3, 6, 6);
  const [x, y] = shape.kind === "slice" ? [Math.min(...points.map((point) => point[0])) + 4, plane.top + 4] : points[0];
  context.font = `${isChosen ? "600 " : ""}11px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "top";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.strokeText(label, x + (shape.kind === "slice" ? 0 : 5), y);
  context.fillStyle = colour;
  context.fillText(label, x + (shape.kind === "slice" ? 0 : 5), y);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {number[]} markers In units of x.
 * @param {Colours} colours
 */
export function drawMarkers(context, plane, markers, colours) {
  if (markers.length === 2) {
    const [low, high] = markers.map((marker) => plane.xPixel(marker)).sort((a, b) => a - b);
    context.fillStyle = colours.select;
    context.globalAlpha = 0.45;
    context.fillRect(low, plane.top, high - low, plane.height);
    context.globalAlpha = 1;
  }
  context.font = "11px system-ui, sans-serif";
  markers.forEach((marker, index) => {
    const x = Math.round(plane.xPixel(marker)) + 0.5;
    context.strokeStyle = context.fillStyle = colours.text;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, plane.top);
    context.lineTo(x, plane.top + plane.height);
    context.stroke();
    context.textAlign = index === 0 ? "right" : "left";
    context.textBaseline = "bottom";
    context.fillText(`M${index + 1}`, x + (index === 0 ? -3 : 3), plane.top + plane.height - 3);
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Plane} plane
 * @param {number[]} xs
 * @param {number[]} ys
 * @param {string} colour
 */
export function drawCurve(context, plane, xs, ys, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  xs.forEach((x, index) => context.lineTo(plane.xPixel(x), plane.yPixel(ys[index])));
  context.stroke();
}
