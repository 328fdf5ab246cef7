// Button for what endangers data: held for 1 s, with a pointer or a key; whatever is shorter does nothing.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Hold } from "../state/hold.js";
import { visible } from "../text/format.js";
import { html } from "./html.js";
import { isNarrow } from "./viewport.js";

const UNLOCKED_MS = 60_000;
const KEYS = new Set([" ", "Enter"]);

/**
 * @param {{verb: string, what: string, of: string, why?: string, isSmall?: boolean, onHeld: () => void}} _
 *     `what`: consequence, with the Banks. `of`: identity of that; when it changes, a hold begins anew. `why`: it is disabled. `isSmall`: in a row, the consequence on hover and focus only.
 */
export function HoldButton({ verb, what, of, why = "", isSmall = false, onHeld }) {
  const hold = useMemo(() => new Hold(), []);
  const share = useSignal(0);
  const wasShort = useSignal(false);
  const frame = useRef(0);
  const isLocked = useLock();
  const stop = () => {
    wasShort.value = hold.lookedAt !== null && !hold.isDone;
    hold.release();
    cancelAnimationFrame(frame.current);
    share.value = 0;
  };
  const draw = () => {
    const isHeld = hold.look(performance.now());
    share.value = hold.share;
    if (isHeld) onHeld();
    else if (hold.lookedAt !== null && !hold.isDone) frame.current = requestAnimationFrame(draw);
  };
  const begin = () => {
    if (why || isLocked.value) return;
    wasShort.value = false;
    hold.press(performance.now());
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(draw);
  };
  useEffect(() => stop, [verb, of, why]);
  const onPointer = (/** @type {PointerEvent} */ event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    if (button.hasPointerCapture(event.pointerId)) button.releasePointerCapture(event.pointerId); // a finger that slides off lets go
    begin();
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (!KEYS.has(event.key)) return;
    event.preventDefault();
    if (!event.repeat) begin();
  };
  const hint = why || (isLocked.value ? "unlock it first" : wasShort.value ? "nothing was done: hold it for 1 s" : "hold for 1 s");
  return html`<span class="hold-of ${isSmall ? "small" : ""}">
    <button class="hold" aria-disabled=${why || isLocked.value ? "true" : undefined} title="${visible(what, 600)}: ${hint}" aria-label="${verb} ${visible(what, 600)}, ${hint}"
      onPointerDown=${onPointer} onPointerUp=${stop} onPointerLeave=${stop} onPointerCancel=${stop} onKeyDown=${onKey} onKeyUp=${stop} onBlur=${stop}
      onContextMenu=${(/** @type {Event} */ event) => event.preventDefault()}>
      <span class="filling" style=${{ transform: `scaleX(${share.value})` }}></span><b>${verb}</b>${!isSmall && html` <span class="what">${visible(what, 600)}</span>`}</button>
    ${isNarrow.value && html`<button aria-pressed=${!isLocked.value} onClick=${isLocked.flip}>${isLocked.value ? "unlock" : "lock"}</button>`}
    ${!isSmall && html`<small class=${wasShort.value ? "warn" : "dim"} role="status">${visible(hint, 200)}</small>`}
  </span>`;
}

/** @returns {{value: boolean, flip: () => void}} On a phone it is locked until somebody unlocks it, and again after a minute. */
function useLock() {
  const isUnlocked = useSignal(false);
  useEffect(() => {
    if (!isUnlocked.value) return undefined;
    const timer = setTimeout(() => { isUnlocked.value = false; }, UNLOCKED_MS);
    return () => clearTimeout(timer);
  }, [isUnlocked.value]);
  return { value: isNarrow.value && !isUnlocked.value, flip: () => { isUnlocked.value = !isUnlocked.value; } };
}
