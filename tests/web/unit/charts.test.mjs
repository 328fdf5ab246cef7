import assert from "node:assert/strict";
import { test } from "node:test";
import { colourTable, levels } from "../../../dashboard/static/charts/colormap.js";
import { curvesOf, extent, pixels } from "../../../dashboard/static/charts/curves.js";
import { AutoScale, niceRange, plainNumbers, prefixed } from "../../../dashboard/static/charts/scales.js";
import { aligned, held, timeLabels } from "../../../dashboard/static/charts/timeaxis.js";

test("an axis grows at once and shrinks only after five seconds below 60 %", () => {
  const scale = new AutoScale();
  assert.deepEqual(scale.take(0, 9, 0), [0, 10]);
  assert.deepEqual(scale.take(0, 14, 0.1), [0, 15]);
  assert.deepEqual(scale.take(0, 10, 1), [0, 15]); // still above 60 %
  assert.deepEqual(scale.take(0, 8, 2), [0, 15]);
  assert.deepEqual(scale.take(0, 8, 6.9), [0, 15]);
  assert.deepEqual(scale.take(0, 8, 7), [0, 8]);
});

test("a short dip does not shrink an axis", () => {
  const scale = new AutoScale();
  scale.take(0, 10, 0);
  scale.take(0, 4, 1);
  scale.take(0, 9, 4);
  assert.deepEqual(scale.take(0, 4, 6), [0, 10]);
  assert.deepEqual(scale.take(NaN, NaN, 7), [0, 10]);
});

test("ranges end on steps of 1, 2, 5, and never collapse", () => {
  assert.deepEqual(niceRange(533, 834), [500, 900]);
  for (const [least, greatest] of [[1e17, 1e17 + 32], [0, 5e-324], [-1, -1 + 2e-16]]) {
    const [below, above] = niceRange(least, greatest);
    assert.ok(below <= least && above >= greatest && above - below > 1e-9 * Math.abs(least), `${least}`);
  }
  assert.deepEqual(new AutoScale().take(-1e308, 1e308, 0), [0, 1]);
  const [low, high] = niceRange(5, 5);
  assert.ok(low < 5 && high > 5);
});

test("units get a prefix, and frequencies of the L band stay in MHz", () => {
  assert.deepEqual(prefixed(1.42e9, "Hz"), { factor: 1e-6, unit: "MHz" });
  assert.deepEqual(prefixed(4.3e10, "Hz"), { factor: 1e-9, unit: "GHz" });
  assert.deepEqual(prefixed(5000, "counts"), { factor: 1, unit: "counts" });
});

test("numbers of an axis have a point, no groups, and the digits of the step", () => {
  assert.deepEqual(plainNumbers(null, [1420.25, 1420.3], 0, 0, 0.05), ["1420.25", "1420.30"]);
  assert.deepEqual(plainNumbers(null, [1000, 1200], 0, 0, 200), ["1000", "1200"]);
});

const frame = (more, arrays) => ({ header: { x_start: 1e9, x_delta: 1e6, points: 4, rows: ["XX", "YY"], ...more }, arrays });
const how = { isChannel: false, factor: 1e-6, isDecibel: false };

test("whole frames come with their abscissa", () => {
  const curves = curvesOf(frame({}, { data: { data: Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40), shape: [2, 4] } }), how);
  assert.deepEqual([...curves.x], [1000, 1001, 1002, 1003]);
  assert.deepEqual(curves.rows.map(({ name, y }) => [name, ...y]), [["XX", 1, 2, 3, 4], ["YY", 10, 20, 30, 40]]);
  assert.deepEqual(extent(curves), [1, 40]);
  assert.deepEqual(extent(curves, new Set(["YY"])), [1, 4]);
});

test("reduced frames keep both bounds inside their pixel", () => {
  const lower = { data: Float32Array.of(1, 3), shape: [2] };
  const upper = { data: Float32Array.of(2, 4), shape: [2] };
  const curves = curvesOf(frame({ points: 200, window: [100, 200], rows: undefined }, { lower, upper }), { ...how, isChannel: true });
  assert.deepEqual([...curves.rows[0].y], [1, 2, 3, 4]);
  assert.ok(curves.x[0] >= 100 && curves.x[1] < 150 && curves.x[2] > 149 && curves.x[3] < 200);
  assert.deepEqual([...pixels(curves, 0)], [1.5, 3.5]);
});

test("a falling axis is turned round, and powers of nothing are gaps in decibels", () => {
  const data = { data: Float32Array.of(100, 10, 0, 1), shape: [4] };
  const curves = curvesOf(frame({ x_delta: -1e6, rows: undefined }, { data }), { ...how, isDecibel: true });
  assert.deepEqual([...curves.x], [997, 998, 999, 1000]);
  assert.deepEqual([...curves.rows[0].y], [0, NaN, 10, 20]);
});

test("frames without numbers are none", () => {
  assert.equal(curvesOf(frame({}, {}), how), null);
});

test("colours of heat maps rise in lightness, in all themes", () => {
  for (const theme of ["light", "red"]) {
    const light = [...colourTable(theme)].map((c) => 0.2126 * (c & 255) + 0.7152 * ((c >> 8) & 255) + 0.0722 * ((c >> 16) & 255));
    assert.ok(light.every((each, index) => index === 0 || each >= light[index - 1] - 0.5));
  }
});

test("levels are percentiles of what is finite", () => {
  const numbers = Float32Array.from({ length: 1000 }, (_, index) => index);
  assert.deepEqual(levels(numbers), [100, 990]);
  assert.equal(levels(Float32Array.of(NaN)), null);
  const [low, high] = levels(Float32Array.of(3, 3));
  assert.ok(high > low);
});

test("series of different times share one axis; none is a gap, not a value", () => {
  const [times, one, other] = aligned([{ points: [[1, 5], [3, null]] }, { points: [[2, true]] }]);
  assert.deepEqual([times, one, other], [[1, 2, 3], [5, undefined, null], [undefined, 1, undefined]]);
  assert.deepEqual(held([[1, 5]], 9), [[9, 5]]);
  assert.deepEqual(held([], 9), []);
});

test("an axis of time is in UTC with the date where it changes", () => {
  const midnight = Date.UTC(2026, 10, 30) / 1000;
  assert.deepEqual(timeLabels(null, [midnight - 60, midnight], 0, 0, 60), ["23:59\n2026-11-29", "00:00\n2026-11-30"]);
  assert.deepEqual(timeLabels(null, [midnight, midnight + 15], 0, 0, 15), ["00:00:00\n2026-11-30", "00:00:15"]);
});
