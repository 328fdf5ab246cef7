// Interface of the page to panels of kinds: a panel's module exports a function of it that returns a component.
// The component gets `bank`, `row` (of the topic `overview`) and `described` (the interface document).
export { signal, computed, effect, useSignal, useComputed } from "@preact/signals";
export { html } from "./views/html.js";
export { useTopics, useJson } from "./views/hooks.js";
export { useKeys } from "./views/keyboard.js";
export { copyText, save, saveCsv } from "./views/copying.js";
export { colours, theme, token } from "./views/theme.js";
export { Chip, Progress } from "./views/chip.js";
export { place, setQuery } from "./state/address.js";
export { now, second } from "./state/clock.js";
export { listen } from "./state/frames.js";
export { getJson, site, want } from "./state/site.js";
export { topic } from "./state/store.js";
export { frameKey } from "./transport/wishes.js";
export * as format from "./text/format.js";
export * as states from "./text/states.js";
