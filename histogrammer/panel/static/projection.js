// Projection of a spectrum of two dimensions, as the Bank computes it: looked at under it, or booked as a spectrum.
import { clearContext, drawAxes, drawCounts, greatestIn, within } from "./drawing.js";
import { Plane } from "./plane.js";
import { tableOf } from "./tables.js";

const EVERY_S = 2;

/**
 * @param {any} tools Interface of the page.
 * @param {(address: string | null, every: number) => {answer: any, problem: string, again: () => void}} useAnswer
 * @param {(bank: string, query: string, args?: any[]) => string} question
 */
export function makeProjection(tools, useAnswer, question) {
  const { html, useEffect, useRef, useSignal, place, setQuery, format, token, colours, theme, niceStep, plainNumbers, act, refusal, saveCsv, fileName, provenance } = tools;

  /** @param {{found: any, name: string}} _ Its curve. */
  function Curve({ found, name }) {
    const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
    const size = useSignal([0, 0]);
    useEffect(() => {
      const seen = new ResizeObserver(([entry]) => { size.value = [entry.contentRect.width, entry.contentRect.height]; });
      seen.observe(/** @type {Element} */ (canvas.current));
      return () => seen.disconnect();
    }, []);
    useEffect(() => {
      const [width, height] = size.value;
      if (width === 0) return;
      const context = clearContext(/** @type {HTMLCanvasElement} */ (canvas.current), size.value);
      const [low, high, bins] = found.axis;
      const axis = { start: low, delta: (high - low) / bins };
      const most = Math.max(1, greatestIn(found.counts, axis, [low, high]));
      const plane = new Plane({ width, height, x: [low, high], y: [0, most * 1.05] });
      const look = /** @type {any} */ ({ text: token("text"), dim: token("dim"), grid: token("grid") });
      drawAxes(context, plane, { colours: look, niceStep, plainNumbers, x: name, y: "counts" });
      within(context, plane, () => drawCounts(context, plane, found.counts, axis, { colour: token("series-1") }));
    }, [found, name, size.value, colours.value, theme.value]);
    return html`<canvas ref=${canvas} class="spectrum projection" role="img" aria-label="projection, ${found.axis[2]} bins, ${found.total} counts"></canvas>`;
  }

  /** @param {{bank: string, spectrum: any, args: any[], parameters: string[], units: (name: string) => string, words: (found: any) => string}} _ As the Bank has it now. */
  function Looked({ bank, spectrum, args, parameters, units, words }) {
    const { answer, problem } = useAnswer(question(bank, "bank.projections.look", args), EVERY_S);
    if (problem) return html`<p class="problem">${format.visible(problem, 300)}</p>`;
    if (!answer) return html`<p class="empty">It is asked for.</p>`;
    const label = [format.visible(parameters[0] ?? "", 40), units(parameters[0]) && `[${format.visible(units(parameters[0]), 16)}]`].filter(Boolean).join(" ");
    const saveTable = () => {
      const [low, high, bins] = answer.axis;
      const part = { spectrum: { ...spectrum, axes: [{ low, high, bins }], xparameters: parameters }, counts: answer.counts, time: "", seconds: null, factor: 1 };
      const title = `${bank} ${spectrum.name} onto ${args[1]}`;
      saveCsv(fileName(title, "csv"), [provenance(title), `projection of ${spectrum.name} onto ${args[1]}, ${words(answer)}`, location.href].map((line) => format.visible(line)), tableOf([part], { x: null, y: null }, units));
    };
    return html`<div class="line-of"><b class="total-of">${answer.total} counts</b><span class="dim">${format.visible(words(answer), 120)}</span><span class="grow"></span><button onClick=${saveTable}>CSV</button></div>
      <${Curve} found=${answer} name=${label} />`;
  }

  /** @param {{bank: string, row: any, spectrum: any, shapes: any[], seen: {x: any, y: any}, units: (name: string) => string}} _ `seen`: what is seen of the spectrum. */
  return function Projection({ bank, row, spectrum, shapes, seen, units }) {
    const { query } = place.value;
    const name = useSignal("");
    const direction = query.sj === "x" || query.sj === "y" ? query.sj : "";
    const other = direction === "x" ? "y" : "x";
    const contour = shapes.find((each) => each.kind === "contour" && each.name === query.sg)?.name ?? null;
    const of = query.sk === "gate" && contour ? "gate" : query.sk === "view" && seen[other] ? "view" : "all";
    const args = [spectrum.name, direction, ...(of === "gate" ? [contour] : of === "view" ? [null, ...seen[other]] : [])];
    const words = (/** @type {any} */ found) => (of === "all" ? "of all" : of === "gate" ? `inside ${contour}` : `${other} from ${found.low} to ${found.high}`);
    const wanted = name.value || `${spectrum.name}-${direction}`;
    const why = refusal({}, [row]) || (of === "view" ? "only seen: a contour around it could be booked" : "");
    const book = async () => {
      const made = await act("/api/call", { banks: [bank], object: "bank", method: "project", args: [spectrum.name, wanted, direction], kwargs: { snapshot: false, contour: of === "gate" ? contour : null }, wait: 10 });
      if (made?.state === "done") name.value = "";
    };
    return html`<section class="projection-of" aria-label="projection of ${spectrum.name}"><div class="line-of">
        <label>projection <select aria-label="projection" value=${direction} onChange=${(/** @type {any} */ event) => setQuery({ sj: event.currentTarget.value })}><option value="">none</option><option value="x">onto x</option><option value="y">onto y</option></select></label>
        ${direction && html`<label>of <select aria-label="part that is projected" value=${of} onChange=${(/** @type {any} */ event) => setQuery({ sk: event.currentTarget.value === "all" ? null : event.currentTarget.value })}><option value="all">all</option><option value="view" disabled=${!seen[other]}>what is seen of ${other}</option><option value="gate" disabled=${!contour}>${contour ? `inside ${format.visible(contour, 40)}` : "inside a gate: choose one"}</option></select></label>
          <span class="grow"></span><input type="text" size="14" aria-label="name of the new spectrum" placeholder=${wanted} value=${name.value} onInput=${(/** @type {any} */ event) => { name.value = event.currentTarget.value; }} /><button disabled=${why !== ""} title=${why || "it goes on with the events"} onClick=${book}>book it</button>${why && html`<span class="dim reason">${format.visible(why, 200)}</span>`}`}</div>
      ${direction && html`<${Looked} key=${JSON.stringify(args)} bank=${bank} spectrum=${spectrum} args=${args} parameters=${direction === "x" ? spectrum.xparameters : spectrum.yparameters} units=${units} words=${words} />`}</section>`;
  };
}
