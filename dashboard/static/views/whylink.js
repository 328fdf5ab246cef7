// Link to the chain of causes of a Bank.
import { writePlace } from "../state/address.js";
import { html } from "./html.js";

/** @param {{bank: string}} _ */
export function WhyLink({ bank }) {
  return html`<a class="why-link" href=${writePlace("/why", { bank })} aria-label=${`why is ${bank} not ready?`}>why?</a>`;
}
