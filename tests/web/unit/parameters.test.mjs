import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, changesOf, describedParameters, groupsOf, inWords, namesOf, reversal } from "../../../dashboard/static/text/parameters.js";

const VALUES = { BANKA: { exposure: 0.5, source: "x", gain: [1, 2], tfold: 1 }, BANKB: { exposure: 0.5, source: "x", gain: [1, 3] } };
const PARAMETERS = describedParameters({ objects: { bank: { methods: [{ name: "set_param", parameters: [{ name: "exposure", schema: { type: "number", minimum: 0 } }, { name: "gain", schema: { type: "array" } }] }] } } });

test("Banks that agree are one group, and only parameters of all are offered", () => {
  assert.deepEqual(namesOf(VALUES), ["source", "exposure", "gain"]);
  assert.deepEqual(groupsOf(VALUES, "exposure"), [{ value: 0.5, banks: ["BANKA", "BANKB"] }]);
  assert.equal(inWords(groupsOf(VALUES, "exposure"), "s"), "0.5 s");
  assert.equal(inWords(groupsOf(VALUES, "gain")), "1, 2 (BANKA); 1, 3 (BANKB)");
  assert.deepEqual(namesOf({}), []);
});

test("a draft changes what is another value, and says from which", () => {
  assert.deepEqual(changesOf({ exposure: "0.5", source: "x", nothing: "1" }, VALUES, PARAMETERS), []);
  const [exposure, gain] = changesOf({ exposure: "1", gain: "1, 2" }, VALUES, PARAMETERS);
  assert.deepEqual(exposure, { name: "exposure", value: 1, problem: "", from: [{ value: 0.5, banks: ["BANKA", "BANKB"] }] });
  assert.deepEqual(gain, { name: "gain", value: [1, 2], problem: "", from: [{ value: [1, 3], banks: ["BANKB"] }] });
  assert.equal(changesOf({ exposure: "-1" }, VALUES, PARAMETERS)[0].problem, "expected at least 0");
});

test("what was sent is told as long as a Bank has something else", () => {
  const sent = { value: 0.1, banks: ["BANKA"] };
  assert.deepEqual(apart(sent, [{ value: 0.1007, banks: ["BANKA", "BANKB"] }]), ["BANKA"]);
  assert.deepEqual(apart(sent, [{ value: 0.1, banks: ["BANKA"] }, { value: 7, banks: ["BANKB"] }]), []);
  assert.deepEqual(apart(undefined, []), []);
});

test("a set is taken back Bank by Bank, those together that had the same", () => {
  const before = { BANKA: { exposure: 0.5 }, BANKB: { exposure: 0.5 }, BANKC: { exposure: 0.7 } };
  assert.deepEqual(reversal(before), [{ banks: ["BANKA", "BANKB"], values: { exposure: 0.5 } }, { banks: ["BANKC"], values: { exposure: 0.7 } }]);
});
