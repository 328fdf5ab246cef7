// Waterfall on a ring of rows: a new spectrum is one row, and two pictures put together are the whole.
import { colourTable, levels } from "./colormap.js";

export const ROWS = 512;
const LOOK_EVERY = 16; // rows between two looks at the levels
const HOLD = 0.35; // levels stay until they are off by so much of their distance

/** Rows of numbers on a canvas, newest on top. */
export class Waterfall {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string} theme
   */
  constructor(canvas, theme) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.ring = document.createElement("canvas");
    this.table = colourTable(theme);
    this.width = 0;
    this.next = 0;
    this.count = 0;
    this.fresh = 0;
    this.values = new Float32Array(0);
    /** @type {[number, number] | null} */
    this.range = null;
  }

  /** @param {number} width Of a row; another one begins anew. */
  begin(width) {
    this.width = width;
    this.ring.width = width;
    this.ring.height = ROWS;
    this.values = new Float32Array(width * ROWS).fill(NaN);
    this.next = this.count = this.fresh = 0;
    this.range = null;
    this.pixels = new ImageData(width, 1);
    this.words = new Uint32Array(this.pixels.data.buffer);
  }

  /** @param {Float32Array} row */
  add(row) {
    if (row.length !== this.width) this.begin(row.length);
    this.values.set(row, this.next * this.width);
    const place = this.next;
    this.next = (this.next + 1) % ROWS;
    this.count = Math.min(this.count + 1, ROWS);
    if (this.range === null || ++this.fresh >= LOOK_EVERY) this.lookAtLevels();
    this.paint(place);
  }

  lookAtLevels() {
    this.fresh = 0;
    const found = levels(this.count < ROWS ? this.values.subarray(0, this.count * this.width) : this.values);
    if (found === null) return;
    const reach = this.range ? this.range[1] - this.range[0] : 0;
    const isOff = !this.range || Math.abs(found[0] - this.range[0]) > HOLD * reach || Math.abs(found[1] - this.range[1]) > HOLD * reach;
    if (!isOff) return;
    this.range = found;
    for (let row = 0; row < this.count; row++) this.paint(row);
  }

  /** @param {number} row Of the ring. */
  paint(row) {
    if (!this.range || !this.words || !this.pixels) return;
    const [least, greatest] = this.range;
    const scale = 255 / (greatest - least);
    const begin = row * this.width;
    for (let index = 0; index < this.width; index++) {
      const value = this.values[begin + index];
      const level = Math.min(Math.max((value - least) * scale, 0), 255);
      this.words[index] = Number.isNaN(value) ? 0 : this.table[Math.floor(level)];
    }
    /** @type {CanvasRenderingContext2D} */ (this.ring.getContext("2d")).putImageData(this.pixels, 0, row);
  }

  /** Show the ring: two pieces, the newer one on top, upside down. */
  draw() {
    const { canvas, context, ring } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.count === 0) return;
    context.imageSmoothingEnabled = false;
    context.save();
    context.scale(canvas.width / this.width, canvas.height / ROWS);
    context.scale(1, -1);
    if (this.next > 0) context.drawImage(ring, 0, 0, this.width, this.next, 0, -this.next, this.width, this.next);
    const rest = ROWS - this.next;
    if (this.count === ROWS) context.drawImage(ring, 0, this.next, this.width, rest, 0, -ROWS, this.width, rest);
    context.restore();
  }

  /** @param {string} theme */
  recolour(theme) {
    this.table = colourTable(theme);
    for (let row = 0; row < this.count; row++) this.paint(row);
    this.draw();
  }
}
