// Path below which a web server may have put the dashboard: addresses as the dashboard knows them, and as
// the browser does.

const base = new URL("../..", import.meta.url);

/** Path without its last slash; empty: the dashboard is at the top. */
export const root = base.protocol.startsWith("http") ? base.pathname.replace(/\/$/, "") : "";

/**
 * @param {string} address Of the dashboard, with a slash before it; others stay as they are.
 * @param {string} [below]
 * @returns {string} The same as the browser knows it.
 */
export function outside(address, below = root) {
  return address.startsWith("/") && !address.startsWith("//") ? below + address : address;
}

/**
 * @param {string} path As the browser knows it.
 * @param {string} [below]
 * @returns {string} The same as the dashboard knows it.
 */
export function inside(path, below = root) {
  return path === below || path.startsWith(`${below}/`) ? path.slice(below.length) || "/" : path;
}
