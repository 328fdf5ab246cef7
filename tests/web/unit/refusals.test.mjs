import assert from "node:assert/strict";
import { test } from "node:test";
import { isMine, named, whyNot } from "../../../dashboard/static/text/refusals.js";

const bank = (name, more = {}) => ({ bank: name, link: { state: "live", since: 90 }, control: { owner: null, number: null, required: false }, ...more });
const seat = (more = {}) => ({ session: { key: "ann", role: "operate", is_lowered: false, control: true, holds: { BANKA: 7 } }, isSilent: false, isThen: false, now: 100, ...more });
const session = (more) => seat({ session: { ...seat().session, ...more } });
const held = (name, number) => bank(name, { control: { owner: "bob", number, until: 3600 * 3, required: false } });

test("each reason is told, the one that nothing else helps first", () => {
  const rows = [bank("BANKA")];
  assert.equal(whyNot({}, rows, seat()), "");
  assert.match(whyNot({}, rows, seat({ isThen: true })), /past/);
  assert.match(whyNot({}, rows, session({ control: false })), /only looks.*--control/);
  assert.match(whyNot({}, rows, session({ role: "observe" })), /role operate.*has observe/);
  assert.match(whyNot({}, rows, session({ role: "observe", is_lowered: true })), /log in again/);
  assert.match(whyNot({ role: "admin" }, rows, seat()), /role admin/);
  assert.match(whyNot({}, rows, seat({ isSilent: true })), /no contact/);
  assert.match(whyNot({}, [], seat()), /choose/);
});

test("what ends something is not forbidden by doubts, only by a lost Bank or the role", () => {
  const stale = [bank("BANKC", { link: { state: "stale", since: 96 } })];
  assert.match(whyNot({}, stale, seat()), /BANKC was not heard for 4.0 s/);
  assert.equal(whyNot({ isHalt: true }, stale, seat()), "");
  assert.equal(whyNot({ isHalt: true }, [held("BANKB", 3)], seat()), "");
  assert.match(whyNot({ isHalt: true }, [bank("BANKC", { link: { state: "lost", since: 0 } })], seat()), /no answer from BANKC/);
});

test("control of somebody else is in the way, one's own is not", () => {
  assert.equal(whyNot({}, [held("BANKB", 3)], seat()), "bob has control of BANKB until 03:00:00 UTC");
  assert.equal(whyNot({}, [held("BANKA", 7)], seat()), "");
  assert.equal(whyNot({ takesControl: true }, [held("BANKB", 3)], seat()), "");
  assert.ok(isMine(seat().session, held("BANKA", 7)) && !isMine(seat().session, held("BANKA", 8)));
  assert.match(whyNot({}, [bank("BANKB", { control: { owner: null, required: true } })], seat()), /BANKB: take control first/);
});

test("few Banks are named, of many how many there are", () => {
  assert.equal(named(["A", "B", "C", "D"]), "A, B, C, D");
  assert.equal(named(["A", "B", "C", "D", "E"]), "A, B, C and 2 more");
});
