import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenOf, grouped, isOver, left, stateOf, weightsOf } from "../../../gateways/difx/panel/static/jobs.js";
import { callOf, freeName, shapesOn } from "../../../histogrammer/panel/static/gates.js";
import { Plane, decades, readRange, ticks, writeRange } from "../../../histogrammer/panel/static/plane.js";
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
  assert.deepEqual(decades([0.5, 1000]), [1, 10, 100, 1000]);
  assert.deepEqual(readRange(writeRange([1150.123456, 1200.5])), [1150.12, 1200.5]);
  for (const text of [undefined, "", "3..1", "1..", "a..b", "1..2..3"]) assert.equal(readRange(text), null);
});

test("values have the digits that their errors leave, and a rate begins anew when counts are cleared", () => {
  assert.equal(withError(1173.2347, 0.0213), "1173.235 \u00b1 0.021");
  assert.equal(withError(33020.4, 262.1), "33020 \u00b1 262");
  assert.equal(withError(5, 0), "5");
  assert.equal(sum([1, 2, 3, 4], 1, 3), 5);
  const rate = new Rate();
  assert.deepEqual([rate.take(10, 100), rate.take(10.5, 200), rate.take(12, 300), rate.take(13, 5)], [NaN, NaN, 100, NaN]);
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
