// A list of which only what is seen is in the page; it follows its end until it is scrolled up.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "./html.js";

const OVER = 10; // rows above and below what is seen
const NEAR_PX = 4;

/**
 * @param {{count: number, rowHeight: number, first: number, follow: import("@preact/signals").Signal<boolean>, render: (index: number, style: object) => any, label: string}} list
 *     `first`: number of the first row since the beginning, so that what is read stays where it is when old rows go.
 */
export function Windowed({ count, rowHeight, first, follow, render, label }) {
  const box = useRef(/** @type {any} */ (null));
  const top = useSignal(0);
  const height = useSignal(600);
  const firstBefore = useRef(first);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      height.value = box.current?.clientHeight ?? 600;
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (follow.value) {
      element.scrollTop = element.scrollHeight;
    } else if (first !== firstBefore.current) {
      element.scrollTop -= (first - firstBefore.current) * rowHeight;
    }
    firstBefore.current = first;
    top.value = element.scrollTop;
  }, [count, first, follow.value, rowHeight]);
  const onScroll = () => {
    const element = box.current;
    const isUp = element.scrollTop < top.peek() - 1;
    top.value = element.scrollTop;
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
