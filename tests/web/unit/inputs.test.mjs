import assert from "node:assert/strict";
import { test } from "node:test";
import { allowed, inputOf, misfit, readInput, same, typed } from "../../../dashboard/static/text/inputs.js";

const of = (schema) => ({ name: "x", schema });
const EXPOSURE = of({ type: "number", exclusiveMinimum: 0, maximum: 86400 });
const GAIN = of({ anyOf: [{ type: "integer", minimum: 0, maximum: 9 }, { type: "array", items: { type: "integer", minimum: 0, maximum: 9 }, minItems: 2, maxItems: 2 }] });

test("a parameter's schema says of what kind its input is", () => {
  const kinds = [
    [{ type: "number" }, "number"], [{ type: ["integer", "null"] }, "number"], [{ type: "string" }, "text"], [{ type: "boolean" }, "truth"],
    [{ enum: ["LIN", "CIRC"] }, "choice"], [{ type: "array" }, "json"], [{ type: ["number", "string"] }, "json"], [{}, "json"],
  ];
  for (const [schema, kind] of kinds) assert.equal(inputOf(of(schema)).kind, kind, JSON.stringify(schema));
});

test("ranges are told in words", () => {
  assert.equal(allowed(EXPOSURE.schema), "more than 0, up to 86400");
  assert.equal(allowed({ type: "integer", minimum: 1, maximum: 8 }), "1 to 8");
  assert.equal(allowed({ type: "number", minimum: 2 }), "at least 2");
  assert.equal(allowed({ type: "number", exclusiveMaximum: 2 }), "less than 2");
  assert.equal(allowed({ enum: ["A", "B"] }), "one of A, B");
  assert.equal(allowed({ type: "string", maxLength: 68 }), "up to 68 signs");
  assert.equal(inputOf(GAIN).words, "0 to 9; or list of 2, each 0 to 9");
});

test("what is typed is read as its type, or refused with the range", () => {
  assert.deepEqual(readInput(EXPOSURE, " 0.5 "), { value: 0.5, problem: "" });
  assert.deepEqual(readInput(EXPOSURE, "1e3"), { value: 1000, problem: "" });
  for (const bad of ["0", "-1", "86401", "0,5", "1 s", "", "NaN", "0x10"]) assert.match(readInput(EXPOSURE, bad).problem, /expected/, bad);
  assert.equal(readInput(of({ type: "integer" }), "2.5").problem, "expected a whole number");
  assert.equal(readInput(of({ type: "integer" }), "9007199254740993").problem, "too large for a browser: set it by a Dealer");
  assert.deepEqual(readInput(of({ type: "string" }), " 12 "), { value: " 12 ", problem: "" });
  assert.deepEqual(readInput(of({ type: "boolean" }), "false"), { value: false, problem: "" });
  assert.deepEqual(readInput(of({ enum: [1, 2] }), "2"), { value: 2, problem: "" });
  assert.match(readInput(of({ enum: [1, 2] }), "3").problem, /expected 1, 2/);
});

test("lists are read with and without brackets, and each of their numbers is looked at", () => {
  assert.deepEqual(readInput(GAIN, "3, 4"), { value: [3, 4], problem: "" });
  assert.deepEqual(readInput(GAIN, "[3, 4]"), { value: [3, 4], problem: "" });
  assert.deepEqual(readInput(GAIN, "7"), { value: 7, problem: "" });
  assert.match(readInput(GAIN, "3, 10").problem, /number 2 of the list: expected 0 to 9/);
  assert.match(readInput(GAIN, "3, 4, 5").problem, /expected 2 in the list/);
  assert.match(readInput(GAIN, "many").problem, /expected/);
});

test("anything goes where nothing is known, and null only where it is allowed", () => {
  assert.deepEqual(readInput(of({}), "{\"a\": 1}"), { value: { a: 1 }, problem: "" });
  assert.deepEqual(readInput(of({}), "a word"), { value: "a word", problem: "" });
  assert.deepEqual(readInput(of({ type: ["array", "null"] }), "null"), { value: null, problem: "" });
  assert.equal(readInput(of({ type: "array" }), "null").problem, "expected a value");
  assert.equal(misfit({ type: ["number", "null"] }, null), "");
});

test("values are written as they would be typed", () => {
  assert.deepEqual([undefined, null, "LIN", 0.5, [1, 2], { a: 1 }, true].map(typed), ["", "", "LIN", "0.5", "1, 2", '{"a":1}', "true"]);
  assert.ok(same(0.5, 0.5) && same([1, 2], [1, 2]) && !same("1", 1) && !same([1], [2]));
});
