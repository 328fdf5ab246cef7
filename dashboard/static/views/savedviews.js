// Saved views: links under names, kept at the server for all seats.
import { useSignal } from "@preact/signals";
import { getJson, postJson, session } from "../state/site.js";
import { place, writePlace } from "../state/address.js";
import { visible } from "../text/format.js";
import { html } from "./html.js";
import { notify } from "./notices.js";

/** @typedef {{name: string, address: string, by: string, time: number}} View */

/** Menu of them; they are asked for when it is opened. */
export function SavedViews() {
  const views = useSignal(/** @type {View[] | null} */ (null));
  const name = useSignal("");
  const take = async (/** @type {Promise<{views: View[]}>} */ asked) => {
    try {
      views.value = (await asked).views;
    } catch (error) {
      notify(/** @type {Error} */ (error).message, true);
    }
  };
  const open = (/** @type {any} */ event) => {
    if (event.currentTarget.open) take(getJson("/api/views"));
  };
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (name.value.trim()) take(postJson("/api/views", { name: name.value.trim(), address: writePlace(place.value.path, place.value.query) }));
    name.value = "";
  };
  const isOwn = (/** @type {View} */ view) => view.by === session.value.key || session.value.role === "admin";
  return html`<details class="views wide" onToggle=${open}><summary>Views</summary><div class="panel">
    ${views.value?.map((view) => html`<div class="view" key=${view.name}><a href=${view.address} title=${view.address}>${visible(view.name, 60)}</a><span class="dim">${visible(view.by, 30)}</span>
      ${isOwn(view) && html`<button class="plain" aria-label="remove the view ${view.name}" onClick=${() => take(postJson("/api/views/remove", { name: view.name }))}>\u2715</button>`}</div>`)}
    ${views.value?.length === 0 && html`<p class="empty">No view is saved.</p>`}
    <form class="line-of" onSubmit=${save}><input aria-label="name of this view" placeholder="save this view as" maxlength="80" value=${name.value} onInput=${(/** @type {any} */ event) => { name.value = event.currentTarget.value; }} /><button>Save</button></form></div></details>`;
}
