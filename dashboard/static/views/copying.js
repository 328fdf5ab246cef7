// Copying and saving: works on plain http too, where the clipboard interface is missing.
import { csvCell } from "../text/format.js";
import { notify } from "./notices.js";

/** @param {string} text */
export async function copyText(text) {
  if (!(await toClipboard(text)) && !byCommand(text)) notify("nothing could be copied: the browser refused it", true);
  else notify(`copied: ${text.length > 80 ? `${text.slice(0, 80)} ...` : text}`);
}

/** @param {string} text */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no https, or not allowed
  }
}

/** @param {string} text */
function byCommand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

/**
 * @param {string} name Of the file.
 * @param {Blob} blob
 */
export function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @param {string} name Of the file.
 * @param {string[]} comments Lines before the table.
 * @param {unknown[][]} rows The first has the names, with units.
 */
export function saveCsv(name, comments, rows) {
  const lines = [...comments.map((comment) => csvCell(`# ${comment}`)), ...rows.map((row) => row.map(csvCell).join(","))];
  save(name, new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
}
