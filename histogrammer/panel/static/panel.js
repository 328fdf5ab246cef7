// Panels of a histogrammer: its spectra with their gates and peaks, on the page of the Bank and on that of spectra.
import { makeFrames } from "./frames.js";
import { drawnType, freeName, shapesOn } from "./gates.js";
import { MAX_LAID, readNames, readPanes, writeNames, writePanes } from "./panes.js";
import { readRange } from "./plane.js";
import { makeProjection } from "./projection.js";
import { makeResults } from "./results.js";
import { UNMARKED, hindrance, makeStage } from "./stage.js";

const SPECTRA_EVERY_S = 5;
const GATES_EVERY_S = 2;
const PARAMETERS_EVERY_S = 30;
const MAX_LISTED = 300;

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

/** @param {any} spectrum @returns {string} */
const sidesOf = (spectrum) => spectrum.axes.map((/** @type {any} */ axis) => axis.bins).join(" \u00d7 ");

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
  const useFrames = makeFrames(tools);
  const Stage = makeStage(tools);
  const Projection = makeProjection(tools, useAnswer, question);
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

  /** @param {{spectra: any[], chosen: any, onChoose: (name: string) => void, laid: string[] | null}} _ `laid`: names over the chosen one; null: none can be. */
  function List({ spectra, chosen, onChoose, laid }) {
    const { sq = "" } = place.value.query;
    const found = spectra.filter((each) => `${each.name} ${each.parameters.join(" ")}`.toLowerCase().includes(sq.toLowerCase()));
    const over = (/** @type {string} */ name) => laid && setQuery({ so: writeNames(laid.includes(name) ? laid.filter((each) => each !== name) : [...laid, name].slice(-MAX_LAID)) });
    return html`<nav class="list" aria-label="list of spectra">
      <input type="search" aria-label="search spectra" placeholder="search ${spectra.length} spectra  /" value=${sq} onInput=${(/** @type {any} */ event) => setQuery({ sq: event.currentTarget.value })} />
      <ul>${found.slice(0, MAX_LISTED).map((each) => html`<li key=${each.name}><button aria-current=${each === chosen ? "true" : undefined} title=${format.visible(each.parameters.join(", "), 300)}
        onClick=${() => onChoose(each.name)}><span>${format.visible(each.name, 60)}</span><span class="dim">${each.type}</span><span class="dim">${sidesOf(each)}</span></button>
        ${laid && each.axes.length === 1 && each !== chosen && html`<button class="over" aria-pressed=${laid.includes(each.name)} aria-label="lay ${each.name} over it" title="lay it over ${format.visible(chosen.name, 60)}" onClick=${() => over(each.name)}>+</button>`}</li>`)}</ul>
      ${found.length > MAX_LISTED && html`<p class="dim">${found.length - MAX_LISTED} more: search</p>`}
    </nav>`;
  }

  /** @param {{bank: string, row: any}} _ */
  function Live({ bank, row }) {
    const list = useAnswer(question(bank, "bank.list_spectra"), SPECTRA_EVERY_S);
    const gateList = useAnswer(question(bank, "bank.list_gates"), GATES_EVERY_S);
    const parameters = useAnswer(question(bank, "bank.list_parameters"), PARAMETERS_EVERY_S);
    const fit = useSignal(/** @type {any} */ (null));
    const draft = useSignal(/** @type {import("./gates.js").Shape | null} */ (null));
    const wanted = useSignal("");
    const isStale = states.isStale(row);
    const spectra = list.answer ?? [];
    const gates = gateList.answer ?? [];
    const { query } = place.value;
    const find = (/** @type {string} */ name) => spectra.find((/** @type {any} */ each) => each.name === name);
    const panes = readPanes(query.sp);
    const at = panes.length ? Math.min(Math.max(Math.floor(Number(query.sc)) || 0, 0), panes.length - 1) : 0;
    const isLarge = query.se === "1";
    const name = panes.length ? panes[at].name : query.s;
    const chosen = find(name) ?? (name || panes.length ? undefined : spectra[0]);
    const seen = panes.length ? panes[at] : { x: readRange(query.sx), y: readRange(query.sy) };
    const isGrid = panes.length > 0 && !isLarge;
    const canLay = chosen?.axes.length === 1 && !isGrid;
    const laid = canLay ? readNames(query.so).slice(0, MAX_LAID) : [];
    const shown = [...(isGrid ? panes.map((pane) => pane.name) : [chosen?.name]), ...laid].map(find).filter((each) => each && !hindrance(each, wanted.value));
    const frameOf = useFrames(bank, [...new Set(shown.map((each) => each.name))]);
    const gatesOn = (/** @type {any} */ spectrum) => shapesOn(spectrum, gates);
    const shapes = chosen ? gatesOn(chosen) : [];
    const units = (/** @type {string} */ parameter) => parameters.answer?.find((/** @type {any} */ each) => each.name === parameter)?.units ?? "";
    const begin = () => {
      draft.value = { name: freeName(chosen.name, gates), type: drawnType(chosen), kind: drawnType(chosen) === "s" ? "slice" : "contour", points: [] };
    };
    const choose = (/** @type {string} */ next) => {
      if (panes.length) setQuery({ ...UNMARKED, sc: String(at), sp: writePanes(panes.map((pane, index) => (index === at ? { name: next, x: null, y: null } : pane))) });
      else setQuery({ ...UNMARKED, s: next, sx: null, sy: null });
    };
    const again = () => {
      gateList.again();
      list.again();
    };
    useEffect(() => { // a draft is of one spectrum
      draft.value = null;
    }, [chosen?.name]);
    return html`<section class="panel histogrammer ${isStale ? "stale" : ""}" aria-label="spectra of ${bank}">
      <header><h2>${format.visible(bank, 40)}</h2><${Analysis} bank=${bank} isStale=${isStale} /></header>
      ${list.problem && html`<p class="problem">${format.visible(list.problem, 300)}</p>`}
      ${list.answer && spectra.length === 0 && html`<p class="empty">No spectra are booked.</p>`}
      ${name && list.answer && !chosen && !isGrid && html`<p class="empty">There is no spectrum ${format.visible(name, 60)}.</p>`}
      <div class="spectra-grid"><${List} spectra=${spectra} chosen=${chosen} onChoose=${choose} laid=${canLay ? laid : null} />
        <div class="main">${(chosen || panes.length > 0) && html`<${Stage} bank=${bank} spectra=${spectra} chosen=${chosen} panes=${panes} at=${at} isLarge=${isLarge} laidOver=${laid} gatesOn=${gatesOn} frameOf=${frameOf} fit=${fit} draft=${draft} units=${units} wanted=${wanted} />`}
          ${chosen?.axes.length === 2 && html`<${Projection} key=${bank + chosen.name} bank=${bank} row=${row} spectrum=${chosen} shapes=${shapes} seen=${seen} units=${units} />`}</div>
        ${chosen && !hindrance(chosen, wanted.value) && html`<${Results} key=${bank + chosen.name} bank=${bank} row=${row} spectrum=${chosen} shapes=${shapes} spectra=${spectra} gates=${gates} frame=${frameOf(chosen.name)} seen=${seen} fit=${fit} draft=${draft} units=${units} onDraw=${begin} again=${again} />`}
      </div>
    </section>`;
  }

  /** @param {{bank: string, row: any}} _ */
  return function Spectra({ bank, row }) {
    if (moment.value === null) return html`<${Live} bank=${bank} row=${row} />`;
    return html`<section class="panel histogrammer" aria-label="spectra of ${bank}"><header><h2>${format.visible(bank, 40)}</h2></header><p class="empty">Nothing was kept of its spectra here: what was saved of them is in <a href="/files?bank=${encodeURIComponent(bank)}">files</a>.</p></section>`;
  };
}

export { make as spectra };
