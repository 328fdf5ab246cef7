// Log of all Banks. Scrolling up stops following; End resumes.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { place, setQuery } from "../state/address.js";
import { moment } from "../state/clock.js";
import { keepForReader, knownLines, lost, revision, takeOlder } from "../state/loglines.js";
import { getJson, site } from "../state/site.js";
import { utc, visible } from "../text/format.js";
import { SHAPES, levelSeverity } from "../text/states.js";
import { copyText } from "../views/copying.js";
import { useTopics } from "../views/hooks.js";
import { html } from "../views/html.js";
import { useKeys } from "../views/keyboard.js";
import { notify } from "../views/notices.js";
import { isNarrow } from "../views/viewport.js";
import { Windowed } from "../views/windowed.js";

const LEVELS = ["debug", "info", "warning", "error", "critical"];
const OLDER = 500;

/**
 * @param {readonly import("../state/loglines.js").Line[]} lines
 * @param {Record<string, string>} query
 */
function filtered(lines, { level = "", bank = "", q = "", scan = "" }) {
  const least = LEVELS.indexOf(level);
  const text = q.toLowerCase();
  return lines.filter(
    (line) =>
      (least <= 0 || LEVELS.indexOf(line.level) >= least || !LEVELS.includes(line.level)) &&
      (!bank || line.bank === bank) &&
      (!scan || String(line.scan) === scan) &&
      (!text || `${line.text} ${line.logger}`.toLowerCase().includes(text)),
  );
}

/** @param {{line: import("../state/loglines.js").Line, style: object, isChosen: boolean, choose: () => void}} _ */
function LogLine({ line, style, isChosen, choose }) {
  const severity = levelSeverity(line.level);
  return html`<div role="row" class="line ${severity}-line ${isChosen ? "chosen" : ""}" style=${style} onClick=${choose}>
    <span role="cell" class="dim">${isNarrow.value ? utc(line.time).slice(11) : utc(line.time, 3)}</span>
    <span role="cell" class="host dim">${visible(line.host, 40)}</span>
    <span role="cell">${visible(line.bank, 40)}</span>
    <span role="cell" class=${severity}>${severity === "off" ? "" : `${SHAPES[severity]} `}${visible(line.level.toUpperCase(), 12)}</span>
    <span role="cell" class="dim host">${line.scan === null ? "" : `scan ${line.scan}`}</span>
    <span role="cell" class="logger dim">${visible(line.logger, 60)}</span>
    <span role="cell" class="text">${visible(line.text, 400)}</span>
  </div>`;
}

/** Controls of what is shown. */
function Filters() {
  const { level = "", bank = "", q = "", scan = "" } = place.value.query;
  const take = (/** @type {string} */ name) => (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value });
  return html`<div class="filters">
    <select aria-label="least level" value=${level} onChange=${take("level")}><option value="">all levels</option>${LEVELS.slice(1).map((each) => html`<option key=${each} value=${each}>from ${each}</option>`)}</select>
    <select aria-label="Bank" value=${bank} onChange=${take("bank")}><option value="">all Banks</option>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select>
    <input aria-label="scan" inputmode="numeric" placeholder="scan" size="5" value=${scan} onInput=${take("scan")} />
    <input type="search" placeholder="text  /" aria-label="search text" value=${q} onInput=${take("q")} />
  </div>`;
}

async function askOlder() {
  const [first] = knownLines();
  try {
    const told = await getJson(`/api/log?${new URLSearchParams({ before: String(first?.number ?? 0), most: String(OLDER) })}`);
    if (told.lines.length === 0) notify("no older lines are kept");
    takeOlder(told.lines);
  } catch (error) {
    notify(`older lines: ${/** @type {Error} */ (error).message}`, true);
  }
}

/** The page. */
export default function Log() {
  useTopics("log");
  const { query } = place.value;
  const follow = useSignal(true);
  useEffect(() => keepForReader(!follow.value), [follow.value]);
  useEffect(() => () => keepForReader(false), []);
  const chosenLine = useSignal(/** @type {any} */ (null));
  const seen = useSignal(0);
  const lines = useMemo(() => filtered(knownLines(), query).filter((line) => line.time <= (moment.value ?? Infinity)), [revision.value, moment.value, query.level, query.bank, query.q, query.scan]);
  const newest = lines.length ? lines[lines.length - 1].number : 0;
  if (follow.value && seen.peek() !== newest) seen.value = newest;
  const below = follow.value ? 0 : lines.filter((line) => line.number > seen.value).length;
  const resume = () => { follow.value = true; };
  const copyLine = () => {
    const line = chosenLine.value;
    if (line) copyText(`${utc(line.time, 3)} UTC ${line.host} ${line.bank} ${line.level.toUpperCase()} ${line.logger}: ${line.text}`);
  };
  useKeys({ End: resume, f: () => { follow.value = !follow.value; }, c: copyLine });
  const rowHeight = isNarrow.value ? 44 : 22;
  const line = chosenLine.value;
  return html`<div class="page-head"><h1>Log</h1><span class="dim">${lines.length} of ${knownLines().length} lines${lost.value ? `, ${lost.value} lost on the way` : ""}</span><span class="grow"></span><${Filters} /></div>
    <section class="panel log-lines" aria-label="log lines">
      ${lines.length === 0 && html`<p class="empty">${knownLines().length === 0 ? "No Bank has logged anything since the dashboard began." : "No line is as the filter wants it."}</p>`}
      <${Windowed} count=${lines.length} rowHeight=${rowHeight} numberOf=${(/** @type {number} */ index) => lines[index].number} follow=${follow} label="log"
        render=${(/** @type {number} */ index, /** @type {object} */ style) => html`<${LogLine} key=${lines[index].number} line=${lines[index]} style=${style} isChosen=${line === lines[index]} choose=${() => { chosenLine.value = lines[index]; }} />`} />
      ${line && html`<div class="whole"><b>${utc(line.time, 3)} UTC  ${visible(line.bank, 40)}  ${visible(line.logger, 60)}</b>\n${line.text.split("\n").map((/** @type {string} */ part) => visible(part)).join("\n")}${line.left_out ? `\n(${line.left_out} records were not published)` : ""} </div>`}
      <div class="foot"><button aria-pressed=${follow.value} onClick=${() => { follow.value = !follow.value; }} title="f, End">${follow.value ? "following" : "follow"}</button>
        ${below > 0 && html`<button onClick=${resume}>${below} new lines below: to the newest</button>`}
        <button onClick=${() => { follow.value = false; askOlder(); }}>older lines</button>
        ${line && html`<button onClick=${copyLine} title="c">copy line</button><button onClick=${() => { chosenLine.value = null; }}>close line</button>`}
        <span class="grow"></span><span class="dim">times: UTC</span></div>
    </section>`;
}
