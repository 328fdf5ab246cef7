// One WebSocket: frames of pipes, and topics too where there is no other way.
import { Backoff, SILENT_AFTER_MS, verdict } from "./backoff.js";
import { outside } from "./root.js";
import { NOTHING } from "./wishes.js";

const LOOK_EVERY_MS = 500;
/** Frames that the server gives over one connection. */
const MAX_FRAMES = 48;
/** A large frame on a slow way is silent until all of it is there. */
const LONGEST_PATIENCE_MS = 60_000;

/** @typedef {import("./wishes.js").Wish} Wish */

/** Keeps a WebSocket open as long as something is wanted of it. */
export class FrameSocket {
  /**
   * @param {(message: {event: string} & Record<string, any>) => void} deliver Gets each event.
   * @param {(frame: ArrayBuffer) => void} deliverFrame Gets each frame.
   */
  constructor(deliver, deliverFrame) {
    this.deliver = deliver;
    this.deliverFrame = deliverFrame;
    /** @type {Wish | null} */
    this.wish = null;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.backoff = new Backoff();
    this.heardAt = 0;
    this.patience = SILENT_AFTER_MS;
    this.lookedAt = performance.now();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.again = undefined;
    this.watch = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /**
   * Say what is wanted from now on.
   *
   * @param {Wish | null} wish None: no connection at all.
   */
  want(wish) {
    this.wish = wish;
    if (wish === null) this.drop();
    else if (this.socket === null) this.open();
    else if (this.socket.readyState === WebSocket.OPEN) this.tell();
  }

  tell() {
    const { topics, frames } = this.wish ?? NOTHING;
    this.socket?.send(JSON.stringify({ topics, frames: frames.slice(0, MAX_FRAMES) }));
  }

  drop() {
    clearTimeout(this.again);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  open() {
    this.drop();
    if (this.wish === null) return;
    this.heardAt = performance.now();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${outside("/ws")}`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket === this.socket) this.tell();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      const now = performance.now();
      const silence = now - this.heardAt;
      this.heardAt = now;
      this.backoff.reset();
      clearTimeout(this.again); // it was slow, and not gone
      if (typeof event.data === "string") this.deliver(JSON.parse(event.data));
      else {
        this.patience = Math.min(Math.max(2 * silence, SILENT_AFTER_MS), LONGEST_PATIENCE_MS);
        this.deliverFrame(event.data);
      }
    };
    socket.onclose = () => {
      if (socket === this.socket) this.openLater();
    };
  }

  /** Open it at once, if it is open at all: the network or the machine came back. */
  wake() {
    if (this.wish !== null && performance.now() - this.heardAt > 1500) this.open();
  }

  openLater() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), this.backoff.next());
  }

  look() {
    const now = performance.now();
    const found = verdict(now, this.heardAt, this.lookedAt, this.patience);
    this.lookedAt = now;
    if (this.wish === null || found === "well") return;
    this.heardAt = now;
    if (found === "slept") this.open();
    else {
      // it may be a frame that is on its way: the next time it gets longer
      if (this.socket?.readyState === WebSocket.OPEN) this.patience = Math.min(2 * this.patience, LONGEST_PATIENCE_MS);
      this.openLater();
    }
  }

  close() {
    clearInterval(this.watch);
    this.want(null);
  }
}
