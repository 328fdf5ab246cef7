// A list of which only what is seen is in the page; it follows its end until it is scrolled up.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";

const OVER = 10; // rows above and below what is seen
const NEAR_PX = 4;

/**
 * @param {number} count Of rows.
 * @param {(index: number) => number} numberOf Number of a row; rises.
 * @param {number} number
 * @returns {number} Index of the first row with that number, or a higher one.
 */
export function rowOf(count, numberOf, number) {
  let from = 0;
  for (let to = count; from < to; ) {
    const middle = (from + to) >> 1;
    if (numberOf(middle) < number) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * @param {{count: number, rowHeight: number, numberOf: (index: number) => number, follow: import("@preact/signals").Signal<boolean>, render: (index: number, style: object) => any, label: string}} list
 *     `numberOf`: number of a row for good, so that what is read stays where it is when others come or go.
 */
export function Windowed({ count, rowHeight, numberOf, follow, render, label }) {
  const box = useRef(/** @type {any} */ (null));
  const top = useSignal(0);
  const height = useSignal(600);
  const read = useRef({ number: 0, index: 0 }); // row at the top
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      height.value = box.current?.clientHeight ?? 600;
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const keepPlace = (/** @type {any} */ element) => {
    top.value = element.scrollTop;
    const index = Math.min(Math.floor(element.scrollTop / rowHeight), count - 1);
    if (index >= 0) read.current = { number: numberOf(index), index };
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (follow.value) {
      element.scrollTop = element.scrollHeight;
    } else {
      const came = rowOf(count, numberOf, read.current.number) - read.current.index; // above it
      if (came !== 0) element.scrollTop += came * rowHeight;
    }
    keepPlace(element);
  }, [count, count && numberOf(0), count && numberOf(count - 1), follow.value, rowHeight]);
  const onScroll = () => {
    const element = box.current;
    const isUp = element.scrollTop < top.peek() - 1;
    keepPlace(element);
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - NEAR_PX;
    if (isUp && !isAtEnd) follow.value = false;
  };
  const from = Math.max(Math.floor(top.value / rowHeight) - OVER, 0);
  const to = Math.min(Math.ceil((top.value + height.value) / rowHeight) + OVER, count);
  const shown = [];
  for (let index = from; index < to; index++) shown.push(render(index, { top: `${index * rowHeight}px` }));
  return html`<div class="lines" ref=${box} onScroll=${onScroll} tabindex="0" role="table" aria-label=${label} aria-rowcount=${count}>
    <div class="room" style=${{ height: `${count * rowHeight}px` }}>${shown}</div>
  </div>`;
}
