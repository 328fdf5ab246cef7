// Begin of the page: the frame, and the page that the address names.
import { effect } from "@preact/signals";
import { render } from "preact";
import { followAddress, go, goBack, place } from "./state/address.js";
import { moment, renew } from "./state/clock.js";
import { followMoment, step } from "./state/moment.js";
import { begin, session, site, want } from "./state/site.js";
import { listenToAlarms } from "./state/sound.js";
import { visible } from "./text/format.js";
import { inside } from "./transport/root.js";
import { tellEnds } from "./views/acting.js";
import { watchControl } from "./views/controlwatch.js";
import { TimeSlider } from "./views/timeslider.js";
import { copyText } from "./views/copying.js";
import { Contact, Provenance, Spoken, TopBar, isSilent } from "./views/frame.js";
import { html } from "./views/html.js";
import { KeyHelp, listenToKeys, rememberBank, useKeys } from "./views/keyboard.js";
import { Notices, notify } from "./views/notices.js";

const RENEW_EVERY_MS = 250;
/** Pages are loaded when they are looked at first. */
const PAGES = /** @type {Record<string, () => Promise<any>>} */ ({
  "/": () => import("./pages/overview.js"),
  "/bank": () => import("./pages/bank.js"),
  "/run": () => import("./pages/run.js"),
  "/spectra": () => import("./pages/spectra.js"),
  "/jobs": () => import("./pages/jobs.js"),
  "/alarms": () => import("./pages/alarms.js"),
  "/hosts": () => import("./pages/hosts.js"),
  "/log": () => import("./pages/log.js"),
  "/journal": () => import("./pages/journal.js"),
  "/history": () => import("./pages/history.js"),
  "/files": () => import("./pages/files.js"),
  "/diff": () => import("./pages/diff.js"),
  "/handover": () => import("./pages/handover.js"),
  "/why": () => import("./pages/why.js"),
});

/** @type {Map<string, any>} */
const loaded = new Map();

/** @param {{path: string}} _ */
function Page({ path }) {
  const kind = path.startsWith("/bank/") ? "/bank" : path;
  const Shown = loaded.get(kind);
  if (Shown) return html`<${Shown} key=${path} bank=${kind === "/bank" ? decodeURIComponent(path.slice(6)) : ""} />`;
  return html`<p class="empty">${kind in PAGES ? "" : html`There is no page ${visible(path, 100)}. <a href="/">Overview</a>`}</p>`;
}

function App() {
  const { path } = place.value;
  const isPast = moment.value !== null;
  useKeys({ l: () => copyText(location.href), Escape: goBack, "[": () => step(-60), "]": () => isPast && step(60) });
  return html`<a class="skip" href="#content">to the content</a>
    <${TopBar} />
    <main id="content" tabindex="-1" class=${isPast ? "of-past" : isSilent.value ? "silent" : ""}><${Page} key=${isPast} path=${path} /></main>
    ${isPast && html`<${TimeSlider} />`}
    <${Provenance} /><${Contact} /><${Notices} /><${KeyHelp} /><${Spoken} />`;
}

/** @param {MouseEvent} event Links within the page do not load it anew. */
function onClick(event) {
  const link = /** @type {HTMLElement} */ (event.target).closest("a");
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const { origin, pathname: shown, search, hash } = new URL(link.href);
  const pathname = inside(shown);
  const isPage = pathname in PAGES || pathname.startsWith("/bank/");
  if (origin !== location.origin || hash || link.target || link.hasAttribute("download") || !isPage) return;
  event.preventDefault();
  go(pathname + search);
}

async function load() {
  const { path } = place.value;
  const kind = path.startsWith("/bank/") ? "/bank" : path;
  if (kind === "/bank") rememberBank(path);
  if (!(kind in PAGES) || loaded.has(kind)) return;
  try {
    loaded.set(kind, (await PAGES[kind]()).default);
    place.value = { ...place.value };
  } catch (error) {
    notify(`the page cannot be loaded: ${/** @type {Error} */ (error).message}`, true);
  }
}

function draw() {
  renew();
  requestAnimationFrame(() => setTimeout(draw, RENEW_EVERY_MS)); // the clock stops when drawing stops
}

followAddress();
followMoment();
listenToKeys();
document.addEventListener("click", onClick);
begin().catch((error) => notify(error.message, true));
want({ topics: ["overview", "alarms"] });
effect(() => {
  document.documentElement.style.setProperty("--strip", site.value.colour || "#44546a");
});
effect(() => {
  const { path } = place.value;
  const page = path === "/" ? "Overview" : path.startsWith("/bank/") ? decodeURIComponent(path.slice(6)) : path.slice(1);
  document.title = `${page} - ${site.value.name || "dashboard"}`;
});
effect(() => {
  load();
});
effect(() => (session.value.control ? want({ topics: ["acts"] }) : undefined));
effect(tellEnds);
watchControl();
listenToAlarms();
const root = /** @type {HTMLElement} */ (document.getElementById("page"));
root.replaceChildren();
render(html`<${App} />`, root);
draw();
