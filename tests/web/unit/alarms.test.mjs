import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, freshOf, groupOf, grouped, keyOf, stateOf } from "../../../dashboard/static/text/alarms.js";

const alarm = (more = {}) => ({
  bank: "BANKA", source: "player", name: "drop", severity: "warning", text: "blocks were lost", phase: "new", number: 1, count: 1, since: 100, gone: 0,
  value: "3", key: "scan.dropped", limits: "above 0", unreadable: "", acknowledged: null, shelved: null, ...more,
});
const signed = { by: "ann", note: "on it", time: 50 };

test("alarms stand with those of their kind: what waits, what somebody looks after, what is shelved, what is unknown", () => {
  assert.equal(groupOf(alarm()), "open");
  assert.equal(groupOf(alarm({ phase: "gone" })), "open");
  assert.equal(groupOf(alarm({ phase: "acknowledged", acknowledged: signed })), "acknowledged");
  assert.equal(groupOf(alarm({ shelved: { ...signed, until: 900 } })), "shelved");
  assert.equal(groupOf(alarm({ phase: "quiet", unreadable: "no value" })), "unknown");
});

test("faults come before warnings, the newest first, and what went last; values do not move a row", () => {
  const some = [
    alarm({ name: "old", since: 10 }), alarm({ name: "went", phase: "gone", severity: "fault", since: 300 }), alarm({ name: "new", since: 200 }),
    alarm({ name: "bad", severity: "fault", since: 5 }),
  ];
  const names = (/** @type {any[]} */ told) => grouped(told).get("open")?.map((each) => each.name);
  assert.deepEqual(names(some), ["bad", "new", "old", "went"]);
  assert.deepEqual(names(some.map((each) => ({ ...each, value: String(Math.random()) }))), ["bad", "new", "old", "went"]);
  assert.deepEqual(grouped(some, { q: "LOST old" }).get("open")?.map(keyOf), ["BANKA old"]);
  assert.deepEqual(grouped(some, { bank: "BANKB" }).get("open"), []);
  assert.equal(grouped(some, { severity: "fault" }).get("open")?.length, 2);
});

test("what cannot be told, or is of a silent Bank, says so, and is bad all the same", () => {
  const doubted = stateOf(alarm({ severity: "fault", unreadable: "no value" }));
  assert.deepEqual([doubted.severity, doubted.word], ["fault", "fault"]);
  assert.match(doubted.why, /cannot be told now: no value/);
  assert.match(stateOf(alarm(), true).why, /silent/);
  assert.deepEqual(stateOf(alarm({ phase: "quiet", unreadable: "no value" })).severity, "unknown");
  assert.equal(stateOf(alarm({ phase: "gone" })).word, "gone");
});

test("those that wait are counted, but not those on the shelf", () => {
  const some = [alarm(), alarm({ phase: "gone" }), alarm({ phase: "acknowledged" }), alarm({ severity: "fault", shelved: signed })];
  assert.deepEqual(counted(some), { open: 2, worst: "warn", word: "2 alarms need a look" });
  assert.deepEqual(counted([]), { open: 0, worst: "ok", word: "no alarm needs a look" });
  assert.equal(counted([alarm({ severity: "fault" })]).worst, "fault");
});

test("each raising is fresh once, and one that goes, is acknowledged or shelved is not", () => {
  const known = new Map();
  assert.equal(freshOf([alarm()], known).length, 1);
  assert.equal(freshOf([alarm({ value: "4" })], known).length, 0);
  assert.equal(freshOf([alarm({ phase: "gone" })], known).length, 0);
  assert.equal(freshOf([alarm({ number: 2, shelved: signed })], known).length, 0);
  assert.equal(freshOf([alarm({ number: 3, phase: "acknowledged" })], known).length, 0);
  assert.equal(freshOf([alarm({ number: 4 })], known).length, 1);
});
