import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { bankPath, readPlace, writePlace } from "../../../dashboard/static/state/address.js";
import { age, now, renew, second, takeBeat } from "../../../dashboard/static/state/clock.js";
import { Hold } from "../../../dashboard/static/state/hold.js";
import { KEPT, knownLines, lost, takeLines, takeOlder } from "../../../dashboard/static/state/loglines.js";
import { Rate } from "../../../dashboard/static/state/rates.js";
import { Topic } from "../../../dashboard/static/state/store.js";
import { families, groupsOf } from "../../../dashboard/static/text/groups.js";
import { rangeOf, readTime } from "../../../dashboard/static/text/timerange.js";

const changes = (from, values, gone = []) => ({ event: "changes", topic: "t", from, to: from + 1, time: 1, values, gone });

test("a message changes its keys in one batch, and no others", () => {
  const topic = new Topic();
  topic.take(changes(0, { A: 1, B: 1 }));
  const seen = [];
  effect(() => seen.push([topic.of("A").value, topic.of("B").value]));
  topic.take(changes(1, { A: 2, B: 2 }));
  assert.deepEqual(seen, [[1, 1], [2, 2]]);
  let drawn = 0;
  effect(() => { topic.of("A").value; drawn += 1; });
  topic.take(changes(2, { B: 3 }));
  assert.equal(drawn, 1);
});

test("a key that vanished stays without a value until it is forgotten", () => {
  const topic = new Topic();
  topic.take(changes(0, { A: 1, B: 1 }));
  topic.take(changes(1, {}, ["B"]));
  assert.deepEqual(topic.keys.value, ["A", "B"]);
  assert.deepEqual(topic.all(), { A: 1 });
  topic.forget();
  assert.deepEqual(topic.keys.value, ["A"]);
});

test("a whole that comes anew makes void what is not in it", () => {
  const topic = new Topic();
  topic.take(changes(0, { A: 1, B: 1 }));
  topic.take(changes(0, { B: 2 }));
  assert.deepEqual(topic.all(), { B: 2 });
});

test("ages are those of the server's clock, whatever the browser's says", () => {
  takeBeat({ time: 1000 }, 50_000);
  renew(50_500);
  assert.deepEqual([now.value, second.value, age.value], [1000.5, 1000, 0.5]);
});

test("the log has a bound, counts what was lost, and takes older lines before the others", () => {
  const line = (number) => ({ number, bank: "BANKA", text: String(number) });
  const message = (from, numbers, missing = 0) => ({ event: "lines", topic: "log", from, to: 0, lost: missing, lines: numbers.map(line) });
  takeLines(message(0, [11, 12]));
  takeLines(message(12, [12, 13], 4));
  takeOlder([line(9), line(10), line(11)]);
  assert.deepEqual(knownLines().map((each) => each.number), [9, 10, 11, 12, 13]);
  assert.equal(lost.value, 4);
  takeLines(message(13, Array.from({ length: KEPT + 10 }, (_, index) => 14 + index)));
  assert.equal(knownLines().length, KEPT);
  takeLines(message(0, [1, 2])); // the dashboard was started anew
  assert.deepEqual(knownLines().map((each) => each.number), [1, 2]);
});

test("only what rises again and again has a rate", () => {
  const counter = new Rate();
  for (let time = 0; time <= 5; time++) counter.take(time * 100, time);
  assert.equal(counter.at(5), 100);
  counter.take(0, 6); // a new scan
  assert.equal(counter.at(6), null);
  const level = new Rate();
  [3, 5, 2, 7].forEach((value, time) => level.take(value, time));
  assert.equal(level.at(4), null);
  const text = new Rate();
  text.take("running", 1);
  assert.equal(text.at(2), null);
});

test("addresses hold the view and come back the same", () => {
  const address = writePlace(bankPath("BANK A/1"), { y: "db", x: "100-300", q: "", row: null });
  assert.equal(address, "/bank/BANK%20A%2F1?y=db&x=100-300");
  const [path, search] = address.split("?");
  assert.deepEqual(readPlace(path, `?${search}`), { path, query: { y: "db", x: "100-300" } });
  assert.equal(readPlace("/log/", "").path, "/log");
});

test("families of names are found by what they begin with", () => {
  const found = families(["DAQNINT", "DAQSTATE", "DAQPEAK", "RA", "SCANNUM", "SCANREM", "SCANLEN", "_SBLK_01"]);
  assert.deepEqual([...found], [["DAQ", ["DAQNINT", "DAQSTATE", "DAQPEAK"]], ["SCAN", ["SCANNUM", "SCANREM", "SCANLEN"]], ["others", ["RA"]], ["tables", ["_SBLK_01"]]]);
});

test("values with members are groups of their own, the scan first", () => {
  const values = { mode: { state: "set" }, scan: { scan: 12 }, subscribers: 1, "status.RA": 3, "roach.temp": 2 };
  const groups = groupsOf(Object.keys(values).sort(), (key) => values[key]);
  assert.deepEqual(groups.map((group) => group.name), ["scan", "mode", "bank", "roach others", "status others"]);
  assert.deepEqual(groups[0].entries, [{ name: "scan", key: "scan", member: "scan" }]);
});

test("a stretch of time is read as UTC", () => {
  assert.equal(readTime("2026-11-29 03:14"), Date.UTC(2026, 10, 29, 3, 14) / 1000);
  assert.equal(readTime("yesterday"), null);
  assert.deepEqual(rangeOf({ last: "900" }, 10_000), { since: 9_100, until: 10_000, isLast: true });
  assert.equal(rangeOf({ since: "1970-01-01 00:01" }, 10_000).since, 60);
});

test("a hold acts once after a second, and never for less or by a jump of the clock", () => {
  const hold = new Hold();
  const lookEach = (from, to, step = 50) => {
    let acted = 0;
    for (let at = from; at <= to; at += step) acted += Number(hold.look(at));
    return acted;
  };
  hold.press(0);
  assert.equal(lookEach(0, 500), 0);
  assert.ok(hold.share > 0.45 && hold.share < 0.55);
  hold.release();
  assert.equal(hold.share, 0);
  assert.equal(lookEach(500, 5000), 0);
  hold.press(5000);
  hold.press(5400); // a key that repeats
  assert.equal(lookEach(5000, 9000), 1);
  hold.release();
  hold.press(10_000);
  assert.equal(hold.look(60_000), false); // the page stood still
  assert.equal(lookEach(60_000, 60_700), 0);
});
