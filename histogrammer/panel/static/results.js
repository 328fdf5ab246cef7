// Figures of one spectrum: counts, markers, net area, fit, gates; a gate that is drawn.
import { callOf } from "./gates.js";
import { readMarkers } from "./plot.js";
import { Rate, sum, withError } from "./values.js";

const AREA_EVERY_S = 1;
const FIT_EVERY_S = 2;
/** Contents come when they change: none for so long, and nothing is counted. */
const QUIET_S = 4;
/** Bins beside a region. */
const MAX_SIDES = 9999;

/**
 * @param {any} tools Interface of the page.
 * @param {(address: string | null, every: number) => {answer: any, problem: string, again: () => void}} useAnswer
 * @param {(bank: string, query: string, args?: any[]) => string} question
 */
export function makeResults(tools, useAnswer, question) {
  const { html, useEffect, useMemo, useSignal, place, setQuery, format, act, refusal, second, HoldButton } = tools;

  /** @param {{bank: string, spectrum: any, markers: number[], unit: string}} _ */
  function Area({ bank, spectrum, markers, unit }) {
    const sides = Math.min(Math.max(Math.floor(Number(place.value.query.sb)) || 0, 0), MAX_SIDES);
    const { answer: found, problem } = useAnswer(question(bank, "bank.peaks.net_area", [spectrum.name, ...markers, sides]), AREA_EVERY_S);
    const placed = (/** @type {any} */ value, /** @type {any} */ error) => (typeof value === "number" ? `${withError(value, error)} ${unit}` : "-");
    return html`<tr><th scope="row">background</th><td><label>bins beside <input type="number" min="0" max=${MAX_SIDES} aria-label="bins beside the region" value=${sides} onChange=${(/** @type {any} */ event) => setQuery({ sb: event.currentTarget.value === "0" ? null : event.currentTarget.value })} /></label></td></tr>
      ${problem ? html`<tr><td colspan="2"><p class="problem">${format.visible(problem, 300)}</p></td></tr>` : html`
      <tr><th scope="row">region</th><td>${found ? `${Number(found.low.toPrecision(7))} to ${Number(found.high.toPrecision(7))} ${unit}` : "-"}</td></tr>
      <tr><th scope="row">sum</th><td class="sum">${found ? withError(found.counts, found.counts_error) : "-"}</td></tr>
      ${sides > 0 && html`<tr><th scope="row">background</th><td>${found ? withError(found.background, found.background_error) : "-"}</td></tr>
      <tr><th scope="row">net</th><td class="net"><b>${found ? withError(found.net, found.net_error) : "-"}</b></td></tr>`}
      <tr><th scope="row">centroid</th><td class="centroid">${placed(found?.centroid, found?.centroid_error)}</td></tr>
      <tr><th scope="row">FWHM</th><td class="width" title="of a normal distribution of the same variance">${placed(found?.fwhm, NaN)}</td></tr>`}`;
  }

  /** @param {{bank: string, spectrum: any, markers: number[], unit: string, fit: any}} _ */
  function Fit({ bank, spectrum, markers, unit, fit }) {
    const kind = place.value.query.sf ?? "";
    const { answer, problem } = useAnswer(kind ? question(bank, "bank.peaks.fit", [spectrum.name, kind, ...markers]) : null, FIT_EVERY_S);
    const found = kind && !problem && answer?.kind === kind ? answer : null;
    useEffect(() => {
      fit.value = found;
    }, [found]);
    useEffect(() => () => { fit.value = null; }, []);
    const unitOf = (/** @type {string} */ name) => (name === "centroid" || name === "fwhm" ? ` ${unit}` : "");
    return html`<tr><th scope="row">fit</th><td><select aria-label="fit" value=${kind} onChange=${(/** @type {any} */ event) => setQuery({ sf: event.currentTarget.value })}><option value="">none</option><option value="gaussian">Gaussian</option><option value="linear">line</option></select></td></tr>
      ${problem && kind && html`<tr><td colspan="2"><p class="problem">${format.visible(problem, 300)}</p></td></tr>`}
      ${found && html`${Object.entries(found.parameters).map(([name, value]) => html`<tr key=${name}><th scope="row">${name}</th><td class="fit-${name}">${withError(/** @type {number} */ (value), found.errors[name])}${unitOf(name)}</td></tr>`)}
        <tr><th scope="row">\u03c7\u00b2 / n</th><td class="chi" title="chi-square over degrees of freedom">${found.degrees > 0 ? `${(found.chisquare / found.degrees).toFixed(2)} = ${Number(found.chisquare.toPrecision(4))} / ${found.degrees}` : "-"}</td></tr>
        ${found.residuals.length === 0 && html`<tr><td colspan="2" class="dim">too many bins for what it leaves to be drawn</td></tr>`}`}`;
  }

  /** @param {{bank: string, spectrum: any, gate: string}} _ Counts inside, by the server. */
  function Inside({ bank, spectrum, gate }) {
    const { answer, problem } = useAnswer(question(bank, "bank.integrate", [spectrum.name, null, null, gate]), AREA_EVERY_S);
    if (problem) return html`<span class="problem">${format.visible(problem, 200)}</span>`;
    const told = (/** @type {number[]} */ values) => values.slice(0, spectrum.axes.length).map((value) => Number(value.toPrecision(6))).join(", ");
    return html`<b class="inside">${answer ? `${answer.counts} inside` : "-"}</b>${answer && html`<span class="dim of-gate" title="by the lower edges of bins; FWHM of a normal distribution of the same variance">centroid ${told(answer.centroid)}; FWHM ${told(answer.fwhm)}</span>`}`;
  }

  /** @param {{bank: string, row: any, spectrum: any, spectra: any[], gates: any[], draft: any, again: () => void}} _ */
  function Draft({ bank, row, spectrum, spectra, gates, draft, again }) {
    const undo = useSignal(/** @type {any} */ (null));
    const made = draft.value && callOf(draft.value, spectrum);
    const old = draft.value && gates.find((each) => each.name === draft.value.name);
    const users = draft.value ? spectra.filter((each) => each.gate === draft.value.name).map((each) => each.name) : [];
    const why = refusal({}, [row]);
    const call = async (/** @type {string} */ method, /** @type {any[]} */ args, /** @type {object} */ kwargs) => (await act("/api/call", { banks: [bank], object: "bank", method, args, kwargs, wait: 10 }))?.state === "done";
    const send = async () => {
      if (!made || why) return;
      const { name } = draft.value;
      if (!(await call("create_gate", made.args, made.kwargs))) return;
      const points = old?.points.map((/** @type {any} */ point) => [point.x, point.y]);
      undo.value = old
        ? { text: `undo: ${name} as it was`, method: "create_gate", args: [name, old.type], kwargs: { parameters: old.parameters, gates: old.gates, ...(/^g?s$/.test(old.type) ? { low: old.low, high: old.high } : { points }), ...(old.value !== undefined && { value: old.value }) } }
        : { text: `undo: delete ${name}`, method: "delete_gate", args: [name], kwargs: {} };
      draft.value = null;
      setQuery({ sg: name });
      again();
    };
    const revert = async () => {
      const { method, args, kwargs } = undo.value;
      if (!(await call(method, args, kwargs))) return;
      undo.value = null;
      if (method === "delete_gate") setQuery({ sg: null });
      again();
    };
    useEffect(() => {
      if (!draft.value) return undefined;
      const onKey = (/** @type {KeyboardEvent} */ event) => {
        const target = /** @type {HTMLElement} */ (event.target);
        const isButton = target.closest("button, a, select, summary") !== null;
        const isTyping = target.closest("input, textarea") !== null;
        if (isTyping && !target.closest(".draft")) return;
        if (event.key === "Enter" && !isButton) send();
        else if (event.key === "Escape") draft.value = null;
        else if (event.key === "Backspace" && !isTyping) draft.value = { ...draft.value, points: draft.value.points.slice(0, -1) };
        else return;
        event.preventDefault();
        event.stopPropagation();
      };
      addEventListener("keydown", onKey, true);
      return () => removeEventListener("keydown", onKey, true);
    });
    if (!draft.value) return undo.value && html`<button disabled=${why !== ""} title=${why} onClick=${revert}>${format.visible(undo.value.text, 80)}</button>`;
    const shape = draft.value.kind;
    return html`<div class="draft"><b>Draft of a ${shape}, not sent</b>
      <p><label>name <input type="text" aria-label="name of the gate" value=${draft.value.name} onInput=${(/** @type {any} */ event) => { draft.value = { ...draft.value, name: event.currentTarget.value }; }} /></label></p>
      <p class="dim">${shape === "slice" ? "Drag over the plot, or click its limits." : "Click the corners; drag one to move it; Backspace takes the last away."}</p>
      <p>${old ? html`<span class="warn">replaces ${format.visible(draft.value.name, 40)}</span>${users.length ? `, applied to ${format.visible(users.join(", "), 120)}` : ", applied to nothing"}` : "a new gate, applied to nothing"}</p>
      <p>${made ? (shape === "slice" ? `${made.kwargs.low} to ${made.kwargs.high}` : `${draft.value.points.length} points`) : "points are missing"}</p>
      <div class="line-of"><button disabled=${!made || why !== ""} title=${why} onClick=${send}>Send  Enter</button><button onClick=${() => { draft.value = null; }}>Discard  Esc</button></div>
      ${why && html`<p class="warn">${format.visible(why, 200)}</p>`}</div>`;
  }

  /** @param {{bank: string, row: any, spectrum: any, gates: any[], total: number, again: () => void}} _ What is done to the spectrum itself. */
  function Deeds({ bank, row, spectrum, gates, total, again }) {
    const why = refusal({}, [row]);
    const call = async (/** @type {string} */ method, /** @type {any[]} */ args) => {
      await act("/api/call", { banks: [bank], object: "bank", method, args, wait: 10 });
      again();
    };
    const apply = (/** @type {any} */ event) => (event.currentTarget.value ? call("apply_gate", [event.currentTarget.value, spectrum.name]) : call("ungate", [spectrum.name]));
    const name = format.visible(spectrum.name, 60);
    return html`<p><label>applied gate <select aria-label="applied gate" disabled=${why !== ""} title=${why || "events from now on"} value=${spectrum.gate ?? ""} onChange=${apply}><option value="">none</option>${spectrum.gate && !gates.some((each) => each.name === spectrum.gate) && html`<option value=${spectrum.gate}>${format.visible(spectrum.gate, 40)}</option>`}${gates.map((each) => html`<option key=${each.name} value=${each.name}>${format.visible(each.name, 40)}</option>`)}</select></label></p>
      <${HoldButton} verb="Clear" what="${name} on ${format.visible(bank, 40)}: ${Number.isFinite(total) ? `its ${total} counts are` : "what it has is"} lost" of=${`${bank} ${spectrum.name}`} why=${why} onHeld=${() => call("clear_spectra", [spectrum.name])} />`;
  }

  /** @param {any} _ `seen`: what is seen of the spectrum. */
  return function Results({ bank, row, spectrum, shapes, spectra, gates, frame, seen, fit, draft, units, onDraw, again }) {
    const rate = useMemo(() => new Rate(), []);
    const { query } = place.value;
    const isFlat = spectrum.axes.length === 1;
    const markers = readMarkers(query.sm);
    const unit = format.visible(units(spectrum.xparameters[0]), 16);
    const counts = frame.value?.arrays.data.data;
    const total = useMemo(() => (counts ? sum(counts) : NaN), [counts]);
    const header = frame.value?.header;
    const perSecond = !header ? NaN : second.value - header.time > QUIET_S ? 0 : rate.take(header.time, total);
    const view = seen.x;
    const [axis] = spectrum.axes;
    const bin = (/** @type {number} */ at) => ((at - axis.low) / (axis.high - axis.low)) * axis.bins;
    const inView = isFlat && counts && view ? sum(counts, Math.floor(bin(view[0])), Math.ceil(bin(view[1]))) : null;
    const set = (/** @type {number} */ index) => (/** @type {any} */ event) => {
      const next = markers.slice();
      if (event.currentTarget.value === "") next.splice(index, 1);
      else next[Math.min(index, next.length)] = Number(event.currentTarget.value);
      setQuery({ sm: next.sort((a, b) => a - b).join(",") });
    };
    const why = refusal({}, [row]) || (spectrum.type === "1" || spectrum.type === "2" ? "" : `gates of spectra of type ${spectrum.type} are not drawn here`);
    return html`<aside class="results" aria-label="figures of ${spectrum.name}">
      <h3>Counts</h3><table><tbody>
        <tr><th scope="row">total</th><td class="total">${Number.isFinite(total) ? total : "-"}</td></tr>
        <tr><th scope="row">rate</th><td>${Number.isFinite(perSecond) ? format.scaled(perSecond, "/s") : "-"}</td></tr>
        ${inView !== null && html`<tr><th scope="row">in view</th><td>${inView}</td></tr>`}</tbody></table>
      ${isFlat && html`<h3>Region</h3><table><tbody>
        ${[0, 1].map((index) => html`<tr key=${index}><th scope="row">M${index + 1}</th><td><input type="number" step="any" aria-label="marker ${index + 1}" placeholder="click" value=${markers[index] ?? ""} onChange=${set(index)} /> ${unit}</td></tr>`)}
        ${markers.length === 2 && markers[0] < markers[1] && html`<${Area} bank=${bank} spectrum=${spectrum} markers=${markers} unit=${unit} /><${Fit} bank=${bank} spectrum=${spectrum} markers=${markers} unit=${unit} fit=${fit} />`}</tbody></table>
        ${markers.length < 2 ? html`<p class="dim">Click two places of the plot; drag zooms, a double click shows all.</p>` : html`<button onClick=${() => setQuery({ sm: null, sf: null })}>no markers</button>`}`}
      <h3>Gates</h3>
      <table class="gates"><tbody>${shapes.map((/** @type {any} */ shape) => html`<tr key=${shape.name}><td><button aria-pressed=${query.sg === shape.name} onClick=${() => setQuery({ sg: query.sg === shape.name ? null : shape.name })}>${format.visible(shape.name, 40)}</button> <span class="dim">${shape.kind}${shape.kind === "slice" ? "" : `, ${shape.points.length} points`}</span></td>
        <td>${query.sg === shape.name && shape.kind !== "band" ? html`<${Inside} bank=${bank} spectrum=${spectrum} gate=${shape.name} />` : ""}</td></tr>`)}</tbody></table>
      ${shapes.length === 0 && html`<p class="dim">No gates of its parameters.</p>`}
      ${!draft.value && html`<button disabled=${why !== ""} title=${why} onClick=${onDraw}>draw a ${isFlat ? "slice" : "contour"}</button>${why && html` <span class="dim reason">${format.visible(why, 200)}</span>`}`}
      <${Deeds} bank=${bank} row=${row} spectrum=${spectrum} gates=${gates} total=${total} again=${again} />
      <${Draft} bank=${bank} row=${row} spectrum=${spectrum} spectra=${spectra} gates=${gates} draft=${draft} again=${again} />
    </aside>`;
  };
}
