// Live state for any number of tabs over two connections: a tab that comes later gets all there is at once.
import { EventStream } from "./eventstream.js";
import { FrameSocket } from "./framesocket.js";
import { TopicCopy } from "./topiccopy.js";
import { NOTHING, frameKey, keyOfHeader, merged, sameFrames, sameTopics } from "./wishes.js";

/**
 * @typedef {import("./wishes.js").Wish} Wish
 * @typedef {{wish: Wish, deliver: (message: any) => void, deliverFrame: (frame: ArrayBuffer) => void}} Tab
 */

const SETTLE_MS = 30; // parts of a page come and go together

/** @param {ArrayBuffer} frame */
function headerOf(frame) {
  const length = new DataView(frame).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length)));
}

/** One EventSource, one WebSocket, many tabs. */
export class Feed {
  /** @param {{eventSource: boolean}} how Topics by EventSource; else by the WebSocket. */
  constructor({ eventSource }) {
    /** @type {Set<Tab>} */
    this.tabs = new Set();
    /** @type {Map<string, TopicCopy>} */
    this.topics = new Map();
    /** Newest frames, by their wishes. @type {Map<string, ArrayBuffer>} */
    this.frames = new Map();
    this.wanted = NOTHING;
    this.stream = eventSource ? new EventStream((message) => this.take(message, true)) : null;
    this.socket = new FrameSocket(
      (message) => this.take(message, !eventSource),
      (frame) => this.takeFrame(frame),
    );
    /** @type {any} */
    this.hello = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.settling = undefined;
  }

  /**
   * Take a wish of a tab, which gets what is known already.
   *
   * @param {Tab} tab
   * @param {Wish} wish
   */
  want(tab, wish) {
    const before = new Set([...tab.wish.topics, ...tab.wish.frames.map(frameKey)]);
    tab.wish = wish;
    if (!this.tabs.has(tab)) {
      this.tabs.add(tab);
      if (this.hello) tab.deliver(this.hello);
    }
    for (const topic of wish.topics) {
      const known = before.has(topic) ? null : this.topics.get(topic)?.whole(topic);
      if (known) tab.deliver(known);
    }
    for (const key of wish.frames.map(frameKey)) {
      const known = before.has(key) ? null : this.frames.get(key);
      if (known) tab.deliverFrame(known); // the server gives it once for all tabs, and it may not change for hours
    }
    this.settle();
  }

  /** @param {Tab} tab Wants nothing any more. */
  leave(tab) {
    this.tabs.delete(tab);
    this.settle();
  }

  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.connect(), SETTLE_MS);
  }

  connect() {
    const wish = merged([...this.tabs].map((tab) => tab.wish));
    const looks = [...this.tabs].some((tab) => tab.wish.topics.length > 0);
    const isOther = !sameTopics(wish, this.wanted);
    const areOther = !sameFrames(wish, this.wanted);
    this.wanted = wish;
    for (const topic of this.topics.keys()) {
      if (!wish.topics.includes(topic)) this.topics.delete(topic);
    }
    const keys = new Set(wish.frames.map(frameKey));
    for (const key of this.frames.keys()) if (!keys.has(key)) this.frames.delete(key);
    if (this.stream) {
      if (isOther) this.stream.want(looks ? wish.topics : null);
      if (areOther) this.socket.want(wish.frames.length ? { topics: [], frames: wish.frames } : null);
    } else if (isOther || areOther) {
      this.socket.want(looks ? wish : null);
    }
  }

  /** The machine, the network or a tab came back. */
  wake() {
    this.stream?.wake();
    this.socket.wake();
  }

  /**
   * @param {any} message
   * @param {boolean} isStatus It came where topics come.
   */
  take(message, isStatus) {
    if (!isStatus) {
      if (message.event === "end") this.tell(message);
      return;
    }
    if (message.event === "hello") this.hello = message;
    if (message.event === "changes" || message.event === "lines") {
      if (!this.wanted.topics.includes(message.topic)) return;
      let copy = this.topics.get(message.topic);
      if (!copy) this.topics.set(message.topic, (copy = new TopicCopy()));
      if (!copy.take(message)) {
        (this.stream ?? this.socket).open();
        return;
      }
      for (const tab of this.tabs) if (tab.wish.topics.includes(message.topic)) tab.deliver(message);
      return;
    }
    this.tell(message);
  }

  /** @param {any} message For all tabs. */
  tell(message) {
    for (const tab of this.tabs) tab.deliver(message);
  }

  /** @param {ArrayBuffer} frame */
  takeFrame(frame) {
    const key = keyOfHeader(headerOf(frame));
    this.frames.set(key, frame);
    for (const tab of this.tabs) if (tab.wish.frames.some((each) => frameKey(each) === key)) tab.deliverFrame(frame);
  }
}
