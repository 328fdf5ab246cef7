// Panels of a histogrammer: its spectra with their gates and peaks, on the page of the Bank and on that of spectra.
import { makePlot } from "./plot.js";
import { makeResults } from "./results.js";
import { drawnType, freeName, shapesOn } from "./gates.js";
import { readRange } from "./plane.js";

const SPECTRA_EVERY_S = 5;
const GATES_EVERY_S = 2;
const PARAMETERS_EVERY_S = 30;
const MAX_LISTED = 300;
/** More bins are asked for only if somebody wants them. */
const MANY_BINS = 2_000_000;

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("panel.css", import.meta.url).href;
document.head.append(style);

/**
 * @param {string} bank
 * @param {string} query
 * @param {any[]} args
 * @returns {string} Address of a question to a Bank.
 */
function question(bank, query, args = []) {
  return `/api/panels/${encodeURIComponent(bank)}?${new URLSearchParams({ query, ...(args.length && { args: JSON.stringify(args) }) })}`;
}

/** @param {any} spectrum @returns {number} */
const binsOf = (spectrum) => spectrum.axes.reduce((/** @type {number} */ all, /** @type {any} */ axis) => all * axis.bins, 1);

/** @param {any} spectrum @returns {string} */
const sizeOf = (spectrum) => spectrum.axes.map((/** @type {any} */ axis) => axis.bins).join(" \u00d7 ");

