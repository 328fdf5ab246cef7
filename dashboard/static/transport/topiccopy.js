// Copies of topics, from which whoever comes later gets the whole at once. No network.

/**
 * @typedef {{event: "changes", topic: string, from: number, to: number, time: number,
 *            values: Record<string, unknown>, gone: string[]}} Changes
 * @typedef {{event: "lines", topic: string, from: number, to: number, lost: number, lines: object[]}} Lines
 */

export const LINES_KEPT = 500;

/** Newest state of one topic, of keys or of lines. */
export class TopicCopy {
  constructor() {
    /** @type {Map<string, unknown>} */
    this.values = new Map();
    /** @type {object[]} */
    this.lines = [];
    this.to = -1;
    this.time = 0;
    this.kind = "";
  }

  /**
   * Take a message of the topic.
   *
   * @param {Changes | Lines} message
   * @returns {boolean} False: it does not begin where this copy ends, so something is missing.
   */
  take(message) {
    if (message.from !== 0 && message.from > this.to) return false;
    this.kind = message.event;
    this.to = message.to;
    if (message.event === "lines") {
      this.lines = [...(message.from === 0 ? [] : this.lines), ...message.lines].slice(-LINES_KEPT);
      return true;
    }
    if (message.from === 0) this.values.clear();
    for (const [key, value] of Object.entries(message.values)) this.values.set(key, value);
    for (const key of message.gone) this.values.delete(key);
    this.time = message.time;
    return true;
  }

  /**
   * @param {string} topic Its name.
   * @returns {Changes | Lines | null} All there is, as a first message would have it.
   */
  whole(topic) {
    if (this.to < 0) return null;
    if (this.kind === "lines") return { event: "lines", topic, from: 0, to: this.to, lost: 0, lines: this.lines };
    const values = Object.fromEntries(this.values);
    return { event: "changes", topic, from: 0, to: this.to, time: this.time, values, gone: [] };
  }
}
