// What holds for all pages: the site, the session, the way to the server.
import { signal } from "@preact/signals";
import { Client } from "../transport/client.js";
import { inside, outside } from "../transport/root.js";
import { frameKey } from "../transport/wishes.js";
import { takeBeat } from "./clock.js";
import { listen, takeFrame } from "./frames.js";
import { takeLines } from "./loglines.js";
import { takeLive } from "./store.js";

/**
 * @typedef {{name: string, colour: string, version: string, telescope: string, zone: string | null, longitude: number | null,
 *            banks: string[], pages: string[], panels: Record<string, string>, batch_hz: number, frame_hz: number,
 *            stale_s: number, lost_s: number, time: number}} Site
 */

/** @type {Site} */
const UNKNOWN = {
  name: "", colour: "", version: "", telescope: "", zone: null, longitude: null, banks: [], pages: [], panels: {},
  batch_hz: 4, frame_hz: 5, stale_s: 3, lost_s: 10, time: 0,
};

export const site = signal(UNKNOWN);
/**
 * @typedef {{key: string, role: string, is_lowered: boolean, control: boolean, holds: Record<string, number>}} Session
 *     `control`: this dashboard runs the array. `holds`: Banks whose control this person has, with its number.
 */

/** @type {import("@preact/signals").Signal<Session>} */
export const session = signal({ key: "", role: "", is_lowered: false, control: false, holds: {} });
/** Reason why the stream ended for good; empty: it did not. */
export const ended = signal("");
/** Messages that this page was too slow for. */
export const merged = signal(0);

/** @type {Client} */
let client;
let version = "";

/** @param {any} message */
function take(message) {
  switch (message.event) {
    case "heartbeat":
      takeBeat(message);
      merged.value = message.merged;
      ended.value = "";
      break;
    case "hello":
      if (version && message.version !== version) location.reload();
      version = message.version;
      break;
    case "changes":
      takeLive(message);
      break;
    case "lines":
      takeLines(message);
      break;
    case "end":
      ended.value = String(message.reason);
      break;
  }
}

/** Begin: ask for the site, open the way. */
export async function begin() {
  client = new Client(take, takeFrame);
  const [told, who] = await Promise.all([getJson("/api/site"), getJson("/api/session")]);
  site.value = { ...UNKNOWN, ...told };
  session.value = { ...session.peek(), ...who };
}

/** Ask anew who this is, and what may be done. */
export async function renewSession() {
  session.value = { ...session.peek(), ...(await getJson("/api/session")) };
}

/**
 * Want live state until the function that is returned is called.
 *
 * @param {Partial<import("../transport/wishes.js").Wish>} wish
 */
export function want(wish) {
  return client.want(wish);
}

/** An answer that tells of an error, in the server's words. */
export class AnswerError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0: there was no answer.
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} address
 * @returns {Promise<any>}
 * @throws {AnswerError}
 */
export function getJson(address) {
  return answered(address, { headers: { Accept: "application/json" } });
}

/**
 * Have something done: the only way by which a page changes anything.
 *
 * @param {string} address
 * @param {object} body
 * @returns {Promise<any>}
 * @throws {AnswerError}
 */
export function postJson(address, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-Dealer-Player": "1" };
  return answered(address, { method: "POST", headers, body: JSON.stringify(body) });
}

/**
 * @param {string} address
 * @param {RequestInit} request
 * @returns {Promise<any>}
 */
async function answered(address, request) {
  let answer;
  try {
    answer = await fetch(outside(address), request);
  } catch (error) {
    throw new AnswerError(`no answer from the dashboard (${/** @type {Error} */ (error).message})`, 0);
  }
  if (answer.status === 401) {
    location.assign(outside(`/login?${new URLSearchParams({ to: inside(location.pathname) + location.search })}`));
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new AnswerError(String(told.detail ?? `status ${answer.status}`), answer.status);
  return told;
}

const FRAME_WITHIN_MS = 5000;

/**
 * @param {import("../transport/wishes.js").FrameWish} wish
 * @returns {Promise<import("./frames.js").Frame>} The newest one of it.
 */
export function oneFrame(wish) {
  return new Promise((resolve, reject) => {
    const end = () => {
      deaf();
      stop();
      clearTimeout(timer);
    };
    const deaf = listen(frameKey(wish), (frame) => {
      end();
      resolve(frame);
    });
    const stop = want({ frames: [wish] });
    const timer = setTimeout(() => {
      end();
      reject(new Error("no frame came within 5 s"));
    }, FRAME_WITHIN_MS);
  });
}
