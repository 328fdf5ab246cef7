import assert from "node:assert/strict";
import { test } from "node:test";
import { callText } from "../../../dashboard/static/text/calls.js";
import { joined, parted } from "../../../dashboard/static/text/statewords.js";
import { chains } from "../../../dashboard/static/text/whys.js";

test("a chain is told by its things, the longest way to a first cause", () => {
  const link = (thing, ...causes) => ({ thing, text: `${thing} is bad`, causes });
  const why = { bank: "BANKC", causes: [link("Player", link("keys"), link("program", link("port"))), link("clock")] };
  assert.deepEqual(chains(why), [["BANKC not ready", "Player", "program", "port"], ["BANKC not ready", "clock"]]);
  assert.deepEqual(chains({ bank: "BANKC", causes: [] }), []);
});

test("a word of a state and its parts are one another's inverse", () => {
  for (const word of ["BANKA", "BANKA@scan12", "BANKA@wanted", "BANKA@1h", "BANKA@2026-11-29T03:14:07"]) assert.equal(joined(parted(word)), word);
  assert.equal(joined({ bank: "BANKA", when: "now" }), "BANKA");
  assert.equal(joined({ bank: "BANKA", when: "2026-11-29 03:14:07" }), "BANKA@2026-11-29T03:14:07");
});

test("a call is told with its arguments", () => {
  assert.equal(callText({ method: "bank.set_param", arguments: { args: [], kwargs: { exposure: 1, source: "M31" } } }), "set_param(exposure=1, source=M31)");
  assert.equal(callText({ method: "bank.roach.reset", arguments: { args: [], kwargs: {} } }), "roach.reset()");
});
