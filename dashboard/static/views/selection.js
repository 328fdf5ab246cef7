// Row in which text is selected: it alone is not renewed until the selection is gone.
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";

/** Name of that row; empty: there is none. */
const held = signal("");

document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  const node = selection && !selection.isCollapsed ? selection.anchorNode : null;
  const element = node instanceof Element ? node : node?.parentElement;
  held.value = element?.closest("[data-row]")?.getAttribute("data-row") ?? "";
});

/**
 * Render a row, or leave it as it was while text in it is selected.
 *
 * @param {string} name As of its attribute `data-row`.
 * @param {() => any} render
 */
export function useHeld(name, render) {
  const kept = useRef(/** @type {any} */ (null));
  if (held.value !== name || kept.current === null) kept.current = render();
  return kept.current;
}
