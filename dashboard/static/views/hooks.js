// What parts of pages have in common: topics and answers for as long as they are shown.
import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { getJson, want } from "../state/site.js";
import { topic } from "../state/store.js";

/**
 * Want topics while a part is shown.
 *
 * @param {...string} names
 * @returns {import("../state/store.js").Topic[]}
 */
export function useTopics(...names) {
  const key = names.join("\n");
  useEffect(() => want({ topics: names }), [key]);
  return useMemo(() => names.map(topic), [key]);
}

/**
 * @typedef {{told: any, problem: string, isAsking: boolean}} Answer
 */

/**
 * Ask for JSON, and again when the address changes, or after some time.
 *
 * @param {string | null} address None: ask nothing.
 * @param {number} every Seconds; 0: once.
 * @returns {Answer & {again: () => void}}
 */
export function useJson(address, every = 0) {
  const answer = useSignal(/** @type {Answer} */ ({ told: null, problem: "", isAsking: true }));
  const turn = useSignal(0);
  useEffect(() => {
    let isOver = false;
    let timer = 0;
    const ask = async () => {
      if (address === null) return;
      answer.value = { ...answer.peek(), isAsking: true };
      let found;
      try {
        found = { told: await getJson(address), problem: "", isAsking: false };
      } catch (error) {
        found = { ...answer.peek(), problem: /** @type {Error} */ (error).message, isAsking: false };
      }
      if (isOver) return;
      answer.value = found;
      if (every > 0) timer = window.setTimeout(askIfShown, every * 1000);
    };
    const askIfShown = () => {
      if (document.hidden) timer = window.setTimeout(askIfShown, 1000);
      else ask();
    };
    ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [address, every, turn.value]);
  return { ...answer.value, again: () => { turn.value += 1; } };
}

/** Row that the keyboard points at, by its name; pages set and read it. */
export const chosen = signal("");
