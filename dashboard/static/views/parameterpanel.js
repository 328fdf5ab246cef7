// Parameters of the chosen Banks: wanted beside actual until they agree; nothing is sent before it is applied.
import { useSignal } from "@preact/signals";
import { draft, drafts, sent, wanted } from "../state/drafts.js";
import { getJson } from "../state/site.js";
import { inputOf, typed } from "../text/inputs.js";
import { apart, groupsOf, inWords, namesOf, reversal } from "../text/parameters.js";
import { visible } from "../text/format.js";
import { countOfBanks, named } from "../text/refusals.js";
import { acts, isOwn } from "../state/acts.js";
import { act } from "./acting.js";
import { Field } from "./field.js";
import { html } from "./html.js";
import { notify } from "./notices.js";
import { refusal } from "./seat.js";

/** @typedef {import("../text/inputs.js").Parameter} Parameter */

/** @param {{name: string, parameter: Parameter, groups: import("../text/parameters.js").Group[]}} _ */
function Row({ name, parameter, groups }) {
  const text = drafts.value[name];
  const unmet = apart(wanted.value[name], groups);
  const isSame = groups.length === 1;
  const take = (/** @type {string} */ told) => draft(name, isSame && told === typed(groups[0].value) ? undefined : told);
  return html`<tr class=${text === undefined ? "" : "draft"} data-parameter=${name}>
    <th scope="row" title=${visible(parameter.doc ?? "", 600)}>${visible(name, 40)}</th>
    <td class="actual"><span class=${isSame ? "" : "warn"}>${isSame ? "" : "\u25b2 differs: "}${visible(inWords(groups, parameter.unit), 160)}</span>
      ${unmet.length > 0 && html`<div class="warn">\u25b2 wanted ${visible(typed(wanted.value[name].value), 60)}: ${named(unmet)} ${unmet.length === 1 ? "has" : "have"} another value</div>`}</td>
    <td><${Field} parameter=${parameter} text=${text} onText=${take} empty=${isSame ? typed(groups[0].value) : ""} label="wanted ${name}" />
      ${text !== undefined && html`<button class="plain" aria-label="forget the draft of ${name}" onClick=${() => draft(name, undefined)}>\u2715</button>`}</td>
    <td class="dim wrap wide">${visible(inputOf(parameter).words, 120)}</td></tr>`;
}

/** @param {{changes: import("../text/parameters.js").Change[], parameters: Map<string, Parameter>}} _ Old -> new, with the Banks. */
function Changes({ changes, parameters }) {
  return html`<ul class="changes" aria-label="what would change">${changes.map(({ name, value, problem, from }) => html`<li key=${name}><b class="mono">${visible(name, 40)}</b> ${problem ? html`<span class="fault">\u2716 ${visible(problem, 120)}</span>` : from.map((group, index) => html`${index ? "; " : ""}<span key=${index}>${visible(typed(group.value) || "(empty)", 60)} \u2192 <b>${visible(typed(value) || "(empty)", 60)}</b> ${parameters.get(name)?.unit ?? ""} <span class="dim">${named(group.banks)}</span></span>`)}</li>`)}</ul>`;
}

/** Take the last set back, Bank by Bank. @param {string} id Of its act. */
async function revert(id) {
  try {
    const told = await getJson(`/api/acts/${encodeURIComponent(id)}`);
    for (const { banks, values } of reversal((told.act ?? told).before ?? {})) {
      if (await act("/api/parameters", { banks, values })) sent(values, banks);
    }
  } catch (error) {
    notify(/** @type {Error} */ (error).message, true);
  }
}

/**
 * @param {{rows: any[], answer: {told: any, problem: string}, again: () => void, parameters: Map<string, Parameter>, changes: import("../text/parameters.js").Change[]}} _
 */
export function ParameterPanel({ rows, answer, again, parameters, changes }) {
  const search = useSignal("");
  const values = answer.told?.values ?? {};
  const banks = Object.keys(values);
  const names = namesOf(values);
  const shown = names.filter((name) => `${name} ${parameters.get(name)?.doc ?? ""}`.toLowerCase().includes(search.value.toLowerCase()));
  const errors = Object.entries(answer.told?.errors ?? {});
  const [wrong] = changes.filter((change) => change.problem);
  const chosen = rows.filter((row) => banks.includes(row.bank));
  const why = refusal({}, chosen) || (wrong ? `${wrong.name}: ${wrong.problem}` : changes.length ? "" : "nothing is changed");
  const applied = acts.value.find((each) => isOwn(each) && each.verb === "parameters" && each.ended !== null && each.state !== "failed");
  const apply = async () => {
    const set = Object.fromEntries(changes.map((change) => [change.name, change.value]));
    if (await act("/api/parameters", { banks, values: set })) sent(set, banks);
    again();
  };
  return html`<section class="panel parameters" aria-label="parameters"><header><h2>Parameters</h2><span class="dim">${names.length} of ${countOfBanks(banks.length)}</span><span class="grow"></span>
      <div class="filters"><input type="search" placeholder="search  /" aria-label="search parameters" value=${search.value} onInput=${(/** @type {any} */ event) => { search.value = event.currentTarget.value; }} /></div></header>
    ${answer.problem && html`<p class="problem">${visible(answer.problem, 300)}</p>`}
    ${errors.map(([bank, problem]) => html`<p class="problem" key=${bank}>${visible(bank, 40)}: ${visible(problem, 300)}</p>`)}
    <div class="wanted-of"><table><colgroup><col class="name" /><col class="is" /><col class="wants" /><col class="wide" /></colgroup><thead><tr><th>name</th><th>is</th><th>wanted</th><th class="wide">allowed</th></tr></thead><tbody>
      ${shown.map((name) => html`<${Row} key=${name} name=${name} parameter=${parameters.get(name) ?? { name }} groups=${groupsOf(values, name)} />`)}</tbody></table></div>
    <div class="apply">
      ${changes.length > 0 ? html`<${Changes} changes=${changes} parameters=${parameters} />` : html`<p class="dim">Nothing is changed. What is typed is sent when it is applied, or with the start of a scan.</p>`}
      <div class="line-of"><button class="main-button" disabled=${why !== ""} title=${why} onClick=${apply}>Apply to ${countOfBanks(banks.length)}</button>
        <button disabled=${changes.length === 0} onClick=${() => { drafts.value = {}; }}>Discard</button>
        <button disabled=${!applied || refusal({}, chosen) !== ""} title=${applied ? applied.text : "nothing was set from here"} onClick=${() => applied && revert(applied.id)}>Revert the last set</button>
        ${why && changes.length > 0 && html`<span class="dim reason">${visible(why, 300)}</span>`}</div></div>
  </section>`;
}
