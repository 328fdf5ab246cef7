// Light, dark, red on black: follows the system until chosen, and is remembered.
import { signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark", "red"];

export const theme = signal(document.documentElement.dataset.theme ?? "system");
/** Rises when colours may have changed: what is drawn by hand is drawn anew. */
export const colours = signal(0);

/** @param {string} name */
export function chooseTheme(name) {
  theme.value = name;
  document.documentElement.dataset.theme = name;
  colours.value += 1;
  try {
    localStorage.setItem("theme", name);
  } catch {
    // it holds until the page is left
  }
}

for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => {
    colours.value += 1;
  });
}

/**
 * @param {string} name Of a token, without dashes.
 * @returns {string} Its colour now.
 */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
