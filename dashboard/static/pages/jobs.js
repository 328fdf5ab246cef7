import { html } from "../views/html.js"; export default () => html`<p>soon</p>`;
