import assert from "node:assert/strict";
import { test } from "node:test";
import { readFrame } from "../../../dashboard/static/state/frames.js";
import { Backoff, verdict } from "../../../dashboard/static/transport/backoff.js";
import { FrameSocket } from "../../../dashboard/static/transport/framesocket.js";
import { inside, outside, root } from "../../../dashboard/static/transport/root.js";
import { LINES_KEPT, TopicCopy } from "../../../dashboard/static/transport/topiccopy.js";
import { frameKey, keyOfHeader, merged, sameFrames, sameTopics } from "../../../dashboard/static/transport/wishes.js";

test("without contact there is a try at least every 1.5 s, so that a page is live within 2 s", () => {
  const backoff = new Backoff(() => 0.999);
  const pauses = Array.from({ length: 8 }, () => backoff.next());
  assert.ok(pauses[0] <= 300 && pauses[1] > 599 && pauses[7] > 1_490);
  assert.ok(pauses.every((each) => each <= 1_500));
});

test("pauses after refusals grow from 0.3 s to 10 s, randomised, and begin anew once something was heard", () => {
  const backoff = new Backoff(() => 0.999);
  const pauses = Array.from({ length: 8 }, () => backoff.next(true));
  assert.ok(pauses[0] <= 300 && pauses[0] > 299);
  assert.ok(pauses.every((each) => each <= 10_000) && pauses[7] > 9_900);
  backoff.reset();
  assert.ok(new Backoff(() => 0).next() === 150 && backoff.next() <= 300);
});

test("silence of 3 s and a jump of the clock are told apart", () => {
  assert.equal(verdict(2_900, 0, 2_400), "well");
  assert.equal(verdict(3_100, 0, 2_600), "silent");
  assert.equal(verdict(60_000, 0, 1_000), "slept");
});

test("a frame that is long on its way is waited for longer each time, and no longer once frames are quick", (context) => {
  const made = [];
  class Socket {
    static OPEN = 1;
    readyState = 1;
    constructor() {
      made.push(this);
    }
    send() {}
    close() {}
  }
  let now = 0;
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.mock.method(performance, "now", () => now);
  globalThis.WebSocket = Socket;
  globalThis.location = { protocol: "http:", host: "" };
  const socket = new FrameSocket(() => {}, () => {});
  const pass = (seconds) => {
    for (let step = 0; step < 2 * seconds; step++) {
      now += 500;
      context.mock.timers.tick(500);
    }
  };
  socket.want({ topics: [], frames: [{ name: "large" }] });
  pass(4);
  assert.equal(made.length, 2);
  pass(5);
  made[1].onmessage({ data: new ArrayBuffer(8) });
  pass(8);
  assert.equal(made.length, 2);
  made[1].onmessage({ data: "{}" });
  made[1].onmessage({ data: new ArrayBuffer(8) });
  pass(4);
  assert.equal(made.length, 3);
  socket.close();
  delete globalThis.WebSocket;
  delete globalThis.location;
});

test("wishes of all tabs are one, each thing once", () => {
  const frame = { bank: "BANKA", name: "spectrum", rate: 5, width: 800 };
  const one = merged([{ topics: ["log", "overview"], frames: [frame] }, { topics: ["overview"], frames: [{ ...frame, object: "bank" }] }]);
  assert.deepEqual(one.topics, ["log", "overview"]);
  assert.equal(one.frames.length, 1);
  assert.ok(sameTopics(one, merged([{ topics: ["overview", "log"], frames: [] }])));
  assert.ok(!sameFrames(one, merged([{ topics: [], frames: [{ ...frame, window: [0, 9] }] }])));
});

test("a frame answers the wish that asked for it", () => {
  const wish = { bank: "BANKA", name: "spectrum", rate: 5, width: 800, window: [0, 4096] };
  const header = { bank: "BANKA", object: "bank", name: "spectrum", wanted: { rate: 5, width: 800, window: [0, 4096] } };
  assert.equal(keyOfHeader(header), frameKey(wish));
});

const changes = (from, to, values, gone = []) => ({ event: "changes", topic: "overview", from, to, time: to, values, gone });

test("a copy of a topic is the whole for whoever comes later", () => {
  const copy = new TopicCopy();
  assert.equal(copy.whole("overview"), null);
  assert.ok(copy.take(changes(0, 5, { A: 1, B: 2 })));
  assert.ok(copy.take(changes(5, 7, { A: 3 }, ["B"])));
  assert.deepEqual(copy.whole("overview"), changes(0, 7, { A: 3 }));
  assert.ok(!copy.take(changes(9, 10, { A: 4 }))); // something is missing
  assert.ok(copy.take(changes(0, 2, { C: 1 }))); // another server: what was known is void
  assert.deepEqual(copy.whole("overview").values, { C: 1 });
});

test("a copy of lines keeps so many and no more", () => {
  const copy = new TopicCopy();
  const lines = (from, to) => ({ event: "lines", topic: "log", from, to, lost: 0, lines: Array.from({ length: to - from }, (_, index) => ({ number: from + index + 1 })) });
  copy.take(lines(0, 400));
  copy.take(lines(400, 700));
  const whole = copy.whole("log");
  assert.equal(whole.lines.length, LINES_KEPT);
  assert.equal(whole.lines.at(-1).number, 700);
});

test("binary frames are viewed in place", () => {
  const header = { bank: "BANKA", object: "bank", name: "spectrum", wanted: {}, arrays: [{ key: "data", dtype: "<f4", shape: [2, 2], offset: 0 }, { key: "mask", dtype: "|u1", shape: [2], offset: 16 }] };
  let text = JSON.stringify(header);
  text += " ".repeat((8 - ((4 + text.length) % 8)) % 8);
  const message = new ArrayBuffer(4 + text.length + 18);
  new DataView(message).setUint32(0, text.length, true);
  new Uint8Array(message).set(new TextEncoder().encode(text), 4);
  [1.5, -2, 3, 4].forEach((number, index) => new DataView(message).setFloat32(4 + text.length + 4 * index, number, true));
  new Uint8Array(message).set([7, 9], 4 + text.length + 16);
  const { arrays } = readFrame(message);
  assert.deepEqual([...arrays.data.data], [1.5, -2, 3, 4]);
  assert.deepEqual([...arrays.mask.data], [7, 9]);
  assert.equal(arrays.data.data.buffer, message);
});

test("addresses below a path are those at the top, with the path before them", () => {
  assert.equal(root, "");
  for (const address of ["/", "/bank/BANKA?tab=x", "/api/site"]) {
    assert.equal(outside(address, ""), address);
    assert.equal(outside(address, "/vegas"), `/vegas${address}`);
    assert.equal(inside(outside(address, "/vegas"), "/vegas"), address);
  }
  assert.equal(inside("/vegas", "/vegas"), "/");
  assert.equal(inside("/vegas2/x", "/vegas"), "/vegas2/x");
  for (const foreign of ["//evil.example.org/", "https://evil.example.org/", "#content"]) assert.equal(outside(foreign, "/vegas"), foreign);
});
