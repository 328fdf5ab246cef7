import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, passes, runningScans, scanCells, sorted, unixTime } from "../../../dashboard/static/text/banks.js";
import { SHAPES, bankState, conditionSeverity, levelSeverity, outcomeSeverity } from "../../../dashboard/static/text/states.js";

const row = (more = {}) => ({
  bank: "BANKA", kind: "spectrometer", host: "hpc1", link: { state: "live", since: 0, reason: "" }, findings: [], operations: [],
  overview: { mode: "MODE1", SCANNUM: 12, SCANREM: 21, DAQSTATE: "running", SIMULATE: 1 }, load: null, control: null,
  scan: { state: "running", is_over: false, scan: 12, fraction: 0.64, dropped: 0, start: [2026, 11, 29, 3, 13, 30, 0], scan_length: 60, file: "a.fits" },
  ...more,
});

test("a silent Player is told apart from one that was never heard and one that refuses", () => {
  const words = ["connecting", "stale", "lost", "refused"].map((state) => bankState(row({ link: { state, since: 100, reason: "why" } }), 110));
  assert.deepEqual(words.map((each) => each.word), ["NOT HEARD", "STALE", "NO ANSWER", "REFUSED"]);
  assert.deepEqual(words.map((each) => each.severity), ["unknown", "unknown", "fault", "fault"]);
  assert.ok(words.every((each) => each.why.includes("why")));
});

test("lost data and findings are warnings, in words", () => {
  assert.deepEqual(bankState(row(), 0), { severity: "ok", word: "running", why: "" });
  const dropped = bankState(row({ scan: { ...row().scan, dropped: 3, lost_s: 0.5 } }), 0);
  assert.deepEqual([dropped.severity, dropped.why], ["warn", "3 blocks dropped, 0.5 s of data"]);
  assert.equal(bankState(row({ findings: [{ text: "disk is full" }] }), 0).why, "disk is full");
  assert.deepEqual(bankState(row({ alarms: { new: 2 } }), 0), { severity: "warn", word: "running", why: "2 alarms need a look" });
  assert.equal(bankState(row({ alarms: { new: 0, raised: 1 } }), 0).severity, "ok");
  assert.equal(bankState(row({ scan: { state: "failed", is_over: true, error: "no data" } }), 0).severity, "fault");
});

test("what was stopped on purpose is neutral, and states differ by their shapes", () => {
  assert.deepEqual(["ready", "stopped", "crash loop", "never heard of"].map(conditionSeverity), ["ok", "off", "fault", "unknown"]);
  assert.deepEqual(["info", "WARNING", "error"].map(levelSeverity), ["off", "warn", "fault"]);
  assert.deepEqual(["done", "refused", "failed"].map(outcomeSeverity), ["ok", "warn", "fault"]);
  assert.equal(new Set(Object.values(SHAPES)).size, 5);
});

test("cells of a row are those of the scan that runs", () => {
  assert.deepEqual(scanCells(row()), { number: 12, share: 0.64, left: 21, lost: 0, mode: "MODE1" });
  assert.equal(scanCells(row({ scan: { is_over: true, scan: 12, fraction: 1 } })).share, null);
});

test("Banks that disagree are named, and counters do not count", () => {
  const found = differences([row(), row({ bank: "BANKB", overview: { ...row().overview, mode: "MODE2", SCANREM: 20 } })]);
  assert.deepEqual(found, [{ name: "mode", values: { MODE1: ["BANKA"], MODE2: ["BANKB"] } }]);
  assert.deepEqual(differences([row(), row({ bank: "BANKB", kind: "difx", overview: { mode: "x" } })]), []);
});

test("a scan that runs has a begin, an end and its Banks", () => {
  const start = Date.UTC(2026, 10, 29, 3, 13, 30) / 1000;
  assert.equal(unixTime([2026, 11, 29, 3, 13, 30, 0]), start);
  assert.deepEqual(runningScans([row(), row({ bank: "BANKB" })]), [{ number: 12, banks: ["BANKA", "BANKB"], start, end: start + 60, files: 2 }]);
  assert.deepEqual(runningScans([row({ link: { state: "lost", since: 0, reason: "" } })]), []);
});

test("rows are sorted worst first, equal ones as they were", () => {
  const rows = [row(), row({ bank: "BANKB" }), row({ bank: "BANKC", link: { state: "lost", since: 0, reason: "" } })];
  assert.deepEqual(sorted(rows, "state"), ["BANKC", "BANKA", "BANKB"]);
  assert.deepEqual(sorted(rows, "bank"), ["BANKA", "BANKB", "BANKC"]);
});

test("filters look at all that a row says", () => {
  assert.ok(passes(row(), { q: "mode1 hpc1" }));
  assert.ok(!passes(row(), { q: "mode2" }));
  assert.ok(!passes(row(), { only: "problems" }));
  assert.ok(passes(row({ link: { state: "stale", since: 0, reason: "" } }), { only: "problems" }));
});
