// Form for any method of any kind of Banks, made from the interface document.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { readInput, typed } from "../text/inputs.js";
import { visible } from "../text/format.js";
import { countOfBanks, named } from "../text/refusals.js";
import { act } from "./acting.js";
import { Field } from "./field.js";
import { HoldButton } from "./hold.js";
import { html } from "./html.js";
import { refusal } from "./seat.js";

const ANYTHING = [
  { name: "args", passing: "further positions", schema: { type: "array" }, doc: "by position, as a list of JSON" },
  { name: "kwargs", passing: "further keywords", schema: { type: "object" }, doc: "by name, as an object of JSON" },
];

/**
 * @param {any[]} parameters
 * @param {Record<string, string>} texts What was typed, by name.
 * @returns {{args: any[], kwargs: Record<string, any>, problem: string}}
 */
function argumentsOf(parameters, texts) {
  /** @type {any[]} */
  const args = [];
  /** @type {Record<string, any>} */
  let kwargs = {};
  for (const parameter of parameters) {
    const text = texts[parameter.name];
    if (text === undefined || (text === "" && parameter.schema?.type !== "string")) {
      if (parameter.required) return { args, kwargs, problem: `${parameter.name} is needed` };
      continue;
    }
    const further = /^further /.test(parameter.passing ?? "");
    const type = parameter.passing === "further positions" ? "array" : "object";
    const { value, problem } = readInput(further ? { name: parameter.name, schema: { type } } : parameter, text);
    if (problem) return { args, kwargs, problem: `${parameter.name}: ${problem}` };
    if (parameter.passing === "further positions") args.push(...value);
    else if (parameter.passing === "further keywords") kwargs = { ...kwargs, ...value };
    else if (parameter.passing === "position") args.push(value);
    else kwargs[parameter.name] = value;
  }
  return { args, kwargs, problem: "" };
}

/** @param {{rows: any[], described: any}} _ Banks that are chosen; interface document of the first. */
export function MethodForm({ rows, described }) {
  const chosen = useSignal("");
  const texts = useSignal(/** @type {Record<string, string>} */ ({}));
  const all = useMemo(() => new Map(Object.entries(described?.objects ?? {}).flatMap(([object, told]) => /** @type {any} */ (told).methods.map((/** @type {any} */ method) => [`${object}.${method.name}`, { object, ...method }]))), [described]);
  const method = all.get(chosen.value);
  const choose = (/** @type {any} */ event) => {
    chosen.value = event.currentTarget.value;
    texts.value = {};
  };
  const parameters = method ? (method.parameters ?? ANYTHING) : [];
  const { args, kwargs, problem } = argumentsOf(parameters, texts.value);
  const isQuery = method?.kind === "query";
  const why = method ? refusal(isQuery ? { role: "observe", isHalt: true } : {}, rows) || problem : "choose a method";
  const call = () => act("/api/call", { banks: rows.map((row) => row.bank), object: method.object, method: method.name, args, kwargs });
  const what = `on ${countOfBanks(rows.length)}: ${named(rows.map((row) => row.bank))}`;
  return html`<section class="panel" aria-label="methods"><header><h2>Methods</h2><span class="dim">all that the Banks offer</span></header><div class="body">
    <select aria-label="method" value=${chosen.value} onChange=${choose}><option value="">choose one of ${all.size}</option>
      ${Object.entries(described?.objects ?? {}).map(([object, told]) => html`<optgroup key=${object} label=${object}>${/** @type {any} */ (told).methods.map((/** @type {any} */ each) => html`<option key=${each.name} value="${object}.${each.name}">${each.name} (${each.kind})</option>`)}</optgroup>`)}</select>
    ${method && html`<pre class="doc">${visible(method.doc.split(/\n\s*(?:Args|Keywords):/)[0], 2000).replaceAll("\\u{000a}", "\n")}</pre>
      <table class="arguments"><tbody>${parameters.map((/** @type {any} */ parameter) => html`<tr key=${`${chosen.value} ${parameter.name}`}><th scope="row">${visible(parameter.name, 40)}${parameter.required ? "" : html` <span class="dim">optional</span>`}</th>
        <td><${Field} parameter=${/^further /.test(parameter.passing ?? "") ? { ...parameter, schema: {} } : parameter} text=${texts.value[parameter.name]} onText=${(/** @type {string} */ text) => { texts.value = { ...texts.value, [parameter.name]: text }; }} empty=${parameter.default === undefined ? "" : typed(parameter.default) || "none"} /></td>
        <td class="dim wrap">${visible(parameter.doc ?? parameter.annotation ?? "", 400)}</td></tr>`)}</tbody></table>`}
    ${isQuery ? html`<div class="line-of"><button disabled=${why !== ""} title=${why} onClick=${call}>Ask ${method.name} ${what}</button><span class="dim reason">${why}</span></div>` : html`<${HoldButton} verb=${method ? `Call ${method.name}` : "Call"} of=${`${chosen.value} ${rows.map((row) => row.bank).join()} ${JSON.stringify([args, kwargs])}`} why=${why} what=${what} onHeld=${call} />`}
  </div></section>`;
}
