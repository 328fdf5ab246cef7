// Widths of the window at which pages change their layout, as in the style sheets.
import { signal } from "@preact/signals";

/**
 * @param {number} width px.
 * @returns {import("@preact/signals").Signal<boolean>} The window is not wider.
 */
function upTo(width) {
  const query = matchMedia(`(max-width: ${width}px)`);
  const found = signal(query.matches);
  query.addEventListener("change", () => {
    found.value = query.matches;
  });
  return found;
}

/** A phone. */
export const isNarrow = upTo(760);
/** Half a screen. */
export const isHalf = upTo(1000);
/** Not all columns have room. */
export const isTight = upTo(1180);
