import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenOf, grouped, isOver, left, stateOf, weightsOf } from "../../../gateways/difx/panel/static/jobs.js";
import { niceStep } from "../../../dashboard/static/charts/scales.js";
import { callOf, freeName, shapesOn } from "../../../histogrammer/panel/static/gates.js";
import { factorOf, readNames, readPanes, resized, writeNames, writePanes, zoomed } from "../../../histogrammer/panel/static/panes.js";
import { Plane, decades, readRange, ticks, writeRange } from "../../../histogrammer/panel/static/plane.js";
import { aboutPart, tableOf } from "../../../histogrammer/panel/static/tables.js";
import { Rate, sum, withError } from "../../../histogrammer/panel/static/values.js";

const gate = (type, parameters, more = {}) => ({ name: `${type}-${parameters.join("")}`, type, gates: [], parameters, points: [{ x: 1, y: 2 }, { x: 3, y: 4 }, { x: 5, y: 0 }], low: 1, high: 3, ...more });
const flat = { name: "e", type: "1", xparameters: ["a"], yparameters: [], axes: [{}] };
const matrix = { name: "m", type: "2", xparameters: ["a"], yparameters: ["b"], axes: [{}, {}] };

test("a gate is drawn on the spectra of its parameters, turned where these are", () => {
  const gates = [gate("s", ["a"]), gate("s", ["b"]), gate("c", ["a", "b"]), gate("c", ["b", "a"]), gate("c", ["a", "c"]), gate("+", [])];
  assert.deepEqual(shapesOn(flat, gates).map((each) => each.name), ["s-a"]);
  assert.deepEqual(shapesOn(flat, gates)[0].points, [[1, 0], [3, 0]]);
  const [one, other, ...more] = shapesOn(matrix, gates);
  assert.deepEqual(more, []);
  assert.deepEqual(one.points[0], [1, 2]);
  assert.deepEqual(other.points[0], [2, 1]);
});

test("a draft becomes a call once it has its points", () => {
  const draft = { name: "g", type: "s", kind: "slice", points: [[7, 0]] };
  assert.equal(callOf(draft, flat), null);
  assert.deepEqual(callOf({ ...draft, points: [[7, 0], [2, 0]] }, flat), { args: ["g", "s"], kwargs: { parameters: ["a"], low: 2, high: 7 } });
  assert.equal(callOf({ ...draft, kind: "contour", points: [[0, 0], [1, 1]] }, matrix), null);
  assert.equal(freeName("e", [{ name: "e-g1" }]), "e-g2");
});

test("a place of a plane is found again from its pixel, on both kinds of axes", () => {
  for (const isLog of [false, true]) {
    const plane = new Plane({ width: 500, height: 300, x: [100, 200], y: [1, 1000], isLog });
    assert.ok(Math.abs(plane.xValue(plane.xPixel(137)) - 137) < 1e-9);
    assert.ok(Math.abs(plane.yValue(plane.yPixel(30)) - 30) < 1e-9);
  }
  assert.deepEqual(ticks([0, 10], () => 5), [0, 5, 10]);
  assert.ok(ticks([1e6, 1e6 + 2e-10], niceStep).length < 12); // no number is between
  assert.deepEqual(ticks([0, 5e-324], niceStep), []);
  assert.deepEqual(decades([0.5, 1000]), [1, 10, 100, 1000]);
  assert.equal(decades([1e307, Infinity]).length, 2);
  assert.deepEqual(readRange(writeRange([1150.123456, 1200.5])), [1150.12, 1200.5]);
  for (const text of [undefined, "", "3..1", "1..", "a..b", "1..2..3", "1e6..1000000.0000000002", "-1e308..1e308"]) assert.equal(readRange(text), null);
});

test("values have the digits that their errors leave, and a rate begins anew when counts are cleared", () => {
  assert.equal(withError(1173.2347, 0.0213), "1173.235 \u00b1 0.021");
  assert.equal(withError(33020.4, 262.1), "33020 \u00b1 262");
  assert.equal(withError(5, 0), "5");
  assert.equal(sum([1, 2, 3, 4], 1, 3), 5);
  const rate = new Rate();
  assert.deepEqual([rate.take(10, 100), rate.take(10.5, 200), rate.take(12, 300), rate.take(13, 5)], [NaN, NaN, 100, NaN]);
});

test("panes are read from a link as they were written, whatever the names of spectra are", () => {
  const panes = [{ name: "a,b@c %", x: [1150.5, 1200], y: null }, { name: "m", x: [1, 2], y: [3, 4] }, { name: "", x: null, y: null }, { name: "e\u00e9", x: null, y: null }];
  assert.deepEqual(readPanes(writePanes(panes)), panes);
  assert.deepEqual(readNames(writeNames(["a,b", "c"])), ["a,b", "c"]);
  for (const text of [undefined, "", "alone"]) assert.deepEqual(readPanes(text), []);
  assert.equal(readPanes("a,b,c,d,e").length, 6);
  assert.deepEqual(readPanes("%,x@9..1").map((each) => [each.name, each.x]), [["%", null], ["x", null]]);
  assert.equal(writePanes(panes.slice(0, 1)), null);
});

