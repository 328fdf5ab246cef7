// A state: shape, word, colour.
import { SHAPES } from "../text/states.js";
import { visible } from "../text/format.js";
import { html } from "./html.js";

/** @param {{severity: import("../text/states.js").Severity, word: string, why?: string}} state */
export function Chip({ severity, word, why = "" }) {
  return html`<span class="chip ${severity}" title=${visible(why, 500)}><i aria-hidden="true">${SHAPES[severity]}</i>${visible(word, 40)}</span>`;
}

/** @param {{share: number | null | undefined, name: string}} progress */
export function Progress({ share, name }) {
  if (share === null || share === undefined) return html`<span class="dim">-</span>`;
  const whole = Math.min(Math.max(share, 0), 1);
  return html`<span class="bar-of" role="progressbar" aria-label=${name} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.floor(whole * 100)}>
    <span style=${{ width: `${whole * 100}%` }}></span>
  </span>`;
}
