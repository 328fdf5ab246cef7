// Frame around all pages: it never scrolls away and never changes its height.
import { computed } from "@preact/signals";
import { alarmCounts } from "../state/alarms.js";
import { age, moment, now } from "../state/clock.js";
import { bankPath, place, writePlace } from "../state/address.js";
import { step } from "../state/moment.js";
import { ended, merged, postJson, session, site } from "../state/site.js";
import { topic } from "../state/store.js";
import { isMine, ownerOf } from "../text/refusals.js";
import { sidereal, siteTime, span, utc, visible } from "../text/format.js";
import { ORDER, SHAPES, bankState } from "../text/states.js";
import { outside } from "../transport/root.js";
import { Announcer } from "./announcer.js";
import { html } from "./html.js";
import { isHelpOpen } from "./keyboard.js";
import { notify } from "./notices.js";
import { SavedViews } from "./savedviews.js";
import { THEMES, chooseTheme, theme } from "./theme.js";

const PAGES = /** @type {[string, string][]} */ ([
  ["run", "Run"], ["hosts", "Hosts"], ["alarms", "Alarms"], ["spectra", "Spectra"], ["jobs", "Jobs"], ["log", "Log"], ["journal", "Journal"], ["history", "History"], ["diff", "Diff"], ["files", "Files"],
]);
const SILENT_S = 3;

/** The stream is dead, whatever the browser says. */
export const isSilent = computed(() => age.value > SILENT_S);

/** Rows of all Banks in the order of the site. */
export const rows = computed(() => {
  const all = topic("overview").all();
  const names = [...site.value.banks, ...Object.keys(all).filter((name) => !site.value.banks.includes(name))];
  return names.filter((name) => name in all).map((name) => all[name]);
});

const severities = computed(() => rows.value.map((row) => bankState(row, row.link.since).severity));
const problems = computed(() => severities.value.filter((each) => each !== "ok" && each !== "off").length);
const worst = computed(() => ORDER.find((each) => severities.value.includes(each)) ?? "ok");
const isSimulated = computed(() => {
  const bank = place.value.path.startsWith("/bank/") ? decodeURIComponent(place.value.path.slice(6)) : null;
  return rows.value.some((row) => row.simulated && (bank === null || row.bank === bank));
});
const controls = computed(() => rows.value.filter((row) => row.control?.owner));

/** Links to all pages. */
function PageLinks() {
  const path = place.value.path;
  const has = (/** @type {string} */ page) => site.value.pages.includes(page) && (page !== "run" || session.value.control);
  const link = (/** @type {string} */ href, /** @type {string} */ name, /** @type {boolean} */ isHere) =>
    html`<a key=${href} href=${href} aria-current=${isHere ? "page" : undefined}>${name}</a>`;
  const first = site.value.banks[0];
  return html`${link("/", "Overview", path === "/")}
    ${first && link(path.startsWith("/bank/") ? path : bankPath(first), "Bank", path.startsWith("/bank/"))}
    ${PAGES.filter(([page]) => has(page)).map(([page, name]) => link(`/${page}`, name, path === `/${page}`))}`;
}

const pulse = computed(() => {
  if (moment.value !== null) return "NOT LIVE";
  if (age.value === Infinity) return "connecting";
  return isSilent.value ? `NO CONTACT ${span(age.value)}` : `LIVE ${age.value.toFixed(1)} s`;
});

function Clock() {
  const { zone, longitude } = site.value;
  const local = [siteTime(now.value, zone), sidereal(now.value, longitude) && `LST ${sidereal(now.value, longitude)}`].filter(Boolean);
  return html`<span class="main"><span class="wide">${utc(now.value).slice(0, 10)} </span>${utc(now.value).slice(11)} UTC</span>${local.length > 0 && html`<span class="wide dim"> (${local.join(", ")})</span>`}`;
}

function Control() {
  const held = controls.value;
  if (held.length === 0) return html`<span class="wide">control: nobody</span>`;
  const first = (held.find((row) => isMine(session.value, row)) ?? held[0]).control;
  const owner = held.some((row) => isMine(session.value, row)) ? html`<span class="ok main">you</span>` : html`<span class="main">${visible(ownerOf(first), 40)}</span>`;
  const left = first.until ? `, ${span(first.until - now.value)} left` : "";
  const also = held.length < rows.value.length ? ` (${held.length} of ${rows.value.length} Banks)` : "";
  return html`<span class="wide" title=${visible(first.reason ?? "", 300)}>control: ${owner}${first.reason ? `, ${visible(first.reason, 40)}` : ""}${left}${also}</span>`;
}

