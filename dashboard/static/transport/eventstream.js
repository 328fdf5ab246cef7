// Topics by one EventSource, opened anew for other topics, after silence, and after sleep.
import { Backoff, verdict } from "./backoff.js";
import { outside } from "./root.js";

const LOOK_EVERY_MS = 500;
const EVENTS = ["hello", "changes", "lines", "heartbeat", "end"];

/**
 * @param {string[]} topics
 * @returns {string} Address of a stream of them.
 */
export function streamAddress(topics) {
  return outside(`/events?${new URLSearchParams(topics.map((topic) => ["topic", topic]))}`);
}

/** Keeps a stream of topics open, whatever happens. */
export class EventStream {
  /** @param {(message: {event: string} & Record<string, any>) => void} deliver Gets each event. */
  constructor(deliver) {
    this.deliver = deliver;
    /** @type {string[] | null} */
    this.topics = null;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {EventSource | null} Open until the first events of a new one have come. */
    this.former = null;
    this.backoff = new Backoff();
    this.heardAt = 0;
    this.lookedAt = performance.now();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.again = undefined;
    this.watch = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /**
   * Say which topics are wanted from now on.
   *
   * @param {string[] | null} topics None: no stream at all.
   */
  want(topics) {
    this.topics = topics;
    this.open();
  }

  open() {
    clearTimeout(this.again);
    if (this.former) this.former.close();
    this.former = this.source;
    this.source = null;
    if (this.topics === null) {
      this.closeFormer();
      return;
    }
    this.heardAt = performance.now();
    const source = new EventSource(streamAddress(this.topics));
    this.source = source;
    for (const name of EVENTS) source.addEventListener(name, (event) => this.hear(source, event));
    let isKnown = false;
    source.addEventListener("hello", () => (isKnown = true));
    source.onerror = () => {
      if (source !== this.source) return;
      const isRefused = source.readyState === EventSource.CLOSED;
      if (isRefused || !isKnown) {
        source.close(); // until it was told a pause, a browser takes one of its own, of seconds
        this.openLater(isRefused);
      }
    };
  }

  /** Open it at once, if it is open at all: the network or the machine came back. */
  wake() {
    if (this.topics !== null && performance.now() - this.heardAt > 1500) this.open();
  }

  /** @param {boolean} isRefused The server has answered, and does not want it. */
  openLater(isRefused = false) {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), this.backoff.next(isRefused));
  }

  closeFormer() {
    if (this.former) this.former.close();
    this.former = null;
  }

  /**
   * @param {EventSource} source
   * @param {MessageEvent} event
   */
  hear(source, event) {
    if (source !== this.source && source !== this.former) return;
    const message = JSON.parse(event.data);
    if (source === this.former) {
      if (message.event === "heartbeat") this.deliver(message);
      return; // what it tells is in the first events of the new one
    }
    this.heardAt = performance.now();
    this.backoff.reset();
    if (message.event !== "hello") this.closeFormer();
    this.deliver(message);
  }

  look() {
    const now = performance.now();
    const found = verdict(now, this.heardAt, this.lookedAt);
    this.lookedAt = now;
    if (this.topics === null || found === "well") return;
    this.heardAt = now;
    this.closeFormer();
    if (found === "slept") this.open();
    else this.openLater();
  }

  close() {
    clearInterval(this.watch);
    this.want(null);
  }
}
