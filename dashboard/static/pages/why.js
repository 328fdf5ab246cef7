// Why a Bank is not ready: the chain from the symptom to the first cause, each link with evidence, age and remedy.
import { bankPath, place, setQuery, writePlace } from "../state/address.js";
import { moment, second } from "../state/clock.js";
import { site } from "../state/site.js";
import { span, utcNear, visible } from "../text/format.js";
import { chains } from "../text/whys.js";
import { Chip } from "../views/chip.js";
import { copyText } from "../views/copying.js";
import { useJson } from "../views/hooks.js";
import { html } from "../views/html.js";
import { useKeys } from "../views/keyboard.js";

const EVERY_S = 3;

/** @param {{link: any}} _ A trouble, and below it what it comes from. */
function Link({ link }) {
  const severity = link.is_fault ? "fault" : "off";
  return html`<li class="link">
    <div class="trouble ${link.causes.length ? "" : "first"}">
      <${Chip} severity=${severity} word=${link.thing} />
      <p class="text">${visible(link.text, 1000)}</p>
      <p class="dim">${visible(link.evidence, 200)}${link.since && html`; since <span class="nowrap">${utcNear(link.since, second.value)} UTC</span> <span class="nowrap">(${span(second.value - link.since)})</span>`}</p>
      ${link.remedy && html`<p class="remedy"><span class="dim">${link.causes.length ? "remedy, if what is below does not help:" : "remedy:"}</span> ${visible(link.remedy, 1000)}</p>`}
    </div>
    ${link.causes.length > 0 && html`<ol class="chain">${link.causes.map((/** @type {any} */ each) => html`<${Link} key=${each.thing + each.text} link=${each} />`)}</ol>`}
  </li>`;
}

/** The page. */
export default function Why() {
  const { query } = place.value;
  const bank = query.bank || site.value.banks[0] || "";
  const { told, problem, isAsking } = useJson(bank ? `/api/why/${encodeURIComponent(bank)}` : null, EVERY_S);
  const isOf = told && told.bank === bank;
  const links = isOf ? told.causes : [];
  const copy = () => { if (isOf) copyText(told.sentence); };
  useKeys({ c: copy });
  const choose = (/** @type {any} */ event) => setQuery({ bank: event.currentTarget.value });
  return html`<div class="page-head"><h1>Why is <a href=${bankPath(bank)}>${visible(bank, 40)}</a> ${isOf && told.is_ready ? "ready" : "not ready"}?</h1>
      <span class="dim">${isOf ? `asked at ${utcNear(told.asked, second.value)} UTC` : isAsking ? "asking Players and supervisors" : ""}</span><span class="grow"></span>
      <div class="filters"><button onClick=${copy} disabled=${!isOf}>copy</button>
        <a class="button" href=${writePlace("/log", { bank })}>log</a><a class="button" href=${writePlace("/journal", { bank })}>journal</a>
        <select aria-label="Bank" value=${bank} onChange=${choose}>${site.value.banks.map((each) => html`<option key=${each}>${visible(each, 40)}</option>`)}</select></div></div>
    <section class="panel why" aria-label="chain of causes">
      ${moment.value !== null && html`<p class="sentence warn">This is why it is not ready now, not at the moment that other pages show.</p>`}
      ${problem && html`<p class="problem">${visible(problem, 300)}</p>`}
      ${isOf && html`<p class="sentence"><${Chip} severity=${told.is_ready ? "ok" : told.has_fault ? "fault" : "off"} word=${told.is_ready ? "ready" : told.has_fault ? "not ready" : "busy"} />
        ${told.is_ready ? html`<span class="dim">Nothing keeps it from beginning what it is asked.</span>` : html`<span>${chains(told).map((chain) => chain.join(" \u2190 ")).join("; and ")}</span>`}</p>`}
      ${links.length > 0 && html`<ol class="chain">${links.map((/** @type {any} */ each) => html`<${Link} key=${each.thing + each.text} link=${each} />`)}</ol>`}
      ${!isOf && !problem && html`<p class="empty">Its Player, the supervisor of its host and the network between are asked; a host that is down takes a few seconds.</p>`}
    </section>`;
}
