// Input of one parameter: made from its description, and refused while one types.
import { useMemo } from "preact/hooks";
import { inputOf, readInput } from "../text/inputs.js";
import { visible } from "../text/format.js";
import { html } from "./html.js";

let count = 0;

/**
 * @param {{parameter: import("../text/inputs.js").Parameter, text: string | undefined, onText: (text: string) => void, empty?: string, label?: string}} _
 *     `text`: what was typed; undefined: nothing. `empty`: what holds then.
 */
export function Field({ parameter, text, onText, empty = "", label = parameter.name }) {
  const id = useMemo(() => `field-${++count}`, []);
  const input = useMemo(() => inputOf(parameter), [parameter]);
  const problem = text === undefined ? "" : readInput(parameter, text).problem;
  const take = (/** @type {any} */ event) => onText(event.currentTarget.value);
  const common = { id, "aria-label": label, "aria-invalid": problem ? "true" : undefined, "aria-describedby": `${id}-why`, title: input.words, autocomplete: "off", spellcheck: false };
  return html`<span class="field">
    ${input.choices.length
      ? html`<select ...${common} value=${text ?? ""} onChange=${take}>${text === undefined && html`<option value="">${visible(empty || "-", 60)}</option>`}${input.choices.map((each) => html`<option key=${String(each)} value=${String(each)}>${visible(String(each), 60)}</option>`)}</select>`
      : html`<input ...${common} type="text" inputmode=${input.kind === "number" ? "decimal" : undefined} value=${text ?? ""} placeholder=${visible(empty, 60)} onInput=${take} />`}
    ${parameter.unit && html`<span class="unit">${visible(parameter.unit, 16)}</span>`}
    <span class="why" id="${id}-why">${problem && html`<span class="fault">\u2716 ${visible(problem, 200)}</span>`}</span>
  </span>`;
}