/** @param {any} tools Interface of the page. */
export default function make(tools) {
  const { html, useEffect, useJson, useSignal, useTopics, place, setQuery, format, moment, Chip, states } = tools;
  /**
   * @param {string | null} address Of a question; null: none is asked.
   * @param {number} every Seconds.
   */
  function useAnswer(address, every) {
    const { told, problem, again } = useJson(address, every);
    return { answer: told?.answer ?? null, problem: problem || told?.refused || "", again };
  }
  const Plot = makePlot(tools);
  const Results = makeResults(tools, useAnswer, question);

  /** @param {{bank: string, isStale: boolean}} _ Run, file and state of the analysis. */
  function Analysis({ bank, isStale }) {
    const [values] = useTopics(`values:${bank}`);
    const told = values.of("analysis").value?.[0];
    if (!told) return html`<span class="dim">analysis: not known</span>`;
    const [severity, word] = told.error ? ["fault", "failed"] : told.active ? ["ok", "active"] : ["off", "stopped"];
    const file = String(told.attached).replace(/^(file|pipe|stream):.*\//, "$1:");
    return html`<span class="run ${isStale ? "dim" : ""}"><${Chip} severity=${severity} word=${word} why=${told.error} />
      ${told.run !== null && html`<span>run <b>${told.run}</b></span>`}<span title=${format.visible(told.attached, 300)}>${format.visible(file, 48)}${typeof told.fraction === "number" ? ` ${format.percent(told.fraction)}` : ""}</span>
      <b>${format.scaled(told.event_rate, "events/s")}</b><span class="dim">${told.events} events</span></span>`;
  }

  /** @param {{spectra: any[], chosen: any}} _ */
  function List({ spectra, chosen }) {
    const { sq = "" } = place.value.query;
    const found = spectra.filter((each) => `${each.name} ${each.parameters.join(" ")}`.toLowerCase().includes(sq.toLowerCase()));
    return html`<nav class="list" aria-label="list of spectra">
      <input type="search" aria-label="search spectra" placeholder="search ${spectra.length} spectra  /" value=${sq} onInput=${(/** @type {any} */ event) => setQuery({ sq: event.currentTarget.value })} />
      <ul>${found.slice(0, MAX_LISTED).map((each) => html`<li key=${each.name}><button aria-current=${each === chosen ? "true" : undefined} title=${format.visible(each.parameters.join(", "), 300)}
        onClick=${() => setQuery({ s: each.name, sx: null, sy: null, sm: null, sg: null })}><span>${format.visible(each.name, 60)}</span><span class="dim">${each.type}</span><span class="dim">${sizeOf(each)}</span></button></li>`)}</ul>
      ${found.length > MAX_LISTED && html`<p class="dim">${found.length - MAX_LISTED} more: search</p>`}
    </nav>`;
  }

  /** @param {{bank: string, row: any}} _ */
  function Live({ bank, row }) {
    const list = useAnswer(question(bank, "bank.list_spectra"), SPECTRA_EVERY_S);
    const gateList = useAnswer(question(bank, "bank.list_gates"), GATES_EVERY_S);
    const parameters = useAnswer(question(bank, "bank.list_parameters"), PARAMETERS_EVERY_S);
    const frame = useSignal(/** @type {any} */ (null));
    const fit = useSignal(/** @type {any} */ (null));
    const draft = useSignal(/** @type {import("./gates.js").Shape | null} */ (null));
    const isWanted = useSignal("");
    const isStale = states.isStale(row);
    const spectra = list.answer ?? [];
    const gates = gateList.answer ?? [];
    const { query } = place.value;
    const chosen = spectra.find((/** @type {any} */ each) => each.name === query.s) ?? (query.s ? undefined : spectra[0]);
    const shapes = chosen ? shapesOn(chosen, gates) : [];
    const units = (/** @type {string} */ name) => parameters.answer?.find((/** @type {any} */ each) => each.name === name)?.units ?? "";
    const isMuch = chosen && binsOf(chosen) > MANY_BINS && isWanted.value !== chosen.name;
    const begin = () => {
      draft.value = { name: freeName(chosen.name, gates), type: drawnType(chosen), kind: drawnType(chosen) === "s" ? "slice" : "contour", points: [] };
    };
    useEffect(() => { // a draft is of one spectrum
      draft.value = null;
    }, [chosen?.name]);
    const isFlat = chosen?.axes.length === 1;
    const isLinear = query.lin === "1";
    return html`<section class="panel histogrammer ${isStale ? "stale" : ""}" aria-label="spectra of ${bank}">
      <header><h2>${format.visible(bank, 40)}</h2><${Analysis} bank=${bank} isStale=${isStale} /></header>
      ${list.problem && html`<p class="problem">${format.visible(list.problem, 300)}</p>`}
      ${list.answer && spectra.length === 0 && html`<p class="empty">No spectra are booked.</p>`}
      ${query.s && list.answer && !chosen && html`<p class="empty">There is no spectrum ${format.visible(query.s, 60)}.</p>`}
      <div class="spectra-grid"><${List} spectra=${spectra} chosen=${chosen} />
        <div class="main">${chosen && html`<div class="line-of"><b>${format.visible(chosen.name, 60)}</b><span class="dim">${format.visible(chosen.parameters.join(", "), 80)}; gate: ${format.visible(chosen.gate ?? "none", 40)}</span><span class="grow"></span>
            <button aria-pressed=${!isLinear} onClick=${() => setQuery({ lin: isLinear ? null : "1" })}>log ${isFlat ? "y" : "z"}</button>
            ${(readRange(query.sx) || readRange(query.sy)) && html`<button onClick=${() => setQuery({ sx: null, sy: null })}>whole range</button>`}</div>
          ${isMuch
            ? html`<p class="empty">${binsOf(chosen)} bins. <button onClick=${() => { isWanted.value = chosen.name; }}>show them all the same</button></p>`
            : html`<${Plot} key=${bank + chosen.name} bank=${bank} spectrum=${chosen} shapes=${shapes} frame=${frame} fit=${fit} draft=${draft} units=${units} />`}`}</div>
        ${chosen && !isMuch && html`<${Results} key=${bank + chosen.name} bank=${bank} row=${row} spectrum=${chosen} shapes=${shapes} spectra=${spectra} gates=${gates} frame=${frame} fit=${fit} draft=${draft} units=${units} onDraw=${begin} again=${gateList.again} />`}
      </div>
    </section>`;
  }

  /** @param {{bank: string, row: any}} _ */
  return function Spectra({ bank, row }) {
    if (moment.value === null) return html`<${Live} bank=${bank} row=${row} />`;
    return html`<section class="panel histogrammer" aria-label="spectra of ${bank}"><header><h2>${format.visible(bank, 40)}</h2></header><p class="empty">Spectra of the past are kept in files only.</p></section>`;
  };
}

export { make as spectra };
