// Address of the page: it holds the whole view, so that a link shows the same to anybody.
import { signal } from "@preact/signals";
import { inside, outside } from "../transport/root.js";

/** @typedef {{path: string, query: Record<string, string>}} Place */

/**
 * @param {string} path
 * @param {string} search
 * @returns {Place}
 */
export function readPlace(path, search) {
  return { path: path.replace(/\/+$/, "") || "/", query: Object.fromEntries(new URLSearchParams(search)) };
}

/**
 * @param {string} path
 * @param {Record<string, string | null | undefined>} query Members without a value are left out.
 * @returns {string}
 */
export function writePlace(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
  return search ? `${path}?${search}` : path;
}

/**
 * @param {string} bank
 * @returns {string} Path of its page.
 */
export function bankPath(bank) {
  return `/bank/${encodeURIComponent(bank)}`;
}

export const place = signal(readPlace("/", ""));

/** Follow the address of the browser. */
export function followAddress() {
  const read = () => {
    place.value = readPlace(inside(location.pathname), location.search);
  };
  addEventListener("popstate", read);
  read();
}

/** Members of the query that follow from page to page: the moment that is shown, the Banks that are chosen. */
const FOLLOWING = ["then", "banks"];

/**
 * @param {string} address
 * @param {Record<string, string>} query Of the page that is left.
 * @returns {string} The address with what follows, unless it says otherwise.
 */
export function following(address, query) {
  const [path, search = ""] = address.split("?");
  const { query: own } = readPlace(path, search);
  return writePlace(path, { ...Object.fromEntries(FOLLOWING.map((name) => [name, query[name]])), ...own });
}

/** @param {string} address Go there, without loading the page anew. */
export function go(address) {
  history.pushState({ isInner: true }, "", outside(following(address, place.peek().query)));
  place.value = readPlace(inside(location.pathname), location.search);
  scrollTo(0, 0);
}

/** Go back to where the page was before, or to the overview if it was opened here. */
export function goBack() {
  if (history.state?.isInner) history.back();
  else go("/");
}

/**
 * Change members of the query; the place in the history stays.
 *
 * @param {Record<string, string | null | undefined>} changes
 */
export function setQuery(changes) {
  const { path, query } = place.value;
  history.replaceState(history.state, "", outside(writePlace(path, { ...query, ...changes })));
  place.value = readPlace(inside(location.pathname), location.search);
}
