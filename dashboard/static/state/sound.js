// Sound of new alarms: off until somebody turns it on; once for each raising, whatever the number of tabs, and never when
// an alarm goes. A browser plays none before somebody has clicked or typed.
import { effect, signal } from "@preact/signals";
import { freshOf, keyOf } from "../text/alarms.js";
import { alarms } from "./alarms.js";
import { moment } from "./clock.js";
import { topic } from "./store.js";

const KEPT = "alarm sound";
const TOLD = "alarm sound told";
const TONES = { fault: [880, 660, 880], warning: [660, 660] };
const TONE_S = 0.16;
const LOUD = 0.2;

/** @type {AudioContext | null} */
let context = null;
/** @type {Map<string, number>} */
const known = new Map();
let isFirst = true;

/** It is wanted. */
export const isOn = signal(localStorage.getItem(KEPT) === "on");
/** The browser waits for a click before it plays. */
export const isWaiting = signal(isOn.peek());

/** Turn it on, which sounds once, or off, which ends it at once. */
export function flipSound() {
  isOn.value = !isOn.peek();
  localStorage.setItem(KEPT, isOn.peek() ? "on" : "off");
  if (isOn.peek()) wake().then(() => play("warning"));
  else context?.suspend();
}

async function wake() {
  context ??= new AudioContext();
  await context.resume();
  isWaiting.value = context.state !== "running";
}

/** @param {"fault" | "warning"} severity */
function play(severity) {
  if (!context || context.state !== "running") return;
  TONES[severity].forEach((hertz, at) => {
    const tone = new OscillatorNode(/** @type {AudioContext} */ (context), { frequency: hertz, type: "triangle" });
    const gain = new GainNode(/** @type {AudioContext} */ (context), { gain: LOUD });
    const begin = /** @type {AudioContext} */ (context).currentTime + at * (TONE_S + 0.06);
    tone.connect(gain).connect(/** @type {AudioContext} */ (context).destination);
    tone.start(begin);
    tone.stop(begin + TONE_S);
  });
}

/** @param {import("../text/alarms.js").Alarm[]} fresh @returns {boolean} No other tab sounds for these. */
function isOurs(fresh) {
  const text = fresh.map((each) => `${keyOf(each)} ${each.number} ${each.since}`).sort().join("\n");
  if (localStorage.getItem(TOLD) === text) return false;
  localStorage.setItem(TOLD, text);
  return true;
}

/** Begin to listen for new alarms. */
export function listenToAlarms() {
  addEventListener("pointerdown", () => { if (isOn.peek() && isWaiting.peek()) wake(); }, true);
  addEventListener("keydown", () => { if (isOn.peek() && isWaiting.peek()) wake(); }, true);
  effect(() => {
    const now = alarms.value;
    if (moment.value !== null || !topic("alarms").isKnown.value) return;
    const fresh = freshOf(now, known);
    const wasFirst = isFirst;
    isFirst = false;
    if (wasFirst || fresh.length === 0 || !isOn.peek() || !isOurs(fresh)) return;
    play(fresh.some((each) => each.severity === "fault") ? "fault" : "warning");
  });
}
