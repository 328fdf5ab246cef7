// Gates as shapes on spectra. No page.

/**
 * @typedef {{name: string, type: string, gates: string[], parameters: string[], points: {x: number, y: number}[], low: number, high: number}} Gate
 * @typedef {{name: string, type: string, kind: "slice" | "contour" | "band", points: [number, number][]}} Shape
 *     `points`: of a slice its limits, as x.
 */

const ONE = /** @type {Record<string, string>} */ ({ 1: "s", g1: "gs" });
const TWO = /** @type {Record<string, string[]>} */ ({ 2: ["c", "b"], g2: ["gc", "gb"], gd: ["gc", "gb"] });
const KINDS = /** @type {Record<string, Shape["kind"]>} */ ({ s: "slice", gs: "slice", c: "contour", gc: "contour", b: "band", gb: "band" });

/**
 * @param {any} spectrum As of `list_spectra`.
 * @param {Gate[]} gates
 * @returns {Shape[]} Those that can be drawn on it: they are of its parameters.
 */
export function shapesOn(spectrum, gates) {
  const letters = TWO[spectrum.type] ?? [ONE[spectrum.type]];
  const [xs, ys] = [spectrum.xparameters, spectrum.yparameters];
  return gates.filter((gate) => letters.includes(gate.type)).flatMap((gate) => {
    const shape = { name: gate.name, type: gate.type, kind: KINDS[gate.type] };
    if (shape.kind === "slice") {
      const isOn = gate.parameters.length > 0 && gate.parameters.every((one) => xs.includes(one));
      return isOn ? [{ ...shape, points: /** @type {[number, number][]} */ ([[gate.low, 0], [gate.high, 0]]) }] : [];
    }
    const [x, y] = gate.parameters;
    const isOn = xs.includes(x) && ys.includes(y);
    const isTurned = !isOn && xs.includes(y) && ys.includes(x);
    if (!isOn && !isTurned) return [];
    return [{ ...shape, points: gate.points.map((point) => /** @type {[number, number]} */ (isTurned ? [point.y, point.x] : [point.x, point.y])) }];
  });
}

/**
 * @param {any} spectrum
 * @returns {string} Type of gate that is drawn on it with the mouse; empty: none can be.
 */
export function drawnType(spectrum) {
  return { 1: "s", 2: "c" }[/** @type {string} */ (spectrum.type)] ?? "";
}

/**
 * @param {string} spectrum
 * @param {Gate[]} gates
 * @returns {string} A name that none of them has.
 */
export function freeName(spectrum, gates) {
  const taken = new Set(gates.map((gate) => gate.name));
  for (let count = 1; ; count++) if (!taken.has(`${spectrum}-g${count}`)) return `${spectrum}-g${count}`;
}

/**
 * @param {Shape} draft
 * @param {any} spectrum
 * @returns {{args: any[], kwargs: object} | null} Arguments of `create_gate`; null: points are missing.
 */
export function callOf(draft, spectrum) {
  const xs = draft.points.map(([x]) => x);
  if (draft.kind === "slice") {
    if (xs.length < 2 || xs[0] === xs[1]) return null;
    return { args: [draft.name, "s"], kwargs: { parameters: spectrum.xparameters, low: Math.min(...xs), high: Math.max(...xs) } };
  }
  if (draft.points.length < 3) return null;
  return { args: [draft.name, "c"], kwargs: { parameters: [spectrum.xparameters[0], spectrum.yparameters[0]], points: draft.points } };
}
