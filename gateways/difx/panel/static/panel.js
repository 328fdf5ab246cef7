// Panels of a DiFX gateway: its jobs by experiment and pass, on the page of the Bank and on that of jobs.
import { chosenOf, grouped, isOver, left, stateOf, weightsOf } from "./jobs.js";

const MODES = ["run", "monitor", "check", "run_if_valid"];

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("panel.css", import.meta.url).href;
document.head.append(style);

/** @param {any} tools Interface of the page. */
export default function make(tools) {
  const { html, useJson, useSignal, useTopics, place, setQuery, second, now, session, format, states, Chip, Progress, HoldButton, act, refusal } = tools;

  /** @param {{bank: string, job: import("./jobs.js").Job}} _ Last messages of a job. */
  function Messages({ bank, job }) {
    const least = useSignal("info");
    const text = useSignal("");
    const asked = new URLSearchParams({ query: "bank.jobs.messages", args: JSON.stringify([job.id]) });
    const { told, problem } = useJson(`/api/panels/${encodeURIComponent(bank)}?${asked}`, 2);
    const all = /** @type {import("./jobs.js").Message[]} */ (told?.answer?.messages ?? []);
    const shown = chosenOf(all, least.value, text.value);
    const wrong = problem || told?.refused;
    return html`<tr class="messages"><td colspan="9"><section aria-label="messages of ${job.name}">
      <div class="line-of"><label>from <select value=${least.value} onChange=${(/** @type {any} */ event) => { least.value = event.currentTarget.value; }}><option>info</option><option>warning</option><option>error</option></select></label>
        <input type="search" aria-label="search messages" value=${text.value} onInput=${(/** @type {any} */ event) => { text.value = event.currentTarget.value; }} />
        <span class="dim">${shown.length} of the last ${all.length}, ${told?.answer?.earlier ?? 0} before them</span></div>
      ${wrong && html`<p class="problem">${format.visible(wrong, 400)}</p>`}
      <ol>${shown.map((each) => html`<li><span class="nowrap">${format.utcNear(each.time, second.value)}</span> <span class=${{ error: "fault", warning: "warn" }[each.severity] ?? "dim"}>${each.severity.toUpperCase()}</span> ${format.visible(each.text, 1100)}</li>`)}</ol></section></td></tr>`;
  }

  /** @param {{bank: string, row: any, job: import("./jobs.js").Job}} _ */
  function JobRow({ bank, row, job }) {
    const isEnded = isOver(job);
    const rest = left(job, second.value);
    const done = typeof job.fraction === "number" ? `, ${format.percent(job.fraction)} done` : "";
    const stop = () => act("/api/call", { banks: [bank], object: "bank.jobs", method: "stop", args: [job.input] });
    const isOpen = place.value.query.log === job.id;
    return html`<tr>
      <td class="mono" data-name="job" title=${format.visible(job.input, 300)}>${format.visible(job.name, 60)}</td>
      <td data-name="state"><${Chip} ...${stateOf(job)} /></td>
      <td class="nowrap" data-name="progress">${typeof job.fraction === "number" ? html`<${Progress} share=${job.fraction} name="progress of ${job.name}" /> ${format.percent(job.fraction)}` : html`<span class="dim">-</span>`}</td>
      <td data-name="weights">${weightsOf(job).map(({ name, weight }) => html`<span class="nowrap" title=${format.visible(name, 60)}><${Progress} share=${weight} name="weight of ${name}" /> ${weight === null ? "" : weight.toFixed(2)} </span>`)}</td>
      <td class="number" data-name="left">${format.span(rest)}</td>
      <td class="number" data-name="took">${format.span((isEnded ? job.changed : now.value) - job.begun)}</td>
      <td class="nowrap" data-name="started">${format.utcNear(job.begun, second.value)}</td>
      <td data-name="by">${format.visible(job.client, 40)}</td>
      <td class="wrap full">${session.value.control && !isEnded && html`<${HoldButton} verb="Stop" what="${job.name} on ${bank}${done}" of=${bank + job.id} why=${refusal({ isHalt: true }, [row])} isSmall onHeld=${stop} /> `}
        ${job.mode !== "run" && html`<span class="dim">${job.mode.replaceAll("_", " ")}</span> `}${job.errors > 0 && html`<span class="warn">${job.errors} ${job.errors === 1 ? "error line" : "error lines"}</span> `}<span class=${stateOf(job).severity === "fault" ? "fault" : ""}>${format.visible(job.text, 400)}</span>
        <button aria-expanded=${isOpen} aria-label="messages of ${job.name}" onClick=${() => setQuery({ log: isOpen ? null : job.id })}>log</button></td>
    </tr>${isOpen && html`<${Messages} bank=${bank} job=${job} />`}`;
  }

  /** @param {{bank: string, row: any}} _ A job that is begun from here. */
  function Start({ bank, row }) {
    const input = useSignal("");
    const mode = useSignal("run");
    const isForced = useSignal(false);
    const why = refusal({}, [row]) || (/^\/.+\.input$/.test(input.value) ? "" : "the path of an input file is needed: it begins with / and ends in .input");
    const start = () => act("/api/call", { banks: [bank], object: "bank.jobs", method: "start", args: [input.value], kwargs: { mode: mode.value, force: isForced.value } });
    return html`<details class="start"><summary>start a job</summary><div class="line-of">
      <input type="text" aria-label="input file" placeholder="/experiment/pass/job.input" value=${input.value} onInput=${(/** @type {any} */ event) => { input.value = event.currentTarget.value; }} />
      <label>mode <select value=${mode.value} onChange=${(/** @type {any} */ event) => { mode.value = event.currentTarget.value; }}>${MODES.map((each) => html`<option key=${each} value=${each}>${each.replaceAll("_", " ")}</option>`)}</select></label>
      <label><input type="checkbox" checked=${isForced.value} onChange=${(/** @type {any} */ event) => { isForced.value = event.currentTarget.checked; }} />remove output that exists</label>
      <${HoldButton} verb="Start" what="${input.value || "a job"} on ${bank}${isForced.value ? ", and remove its output" : ""}" of=${[bank, input.value, mode.value, isForced.value].join(" ")} why=${why} onHeld=${start} /></div></details>`;
  }

  /** @param {{bank: string, row: any}} _ */
  return function Jobs({ bank, row }) {
    const [values] = useTopics(`values:${bank}`);
    const told = values.of("jobs").value?.[0];
    const jobs = /** @type {import("./jobs.js").Job[]} */ (Array.isArray(told) ? told : []);
    const { q = "", only = "" } = place.value.query;
    const found = jobs.filter((job) => (only !== "running" || !isOver(job)) && `${job.input} ${job.state} ${job.client} ${job.text}`.toLowerCase().includes(q.toLowerCase()));
    const count = jobs.filter((job) => !isOver(job)).length;
    return html`<section class="panel difx ${states.isStale(row) ? "stale" : ""}" aria-label="jobs of ${bank}">
      <header><h2>Jobs of ${format.visible(bank, 40)}</h2><span class="dim">${count} waiting or running, ${jobs.length - count} ended, of the last 50</span></header>
      ${session.value.control && html`<${Start} bank=${bank} row=${row} />`}
      ${told?.left_out && html`<p class="problem">the table of jobs is too large to be published</p>`}
      ${found.length > 0 && html`<div class="scroll"><table class="cards"><thead><tr><th>job</th><th>state</th><th>progress</th><th>weights</th><th class="number">left</th><th class="number">took</th><th>started, UTC</th><th>by</th><th>message</th></tr></thead>
        ${grouped(found).map((group) => html`<tbody key=${group.folder}><tr class="group"><th scope="rowgroup" colspan="9" title=${format.visible(group.folder, 300)}>${format.visible(group.label, 120)}</th></tr>
          ${group.jobs.map((job) => html`<${JobRow} key=${job.id} bank=${bank} row=${row} job=${job} />`)}</tbody>`)}</table></div>`}
      ${Array.isArray(told) && found.length === 0 && html`<p class="empty">${jobs.length === 0 ? "No jobs yet." : "No job fits the search."}</p>`}
    </section>`;
  };
}

export { make as jobs };
