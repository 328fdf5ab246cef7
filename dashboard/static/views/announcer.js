// Live regions for screen readers: polite, or assertive for faults, one message in five seconds at most.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { html } from "./html.js";

const EVERY_MS = 5000;

/** @param {{text: string, isUrgent: boolean}} _ The newest state of things; what was between two messages is left out. */
export function Announcer({ text, isUrgent }) {
  const told = useSignal("");
  const toldAt = useRef(-Infinity);
  useEffect(() => {
    const wait = Math.max(toldAt.current + EVERY_MS - performance.now(), 0);
    const timer = setTimeout(() => {
      toldAt.current = performance.now();
      told.value = text;
    }, wait);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class="spoken" aria-live=${isUrgent ? "assertive" : "polite"}>${told}</div>`;
}
