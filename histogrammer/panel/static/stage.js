// Place of the plots: one spectrum with others laid over it, or several in panes; pictures and tables of what is seen.
import { isShowable } from "./frames.js";
import { LAYOUTS, factorOf, resized, writeNames, writePanes, zoomed } from "./panes.js";
import { makePlot, readMarkers } from "./plot.js";
import { readRange, writeRange } from "./plane.js";
import { aboutPart, tableOf, widthOf } from "./tables.js";
import { sum, withError } from "./values.js";

/** More bins are shown only if somebody wants them. */
const MANY_BINS = 2_000_000;
const SIDES = ["1", "1 \u00d7 2", "1 \u00d7 3", "2 \u00d7 2", "2 \u00d7 3", "3 \u00d7 3"];
/** Colours and dashes of spectra over another: told apart without colours, too. */
const LOOKS = /** @type {[string, number[]][]} */ ([["series-4", [6, 3]], ["series-5", [2, 2]], ["series-7", [9, 3, 2, 3]], ["series-6", [12, 4]], ["series-8", [4, 4]], ["series-3", [1, 3]]]);
const NORMS = [["", "as counted"], ["counts", "to equal counts"], ["time", "to equal time"]];

/** @param {any} spectrum @returns {number} */
const sizeOf = (spectrum) => spectrum.axes.reduce((/** @type {number} */ all, /** @type {any} */ axis) => all * axis.bins, 1);

/** @param {any} spectrum @param {string} wanted Name of one that is shown whatever its size. @returns {string} Why it is not shown; empty: it is. */
export function hindrance(spectrum, wanted) {
  if (!isShowable(spectrum.name)) return "Its name cannot be asked for here.";
  return sizeOf(spectrum) > MANY_BINS && wanted !== spectrum.name ? `${sizeOf(spectrum)} bins.` : "";
}

/** Query without what is of one spectrum only. */
export const UNMARKED = { sm: null, sf: null, sg: null };

