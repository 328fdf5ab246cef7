// Slider over time: the same pages show the array as it was; the frame says that it is not now.
import { computed, useSignal } from "@preact/signals";
import { age, moment, serverNow } from "../state/clock.js";
import { SPEEDS, gaps, isThere, problem, showMoment, speed, step } from "../state/moment.js";
import { span, utc, utcNear, visible } from "../text/format.js";
import { marks, nearest } from "../text/moments.js";
import { named } from "../text/refusals.js";
import { readTime } from "../text/timerange.js";
import { useJson } from "./hooks.js";
import { html } from "./html.js";

const SPANS = /** @type {[number, string][]} */ ([[3600, "1 h"], [43_200, "12 h"], [86_400, "1 d"], [604_800, "7 d"]]);
const KINDS = ["scan", "change", "control", "alarm"];
const PLACES = 400;
const GRAIN_S = 60;

/** Server's time in whole seconds, behind the past that is shown; 0: not known yet. */
const today = computed(() => (age.value < Infinity ? Math.floor(serverNow()) : 0));

/** @param {{moments: any[], since: number, until: number}} _ */
function Marks({ moments, since, until }) {
  return html`<svg class="moments" viewBox="0 0 ${PLACES} 12" preserveAspectRatio="none" aria-hidden="true">${marks(moments, since, until, PLACES).map(([at, kind]) => html`<rect key=${`${at} ${kind}`} class="of-${kind}" x=${at} y=${KINDS.indexOf(kind) * 3} width="1" height="3"></rect>`)}</svg>`;
}

/** The slider; shown while the past is. */
export function TimeSlider() {
  const at = /** @type {number} */ (moment.value);
  const length = useSignal(43_200);
  const kind = useSignal("");
  const end = Math.ceil((today.value || at) / GRAIN_S) * GRAIN_S;
  const until = at < end - length.value ? Math.ceil((at + length.value / 2) / GRAIN_S) * GRAIN_S : end;
  const since = until - length.value;
  const answer = useJson(today.value ? `/api/moments?since=${since}&until=${until}` : null);
  const moments = answer.told?.moments ?? [];
  const jump = (/** @type {number} */ way) => {
    const found = nearest(moments, at, way, kind.value);
    return html`<button disabled=${!found} title=${found ? `${utcNear(found.time, at)} UTC ${visible(found.bank, 40)}: ${visible(found.text, 120)}` : "there is none in this stretch"} aria-label=${way < 0 ? "jump back" : "jump forward"} onClick=${() => found && showMoment(found.time)}>${way < 0 ? "\u25c2\u25c2" : "\u25b8\u25b8"}</button>`;
  };
  const missing = Object.entries(gaps.value);
  const near = moments.find((/** @type {any} */ each) => Math.abs(each.time - at) < 1);
  return html`<div class="past-frame" aria-hidden="true"></div>
    <section class="slider" aria-label="past">
      <div class="line-of"><b class="warn">${utc(at)} UTC, not live</b> <span class="dim wide">${today.value ? `${span(today.value - at)} ago` : ""}</span>
        <button class="main-button" onClick=${() => showMoment(null)}>back to live</button>
        <button onClick=${() => step(-60)} aria-label="a minute back" title="[">\u25c2</button>
        <button aria-pressed=${speed.value > 0} onClick=${() => { speed.value = speed.value ? 0 : 1; }}>${speed.value ? "stop" : "play"}</button>
        <button onClick=${() => step(60)} aria-label="a minute forward" title="]">\u25b8</button>
        <span role="group" aria-label="speed">${SPEEDS.map((each) => html`<button key=${each} class="plain" aria-pressed=${speed.value === each} onClick=${() => { speed.value = each; }}>${each}x</button>`)}</span>
        ${jump(-1)}<select aria-label="jump to" value=${kind.value} onChange=${(/** @type {any} */ event) => { kind.value = event.currentTarget.value; }}><option value="">any moment</option>${KINDS.map((each) => html`<option key=${each}>${each}</option>`)}</select>${jump(1)}
        <input class="wide" aria-label="moment, UTC" size="19" value=${utc(at)} onChange=${(/** @type {any} */ event) => { const told = readTime(event.currentTarget.value); if (told !== null) showMoment(told); }} />
        <select class="wide" aria-label="stretch" value=${length.value} onChange=${(/** @type {any} */ event) => { length.value = Number(event.currentTarget.value); }}>${SPANS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select>
        <span class="grow dim">${problem.value ? html`<span class="fault">\u2716 ${visible(problem.value, 200)}</span>` : !isThere.value ? "looking it up ..." : missing.length ? html`<span class="warn" title=${visible(missing.map(([bank, why]) => `${bank}: ${why}`).join("; "), 600)}>\u25b2 not known of ${named(missing.map(([bank]) => bank))}</span>` : near ? visible(`${near.bank}: ${near.text}`, 100) : ""}</span></div>
      <div class="track"><span class="dim wide">${utc(since).slice(5, 16)}</span><span class="rail"><${Marks} moments=${moments} since=${since} until=${until} />
        <input type="range" aria-label="moment" aria-valuetext="${utc(at)} UTC" min=${since} max=${until} step="1" value=${at} onInput=${(/** @type {any} */ event) => showMoment(Number(event.currentTarget.value))} /></span><span class="dim wide">${utc(until).slice(5, 16)}</span></div>
    </section>`;
}
