// Pictures of what is drawn, as files: with what they are of, their time and their link on them.
import { second } from "../state/clock.js";
import { site } from "../state/site.js";
import { utc } from "../text/format.js";
import { save } from "./copying.js";
import { token } from "./theme.js";

const LINE_PX = 18;

/** @param {string} title @param {string} ending @returns {string} Name of a file. */
export function fileName(title, ending) {
  return `${title.replaceAll(/\W+/g, "_").slice(0, 120)}.${ending}`;
}

/** @param {string} title @returns {string} With where, when and by which program it was seen. */
export function provenance(title) {
  return `${site.peek().name} ${title}, ${utc(second.peek())} UTC, dashboard ${site.peek().version}`;
}

/**
 * @param {string} title Names the file.
 * @param {string[]} lines Above the picture.
 * @param {[number, number]} size Pixels of the picture.
 * @param {(context: CanvasRenderingContext2D) => void} draw Draws it.
 */
export function savePicture(title, lines, [width, height], draw) {
  const made = document.createElement("canvas");
  const top = lines.length * LINE_PX + 6;
  made.width = width;
  made.height = top + height + 24;
  const context = /** @type {CanvasRenderingContext2D} */ (made.getContext("2d"));
  context.fillStyle = token("panel");
  context.fillRect(0, 0, made.width, made.height);
  context.fillStyle = token("text");
  context.font = "13px system-ui, sans-serif";
  lines.forEach((line, index) => context.fillText(line, 8, 15 + index * LINE_PX, width - 16));
  context.font = "11px system-ui, sans-serif";
  context.fillText(location.href, 8, made.height - 8, width - 16);
  context.translate(0, top);
  draw(context);
  made.toBlob((blob) => blob && save(fileName(title, "png"), blob));
}
