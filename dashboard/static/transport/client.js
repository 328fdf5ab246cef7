// The page's end: what its parts want together, over the worker if there is one, else by itself.
import { Feed } from "./feed.js";
import { outside } from "./root.js";
import { NOTHING, merged } from "./wishes.js";

/** @typedef {import("./wishes.js").Wish} Wish */

const SIGN_OF_LIFE_MS = 20_000;
const JUMP_MS = 3_000;
const DEAF_MS = 6_000;

/** Way from this tab to the dashboard's live state. */
export class Client {
  /**
   * @param {(message: any) => void} deliver Gets each event.
   * @param {(frame: ArrayBuffer) => void} deliverFrame Gets each frame.
   */
  constructor(deliver, deliverFrame) {
    /** @type {Map<symbol, Wish>} */
    this.wishes = new Map();
    this.heardAt = performance.now();
    this.deliver = (/** @type {any} */ message) => {
      this.heardAt = performance.now();
      deliver(message);
    };
    this.deliverFrame = deliverFrame;
    this.way = this.findWay();
    this.lookedAt = Date.now();
    this.isTelling = false;
    document.addEventListener("visibilitychange", () => this.comeBack());
    addEventListener("pageshow", (event) => this.comeBack(event.persisted));
    addEventListener("online", () => this.comeBack());
    addEventListener("pagehide", () => this.way.leave());
    setInterval(() => this.way.want(this.wish()), SIGN_OF_LIFE_MS);
    setInterval(() => this.lookAtClock(), 1000);
  }

  findWay() {
    if (typeof SharedWorker === "undefined") return this.ownWay();
    const worker = new SharedWorker(outside("/static/transport/worker.js"), { type: "module", name: "dashboard" });
    worker.onerror = () => {
      this.way = this.ownWay();
      this.way.want(this.wish());
    };
    worker.port.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.deliverFrame(data);
      else this.deliver(data);
    };
    return {
      isShared: true,
      want: (/** @type {Wish} */ wish) => worker.port.postMessage({ say: "want", wish }),
      wake: () => worker.port.postMessage({ say: "wake" }),
      leave: () => worker.port.postMessage({ say: "leave" }),
    };
  }

  ownWay() {
    const feed = new Feed({ eventSource: false });
    const tab = { wish: NOTHING, deliver: this.deliver, deliverFrame: this.deliverFrame };
    return {
      isShared: false,
      want: (/** @type {Wish} */ wish) => feed.want(tab, wish),
      wake: () => feed.wake(),
      leave: () => feed.leave(tab),
    };
  }

  /** @returns {Wish} What this tab wants now: a hidden one nothing. */
  wish() {
    return document.hidden ? NOTHING : merged(this.wishes.values());
  }

  /**
   * Want something until the function that is returned is called.
   *
   * @param {Partial<Wish>} wish
   * @returns {() => void}
   */
  want(wish) {
    const key = Symbol("wish");
    this.wishes.set(key, { ...NOTHING, ...wish });
    this.tell();
    return () => {
      this.wishes.delete(key);
      this.tell();
    };
  }

  tell() {
    if (this.isTelling) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      this.way.want(this.wish());
    });
  }

  /** @param {boolean} isCut The worker may know this tab no more. */
  comeBack(isCut = false) {
    if (isCut && this.way.isShared) {
      this.way.leave();
      this.way = this.findWay();
    }
    this.way.want(this.wish());
    if (!document.hidden) this.way.wake();
  }

  lookAtClock() {
    const now = Date.now();
    const isDeaf = !document.hidden && performance.now() - this.heardAt > DEAF_MS;
    if (isDeaf) this.heardAt = performance.now();
    if (isDeaf || Math.abs(now - this.lookedAt - 1000) > JUMP_MS) this.comeBack(isDeaf);
    this.lookedAt = now;
  }
}
