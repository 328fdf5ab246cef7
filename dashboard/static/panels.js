// Interface of the page to panels of kinds: a panel's module exports functions of it that return components, `default` for the page of
// a Bank, `spectra` and `jobs` for those pages. A component gets `bank`, `row` (of the topic `overview`) and `described` (the interface document).
export { signal, computed, effect, useSignal, useComputed } from "@preact/signals";
export { useEffect, useMemo, useRef } from "preact/hooks";
export { colourTable } from "./charts/colormap.js";
export { AutoScale, niceStep, plainNumbers } from "./charts/scales.js";
export { html } from "./views/html.js";
export { useTopics, useJson } from "./views/hooks.js";
export { useKeys } from "./views/keyboard.js";
export { copyText, save, saveCsv } from "./views/copying.js";
export { colours, theme, token } from "./views/theme.js";
export { act } from "./views/acting.js";
export { Chip, Progress } from "./views/chip.js";
export { HoldButton } from "./views/hold.js";
export { notify } from "./views/notices.js";
export { fileName, provenance, savePicture } from "./views/pictures.js";
export { refusal } from "./views/seat.js";
export { place, setQuery } from "./state/address.js";
export { moment, now, second } from "./state/clock.js";
export { listen } from "./state/frames.js";
export { getJson, session, site, want } from "./state/site.js";
export { topic } from "./state/store.js";
export { frameKey } from "./transport/wishes.js";
export * as format from "./text/format.js";
export * as states from "./text/states.js";
