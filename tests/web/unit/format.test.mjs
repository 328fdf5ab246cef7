import assert from "node:assert/strict";
import { test } from "node:test";
import { csvCell, number, scaled, sidereal, siteTime, span, utc, utcNear, value, visible } from "../../../dashboard/static/text/format.js";

test("numbers keep integers whole and others in seven digits", () => {
  assert.equal(number(12), "12");
  assert.equal(number(29736), "29736");
  assert.equal(number(1.00663296), "1.006633");
  assert.equal(number(0.000012345), "1.2345e-5");
  assert.equal(number(1.5e12 + 0.5), "1.5e12");
});

test("large numbers get a prefix before their unit", () => {
  assert.equal(scaled(412e6, "B/s"), "412\u00a0MB/s");
  assert.equal(scaled(1234, "B"), "1.23\u00a0kB");
  assert.equal(scaled(0, "B/s"), "0\u00a0B/s");
  assert.equal(scaled(null, "B"), "-");
});

test("spans are short at every length", () => {
  assert.deepEqual([0.31, 12.4, 59.4, 59.6, 83, 11_400, 266_400].map(span), ["0.3 s", "12 s", "59 s", "1 m 00 s", "1 m 23 s", "3 h 10 m", "3 d 02 h"]);
  assert.equal(span(null), "-");
  assert.equal(span(-0.2), "0.0 s");
});

test("UTC is told whatever the zone of the browser", () => {
  assert.equal(utc(951782400), "2000-02-29 00:00:00"); // a leap day
  assert.equal(utc(1796032366.987, 1), "2026-11-30 09:52:46.9"); // cut, so that it is never ahead
  assert.equal(utc(NaN), "-");
  assert.equal(utcNear(1796032366, 1796032400), "09:52:46");
  assert.equal(utcNear(1796032366, 1796132400), "2026-11-30 09:52:46");
});

test("time of the site has the name of its zone, in summer and in winter", () => {
  assert.equal(siteTime(Date.UTC(2026, 10, 29, 3, 14) / 1000, "America/New_York"), "22:14 EST");
  assert.equal(siteTime(Date.UTC(2026, 6, 1, 3, 14) / 1000, "America/New_York"), "23:14 EDT");
  assert.equal(siteTime(1796032366, null), "");
  assert.equal(siteTime(1796032366, "Nowhere/Town"), "");
});

test("sidereal time agrees with the almanac", () => {
  // GMST at 2000-01-01 12:00 UT1 is 18 h 41 m 50.5 s
  assert.equal(sidereal(Date.UTC(2000, 0, 1, 12) / 1000, 0), "18:41");
  assert.equal(sidereal(Date.UTC(2000, 0, 1, 12) / 1000, -90), "12:41");
  assert.equal(sidereal(1796032366, null), "");
});

test("what cannot be seen is made visible, and texts are bounded", () => {
  assert.equal(visible("a\u202eb\u0000c\nd"), "a\\u{202e}b\\u{0000}c\\u{000a}d");
  assert.equal(visible("<b>x</b>"), "<b>x</b>"); // it is shown as text
  assert.equal(visible("x".repeat(20), 5), "xxxxx [15 more]");
});

test("values of all kinds are told in a line", () => {
  assert.deepEqual([null, true, "", [1, 2]].map(value), ["-", "yes", "(empty)", "[1,2]"]);
  assert.equal(value({ dtype: "<f4", shape: [2, 4096], left_out: true }), "2 x 4096 <f4");
  assert.equal(value({ left_out: true, characters: 70000 }), "(70000 characters)");
  assert.equal(value({ left_out: true, text: "x".repeat(2000), characters: 1e6 }), `${"x".repeat(300)} [999700 more]`);
});

test("cells of a CSV file are no formulas", () => {
  assert.equal(csvCell("=1+1"), "\"'=1+1\"");
  assert.equal(csvCell(-3.5), "-3.5");
  assert.equal(csvCell('say "a", b'), '"say ""a"", b"');
});
