// Wishes of several tabs, and of several parts of one tab, made one. No network.

/**
 * @typedef {{bank: string, object?: string, name: string, rate?: number, width?: number, window?: [number, number]}} FrameWish
 * @typedef {{topics: string[], frames: FrameWish[]}} Wish
 */

/** @type {Wish} */
export const NOTHING = Object.freeze({ topics: [], frames: [] });

/**
 * Text by which equal wishes for frames are found, whoever made them; the header of a frame gives the same.
 *
 * @param {FrameWish} wish
 * @returns {string}
 */
export function frameKey(wish) {
  const { bank, object = "bank", name, rate = 5, width = null, window = null } = wish;
  return JSON.stringify([bank, object, name, rate, width, window]);
}

/**
 * @param {{bank: string, object: string, name: string, wanted: Partial<FrameWish>}} header Of a frame.
 * @returns {string} As `frameKey` of the wish that it answers.
 */
export function keyOfHeader(header) {
  return frameKey({ bank: header.bank, object: header.object, name: header.name, ...header.wanted });
}

/**
 * @param {Iterable<Wish>} wishes
 * @returns {Wish} All of them, each once, in a fixed order.
 */
export function merged(wishes) {
  const topics = new Set();
  /** @type {Map<string, FrameWish>} */
  const frames = new Map();
  for (const wish of wishes) {
    for (const topic of wish.topics) topics.add(topic);
    for (const frame of wish.frames) frames.set(frameKey(frame), frame);
  }
  const keys = [...frames.keys()].sort();
  return { topics: [...topics].sort(), frames: keys.map((key) => /** @type {FrameWish} */ (frames.get(key))) };
}

/**
 * @param {Wish} one
 * @param {Wish} other
 * @returns {boolean} Both, as `merged` returns them, mean the same topics.
 */
export function sameTopics(one, other) {
  return one.topics.join("\n") === other.topics.join("\n");
}

/**
 * @param {Wish} one
 * @param {Wish} other
 * @returns {boolean} Both, as `merged` returns them, mean the same frames.
 */
export function sameFrames(one, other) {
  return one.frames.map(frameKey).join("\n") === other.frames.map(frameKey).join("\n");
}
