// Frames of pipes: binary messages viewed in place, and handed to whoever draws them.
import { moment } from "./clock.js";
import { keyOfHeader } from "../transport/wishes.js";

/**
 * @typedef {{bank: string, object: string, name: string, wanted: object, number: number, time: number, lost: number,
 *            x_start?: number, x_delta?: number, points?: number, window?: [number, number], rows?: string[],
 *            arrays: {key: string, dtype: string, shape: number[], offset: number}[]}} Header
 * @typedef {Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array} Numbers
 * @typedef {{header: Header, arrays: Record<string, {data: Numbers, shape: number[]}>}} Frame
 */

/** @type {Record<string, any>} */
const TYPES = {
  f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array,
  u4: Uint32Array, b1: Uint8Array,
};

/**
 * @param {ArrayBuffer} message
 * @returns {Frame}
 */
export function readFrame(message) {
  const length = new DataView(message).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, length)));
  /** @type {Frame["arrays"]} */
  const arrays = {};
  for (const { key, dtype, shape, offset } of header.arrays) {
    const Kind = TYPES[dtype.slice(1)];
    const count = shape.reduce((/** @type {number} */ all, /** @type {number} */ one) => all * one, 1);
    if (Kind) arrays[key] = { data: new Kind(message, 4 + length + offset, count), shape };
  }
  return { header, arrays };
}

/** @type {Map<string, Set<(frame: Frame) => void>>} */
const listeners = new Map();

/** @param {ArrayBuffer} message */
export function takeFrame(message) {
  if (moment.peek() !== null) return; // frames of the past are kept nowhere
  const frame = readFrame(message);
  for (const listener of listeners.get(keyOfHeader(/** @type {any} */ (frame.header))) ?? []) listener(frame);
}

/**
 * Listen until the function that is returned is called.
 *
 * @param {string} key As `frameKey` gives it.
 * @param {(frame: Frame) => void} listener
 */
export function listen(key, listener) {
  const all = listeners.get(key) ?? new Set();
  listeners.set(key, all);
  all.add(listener);
  return () => {
    all.delete(listener);
    if (all.size === 0) listeners.delete(key);
  };
}