/** @param {any} tools Interface of the page. */
export function makeStage(tools) {
  const { html, useRef, second, place, setQuery, format, savePicture, saveCsv, fileName, provenance } = tools;
  const Plot = makePlot(tools);

  /** @param {any} frame @param {any} spectrum */
  const weightOf = (frame, spectrum) => ({ total: frame && frame.arrays.data.data.length === sizeOf(spectrum) ? sum(frame.arrays.data.data) : NaN, seconds: frame?.header.seconds ?? NaN });

  /** @param {{all: any[], chosen: any, laid: {spectrum: any, factor: number}[]}} _ Those over the chosen one, and how they are scaled. */
  function Laid({ all, chosen, laid }) {
    const { query } = place.value;
    if (laid.length === 0) return null;
    return html`<div class="line-of laid"><label>scaled <select aria-label="scale of the spectra over it" value=${query.sn ?? ""} onChange=${(/** @type {any} */ event) => setQuery({ sn: event.currentTarget.value })}>${NORMS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label>
      ${laid.map(({ spectrum, factor }) => html`<span key=${spectrum.name}>${format.visible(spectrum.name, 40)} ${Number.isFinite(factor) ? `\u00d7 ${Number(factor.toPrecision(4))}` : html`<span class="warn">${query.sn === "time" ? "time not known" : "no counts"}</span>`}
        <button class="plain" aria-label="take ${spectrum.name} away" onClick=${() => setQuery({ so: writeNames(all.filter((name) => name !== spectrum.name)) })}>\u2715</button></span>`)}
      ${query.sn && html`<span class="dim">to those of ${format.visible(chosen.name, 40)}</span>`}</div>`;
  }

  /**
   * @param {any} _ `panes`: none, if there is one only; `at`: number of the chosen one. `isLarge`: it is shown alone. `laidOver`: names over it.
   */
  return function Stage({ bank, spectra, chosen, panes, at, isLarge, laidOver, gatesOn, frameOf, fit, draft, units, wanted }) {
    const host = useRef(/** @type {HTMLElement | null} */ (null));
    const { query } = place.value;
    const isLog = query.lin !== "1";
    const isGrid = panes.length > 0 && !isLarge;
    const find = (/** @type {string} */ name) => spectra.find((/** @type {any} */ each) => each.name === name);
    const wholeOf = (/** @type {string} */ name) => {
      const axis = find(name)?.axes[0];
      return axis ? /** @type {[number, number]} */ ([axis.low, axis.high]) : null;
    };
    const windowOf = (/** @type {number} */ index) => (panes.length ? panes[index] : { x: readRange(query.sx), y: readRange(query.sy) });
    const zoom = (/** @type {number} */ index) => (/** @type {{x: any, y: any}} */ window) => {
      if (panes.length) setQuery({ sp: writePanes(zoomed(panes, index, window, query.sl === "1" ? wholeOf : null)) });
      else setQuery({ sx: window.x && writeRange(window.x), sy: window.y && writeRange(window.y) });
    };
    const everything = { x: null, y: null };
    const frame = chosen && frameOf(chosen.name);
    const laid = isGrid || !chosen ? [] : laidOver.map(find).filter((/** @type {any} */ each) => each && each !== chosen && each.axes.length === 1 && !hindrance(each, "")).map((/** @type {any} */ spectrum) => {
      const came = frameOf(spectrum.name).value;
      return { spectrum, came, factor: factorOf(query.sn ?? "", weightOf(frame.value, chosen), weightOf(came, spectrum)) };
    });
    const drawn = laid.flatMap(({ spectrum, came, factor }, /** @type {number} */ index) => {
      if (!came || !Number.isFinite(factor)) return [];
      const [axis] = spectrum.axes;
      const [colour, dash] = LOOKS[index % LOOKS.length];
      const counts = came.arrays.data.data;
      return [{ label: factor === 1 ? spectrum.name : `${spectrum.name} \u00d7 ${Number(factor.toPrecision(4))}`, counts: factor === 1 ? counts : Float64Array.from(counts, (each) => Number(each) * factor), axis: { start: axis.low, delta: widthOf(axis) }, colour, dash }];
    });

    const sourceOf = () => {
      const told = tools.topic(`values:${bank}`).of("analysis").peek()?.[0];
      return told ? `source ${told.attached}${told.run === null ? "" : `, run ${told.run}`}${told.title ? ` "${told.title}"` : ""}, ${told.events} events` : "source not known";
    };
    const shown = () => (isGrid ? panes.map((/** @type {any} */ pane) => find(pane.name)) : [chosen]).filter(Boolean);
    const title = () => `${bank} ${shown().map((/** @type {any} */ each) => each.name).join(", ")}`;
    const savePng = () => {
      const box = /** @type {HTMLElement} */ (host.current).getBoundingClientRect();
      const ratio = devicePixelRatio || 1;
      const some = [.../** @type {HTMLElement} */ (host.current).querySelectorAll("canvas.spectrum")];
      const bottom = Math.max(...some.map((each) => each.getBoundingClientRect().bottom)) - box.top;
      const found = fit.value ? [fitLine(fit.value, withError)] : [];
      savePicture(title(), [provenance(title()), `${sourceOf()}; contents of ${format.utc(frame?.value?.header.time ?? second.peek())} UTC`, ...found], [box.width * ratio, bottom * ratio], (/** @type {CanvasRenderingContext2D} */ context) => {
        for (const each of some) {
          const own = each.getBoundingClientRect();
          context.drawImage(/** @type {HTMLCanvasElement} */ (each), (own.left - box.left) * ratio, (own.top - box.top) * ratio);
        }
      });
    };
    const saveTable = () => {
      const parts = [{ spectrum: chosen, came: frame.value, factor: 1 }, ...laid.filter(({ came, factor }) => came && Number.isFinite(factor))].map(({ spectrum, came, factor }) => ({ spectrum, factor, counts: came.arrays.data.data, time: format.utc(came.header.time, 3), seconds: came.header.seconds ?? null }));
      const name = `${bank} ${chosen.name}`;
      const about = [provenance(name), sourceOf(), ...parts.flatMap((part) => aboutPart(part, units)), ...(fit.value ? [fitLine(fit.value)] : []), location.href];
      saveCsv(fileName(name, "csv"), about.map((line) => format.visible(line)), tableOf(parts, windowOf(at), units));
    };
    /** @param {any} found @param {(value: number, error: number) => string} told @returns {string} */
    const fitLine = (found, told = (value, error) => `${value} +- ${error}`) => `fit ${found.kind}, bins that have ${readMarkers(query.sm).join(" to ")}: ${Object.entries(found.parameters).map(([name, value]) => `${name} ${told(/** @type {number} */ (value), found.errors[name])}`).join(", ")}, chi2 ${Number(found.chisquare.toPrecision(7))}, ndf ${found.degrees}`;

    /** @param {any} spectrum @param {number} index @param {boolean} isSmall */
    const plotOf = (spectrum, index, isSmall) => {
      const isChosen = spectrum === chosen && index === at;
      const why = hindrance(spectrum, wanted.value);
      if (why) return html`<p class="empty">${why}${isShowable(spectrum.name) && html` <button onClick=${() => { wanted.value = spectrum.name; }}>show them all the same</button>`}</p>`;
      return html`<${Plot} key=${bank + spectrum.name} spectrum=${spectrum} frame=${frameOf(spectrum.name)} laid=${drawn} shapes=${gatesOn(spectrum)} gate=${isChosen ? query.sg : undefined} markers=${isChosen ? readMarkers(query.sm) : []}
        window=${windowOf(index)} isLog=${isLog} isSmall=${isSmall} fit=${isChosen ? fit : null} draft=${isChosen ? draft : null} units=${units} onZoom=${zoom(index)}
        onMark=${(/** @type {number[]} */ markers) => (isChosen ? spectrum.axes.length === 1 && setQuery({ sm: markers.join(",") }) : setQuery({ ...UNMARKED, sc: String(index) }))}
        onTwice=${() => (isSmall ? setQuery({ ...(!isChosen && UNMARKED), sc: String(index), se: "1" }) : zoom(index)(everything))} />`;
    };
    const lay = (/** @type {any} */ event) => {
      const size = Number(event.currentTarget.value);
      const now = panes.length ? panes : [{ name: chosen?.name ?? "", ...windowOf(0) }];
      const names = spectra.filter((/** @type {any} */ each) => !hindrance(each, "")).map((/** @type {any} */ each) => each.name);
      const next = resized(now, size, names);
      if (size > 1) setQuery({ sp: writePanes(next), sc: String(Math.min(at, size - 1)), se: null, so: null, s: null, sx: null, sy: null });
      else setQuery({ sp: null, sc: null, se: null, sl: null, s: chosen?.name, sx: windowOf(at).x && writeRange(windowOf(at).x), sy: windowOf(at).y && writeRange(windowOf(at).y) });
    };
    const isZoomed = panes.length && isGrid ? panes.some((/** @type {any} */ pane) => pane.x || pane.y) : windowOf(at).x || windowOf(at).y;
    const unzoom = () => {
      if (isGrid) setQuery({ sp: writePanes(panes.map((/** @type {any} */ pane) => ({ ...pane, ...everything }))) });
      else zoom(at)(everything);
    };
    return html`<div class="line-of">${chosen && html`<b>${format.visible(chosen.name, 60)}</b><span class="dim">${format.visible(chosen.parameters.join(", "), 80)}; gate: ${format.visible(chosen.gate ?? "none", 40)}</span>`}<span class="grow"></span>
        ${panes.length > 0 && isLarge && html`<button onClick=${() => setQuery({ se: null })}>all panes</button>`}
        <label>panes <select aria-label="panes" value=${String(panes.length || 1)} onChange=${lay}>${LAYOUTS.map((size, index) => html`<option key=${size} value=${String(size)}>${SIDES[index]}</option>`)}</select></label>
        ${panes.length > 0 && html`<button aria-pressed=${query.sl === "1"} title="zoom x of all panes together" onClick=${() => setQuery({ sl: query.sl === "1" ? null : "1" })}>link x</button>`}
        <button aria-pressed=${isLog} onClick=${() => setQuery({ lin: isLog ? "1" : null })}>log ${chosen?.axes.length === 2 ? "z" : "y"}</button>
        ${isZoomed && html`<button onClick=${unzoom}>whole range</button>`}
        ${chosen && html`<button onClick=${savePng}>PNG</button><button disabled=${!frame.value} title="counts of ${format.visible(chosen.name, 60)} in what is seen of it" onClick=${saveTable}>CSV</button>`}</div>
      <div class="stage" ref=${host}>${isGrid
        ? html`<div class="panes of-${panes.length}">${panes.map((/** @type {any} */ pane, /** @type {number} */ index) => html`<section key=${`${index} ${pane.name}`} class="pane" aria-current=${index === at ? "true" : undefined} aria-label="pane ${index + 1}">
            <button class="plain" title="choose it: the list puts a spectrum here" onClick=${() => index !== at && setQuery({ ...UNMARKED, sc: String(index) })}>${index + 1} ${format.visible(pane.name || "empty", 60)}</button>
            ${find(pane.name) ? plotOf(find(pane.name), index, true) : html`<p class="empty">${pane.name ? `There is no spectrum ${format.visible(pane.name, 60)}.` : "Choose this pane, then a spectrum of the list."}</p>`}</section>`)}</div>`
        : chosen && plotOf(chosen, at, false)}</div>
      <${Laid} all=${laidOver} chosen=${chosen} laid=${laid} />`;
  };
}
