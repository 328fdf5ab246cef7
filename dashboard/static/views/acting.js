// Having something done, and hearing of its end on whatever page one is then.
import { acts, endOf } from "../state/acts.js";
import { postJson, renewSession } from "../state/site.js";
import { topic } from "../state/store.js";
import { notify } from "./notices.js";

/** Acts that began while this page looked: their end is told. */
const begun = new Set();

/**
 * Have something done.
 *
 * @param {string} address
 * @param {object} body
 * @returns {Promise<import("../state/acts.js").Act | null>} Null: it was refused before it began, which is told.
 */
export async function act(address, body) {
  try {
    const { act: made } = await postJson(address, body);
    if (made) {
      begun.add(made.id);
      if (topic("acts").of(made.id).peek() === undefined) topic("acts").take({ event: "changes", topic: "acts", from: 1, to: 1, time: made.time, values: { [made.id]: made }, gone: [] });
      tellEnds();
    }
    return made ?? null;
  } catch (error) {
    notify(/** @type {Error} */ (error).message, true);
    renewSession().catch(() => {}); // it may be for the role
    return null;
  } finally {
    if (address.startsWith("/api/control/")) renewSession().catch(() => {});
  }
}

/** Tell how acts ended that began while this page looked; to be called when acts change. */
export function tellEnds() {
  for (const each of acts.value) {
    if (each.ended !== null && begun.delete(each.id)) notify(endOf(each), each.state !== "done");
  }
}