test("new panes get spectra that no other has", () => {
  const first = [{ name: "b", x: [1, 2], y: null }];
  assert.deepEqual(resized(first, 4, ["a", "b", "c"]).map((each) => each.name), ["b", "a", "c", ""]);
  assert.deepEqual(resized(resized(first, 4, []), 1, []), first);
});

test("a zoom is of one pane, or along x of all that have something of it", () => {
  const panes = ["a", "b", "c"].map((name) => ({ name, x: null, y: null }));
  const whole = { a: [0, 100], b: [50, 200], c: [500, 600] };
  const window = { x: [40, 80], y: [1, 2] };
  assert.deepEqual(zoomed(panes, 0, window, null).map((each) => each.x), [[40, 80], null, null]);
  const linked = zoomed(panes, 0, window, (name) => whole[name]);
  assert.deepEqual(linked.map((each) => each.x), [[40, 80], [50, 80], null]);
  assert.deepEqual(linked[1].y, null);
  assert.deepEqual(zoomed(linked, 1, { x: null, y: null }, (name) => whole[name]).map((each) => each.x), [null, null, null]);
});

test("a spectrum over another is scaled to its counts or its time, or not at all where one is not known", () => {
  const [own, other] = [{ total: 1000, seconds: 60 }, { total: 250, seconds: 30 }];
  assert.deepEqual(["", "counts", "time"].map((how) => factorOf(how, own, other)), [1, 4, 2]);
  assert.ok(Number.isNaN(factorOf("counts", own, { total: 0, seconds: 1 })));
  assert.ok(Number.isNaN(factorOf("time", { total: 1, seconds: NaN }, other)));
});

test("a table has the bins that are seen by their edges, with units, and tells what it is of", () => {
  const units = (name) => ({ a: "keV", b: "ns" })[name] ?? "";
  const line = { name: "e", type: "1", gate: null, xparameters: ["a"], yparameters: [], axes: [{ low: 100, high: 108, bins: 4 }] };
  const part = { spectrum: line, counts: [1, 2, 3, 4], time: "2026-12-01 00:00:00", seconds: 12.5, factor: 1 };
  assert.deepEqual(tableOf([part], { x: [102, 106], y: null }, units), [["a [keV] from", "a [keV] to", "counts"], [102, 104, 2], [104, 106, 3]]);
  const two = tableOf([part, { ...part, spectrum: { ...line, name: "f" }, factor: 2 }], { x: null, y: null }, units);
  assert.deepEqual([two[0].length, two.length, two.at(-1)], [5, 9, ["f", 106, 108, 4, 8]]);
  const plane = { ...line, name: "m", type: "2", yparameters: ["b"], axes: [{ low: 0, high: 2, bins: 2 }, { low: 0, high: 3, bins: 3 }] };
  const table = tableOf([{ ...part, spectrum: plane, counts: [0, 1, 0, 0, 5, 0] }], { x: null, y: null }, units);
  assert.deepEqual(table, [["a [keV] from", "a [keV] to", "b [ns] from", "b [ns] to", "counts"], [1, 2, 0, 1, 1], [0, 1, 2, 3, 5]]);
  assert.match(aboutPart(part, units).join("\n"), /spectrum e, type 1, gate none; x: a \[keV\], 4 bins from 100 to 108\n.*00:00:00 UTC, gathered in 12.5 s/);
});

test("jobs stand by experiment and pass, those that run first", () => {
  const job = (input, state, begun) => ({ id: input, name: input, input, state, begun, changed: begun, fraction: 0.25 });
  const jobs = [job("/v21x/prod/a.input", "finished", 1), job("/v21x/clock/b.input", "failed", 2), job("/v21x/prod/c.input", "running", 3)];
  const groups = grouped(jobs);
  assert.deepEqual(groups.map((group) => [group.label, group.jobs.map((each) => each.id)]), [["v21x / prod", ["/v21x/prod/c.input", "/v21x/prod/a.input"]], ["v21x / clock", ["/v21x/clock/b.input"]]]);
  assert.equal(left(jobs[2], 13), 30);
  assert.equal(left(jobs[0], 13), null);
  assert.deepEqual(jobs.map(isOver), [true, true, false]);
  assert.equal(stateOf(jobs[1]).severity, "fault");
});

test("weights stand by source, and messages are chosen by severity and text", () => {
  assert.deepEqual(weightsOf({ weights: [0.97, null], sources: ["BR", "HN"] }), [{ name: "BR", weight: 0.97 }, { name: "HN", weight: null }]);
  assert.deepEqual(weightsOf({ weights: [0.5], sources: [] }), [{ name: "0", weight: 0.5 }]);
  const messages = [{ time: 1, severity: "info", text: "begun" }, { time: 2, severity: "error", text: "station HN: no data" }];
  assert.deepEqual(chosenOf(messages, "warning", ""), [messages[1]]);
  assert.deepEqual(chosenOf(messages, "info", "HN"), [messages[1]]);
});