function Problems() {
  const count = problems.value;
  const word = count === 0 ? "no problems" : `${count} of ${rows.value.length} Banks need a look`;
  return html`<a href=${writePlace("/", { only: "problems" })} class=${count ? worst.value : "dim"} title=${word} aria-label=${word}>
    ${count ? html`<b>! ${count}</b>` : "! 0"}</a>`;
}

/** Alarms that nobody has acknowledged. */
function AlarmCount() {
  const { open, worst: severity, word } = alarmCounts.value;
  return html`<a href="/alarms" class="alarm-count ${open ? severity : "dim"}" title=${word} aria-label=${word}>${open ? html`<b><i class="shape" aria-hidden="true">${SHAPES[severity]}</i> ${open} <span class="wide">${open === 1 ? "alarm" : "alarms"}</span></b>` : html`<span>${SHAPES.off} 0<span class="wide"> alarms</span></span>`}</a>`;
}

async function logOut() {
  try {
    await postJson("/logout", {});
    location.assign(outside("/login"));
  } catch (error) {
    notify(`not logged out: ${/** @type {Error} */ (error).message}`, true);
  }
}

/** Bar at the top. */
export function TopBar() {
  const { key, role, is_lowered: isLowered } = session.value;
  return html`<header class="bar">
    <div class="bar-row">
      <a class="site" href="/">${visible(site.value.name || "dashboard", 60)}</a>
      ${isSimulated.value && html`<span class="simulated">SIMULATED</span>`}
      <nav class="pages" aria-label="pages"><${PageLinks} /></nav>
      <${SavedViews} />
      <details class="menu"><summary>Menu</summary><nav aria-label="pages" onClick=${closeMenu}><${PageLinks} /><button class="plain" onClick=${() => step(-60)}>Past</button></nav></details>
    </div>
    <div class="bar-row facts">
      <span class=${moment.value !== null ? "pulse past" : isSilent.value ? "pulse silent" : "pulse"} title="age of the newest sign of life">${pulse}</span>
      <span><${Clock} /></span>
      <span class="wide"><button class="plain" title="show the array as it was ([ and ])" aria-pressed=${moment.value !== null} onClick=${() => step(-60)}>past</button></span>
      <${Control} />
      <span><${Problems} /></span>
      <span><${AlarmCount} /></span>
      <span class="grow wide" title="messages that this page was too slow for">${merged.value > 0 && `${merged.value} merged`}</span>
      <span class="wide" title=${isLowered ? "nothing was done here for 30 min: log in again" : "role of this session"}>${key ? `${visible(key, 40)}: ` : ""}${role || "-"}${isLowered && html` <a class="warn" href="/login">idle: log in again</a>`}${key && html` <button class="plain" onClick=${logOut}>log out</button>`}</span>
      <span><select aria-label="theme" value=${theme.value} onChange=${chooseFrom}>${THEMES.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></span>
      <span class="wide"><button class="plain" aria-label="keys" title="keys (?)" onClick=${openHelp}>?</button></span>
    </div>
  </header>`;
}

/** @param {Event} event */
function closeMenu(event) {
  /** @type {HTMLElement} */ (event.currentTarget).closest("details")?.removeAttribute("open");
}

/** @param {Event} event */
function chooseFrom(event) {
  chooseTheme(/** @type {HTMLSelectElement} */ (event.currentTarget).value);
}

function openHelp() {
  isHelpOpen.value = true;
}

/** Told when the way to the server is broken: what is shown is not of now. */
export function Contact() {
  if (ended.value) {
    return html`<div class="banner" role="alert">The stream has ended: ${visible(ended.value, 300)} <a href="/login">Log in</a></div>`;
  }
  if (age.value === Infinity || !isSilent.value) return null;
  return html`<div class="banner"><span role="alert">No contact with the dashboard: what is shown is as it was then. It is tried again.</span> <span aria-hidden="true">${span(age.value)}</span></div>`;
}

/** What somebody hears who does not see the page. */
export function Spoken() {
  const count = problems.value;
  const text = topic("overview").isKnown.value ? `${count === 0 ? "no Bank needs" : `${count} of ${rows.value.length} Banks need`} a look, ${alarmCounts.value.word}` : "";
  return html`<${Announcer} text=${text} isUrgent=${worst.value === "fault" || alarmCounts.value.worst === "fault"} />`;
}

/** Where and when a print was made. */
export function Provenance() {
  return html`<p class="provenance">${visible(site.value.name, 60)}, ${utc(now.value)} UTC, dashboard ${site.value.version}, ${location.href}</p>`;
}
