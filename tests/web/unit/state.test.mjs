import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { bankPath, following, readPlace, writePlace } from "../../../dashboard/static/state/address.js";
import { age, now, renew, second, takeBeat } from "../../../dashboard/static/state/clock.js";
import { Hold } from "../../../dashboard/static/state/hold.js";
import { KEPT, KEPT_FOR_READER, keepForReader, knownLines, lost, takeLines, takeOlder } from "../../../dashboard/static/state/loglines.js";
import { Rate } from "../../../dashboard/static/state/rates.js";
import { Topic, showLive, showPast, takeLive, topic } from "../../../dashboard/static/state/store.js";
import { marks, nearest } from "../../../dashboard/static/text/moments.js";
import { families, groupsOf } from "../../../dashboard/static/text/groups.js";
import { rangeOf, readNext, readTime } from "../../../dashboard/static/text/timerange.js";

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

test("a time without a date is the next one", () => {
  const now = Date.parse("2026-11-29T03:14:07Z") / 1000;
  const told = ["03:16", "03:14:07", "2026-12-01 03:16", "25:00", "soon"].map((text) => readNext(text, now));
  assert.deepEqual(told.slice(0, 3).map((time) => new Date(time * 1000).toISOString().slice(0, 19)), ["2026-11-29T03:16:00", "2026-11-30T03:14:07", "2026-12-01T03:16:00"]);
  assert.deepEqual(told.slice(3), [null, null]);
});

test("live state goes on behind the past, and is there again", () => {
  const live = topic("overview");
  takeLive({ ...changes(0, { a: 1, b: 2 }), topic: "overview" });
  showPast({ overview: { a: 10 }, "values:X": { v: [1, 2, 0] } });
  assert.deepEqual([live.all(), topic("values:X").all()], [{ a: 10 }, { v: [1, 2, 0] }]);
  takeLive({ ...changes(1, { c: 3 }, ["b"]), topic: "overview" });
  assert.deepEqual(live.all(), { a: 10 });
  showPast({ overview: { a: 11 } });
  assert.deepEqual([live.all(), topic("values:X").all()], [{ a: 11 }, {}]);
  showLive();
  assert.deepEqual([live.all(), topic("values:X").all()], [{ a: 1, c: 3 }, {}]);
  takeLive({ ...changes(2, { a: 2 }), topic: "overview" });
  assert.deepEqual(live.all(), { a: 2, c: 3 });
});

test("the moment and the Banks follow from page to page", () => {
  assert.equal(following("/log", { then: "2026-11-29 03:12:07", banks: "A", q: "x" }), "/log?then=2026-11-29+03%3A12%3A07&banks=A");
  assert.equal(following("/run?banks=B", { banks: "A" }), "/run?banks=B");
  assert.equal(following("/", {}), "/");
});

test("one jumps to the nearest moment of a kind, and marks stand where they are", () => {
  const moments = [[10, "scan"], [20, "change"], [30, "scan"]].map(([time, kind]) => ({ time, kind, bank: "A", text: "" }));
  assert.deepEqual([nearest(moments, 20, 1, ""), nearest(moments, 20, -1, ""), nearest(moments, 10, 1, "scan"), nearest(moments, 10, -1, "")].map((each) => each?.time ?? null), [30, 10, 30, null]);
  assert.deepEqual(marks([...moments, moments[0]], 10, 40, 3), [[0, "scan"], [1, "change"], [2, "scan"]]);
});

test("while somebody reads further up more lines are kept, and older ones too, but not without end", () => {
  const first = knownLines().at(-1).number + 1;
  const more = (count) => ({ event: "lines", topic: "log", from: 1, to: 0, lost: 0, lines: Array.from({ length: count }, (_, index) => ({ number: knownLines().at(-1).number + 1 + index })) });
  keepForReader(true);
  takeLines(more(KEPT * 2));
  assert.ok(knownLines()[0].number <= first);
  takeLines(more(KEPT_FOR_READER));
  assert.equal(knownLines().length, KEPT_FOR_READER);
  keepForReader(false);
  assert.equal(knownLines().length, KEPT);
});
