// Cells of a Bank's row, differences between Banks, and their order. No page, no clock.
import { ORDER, bankState } from "./states.js";

/** Members of an overview that have a column of their own, or are told otherwise. */
const OWN = new Set(["mode", "SCANNUM", "SCANREM", "SIMULATE", "DAQSTATE", "state", "STATE", "kind"]);

/**
 * @param {any} row
 * @returns {{number: number | null, share: number | null, left: number | null, lost: number | null, mode: string}}
 */
export function scanCells(row) {
  const { scan, overview } = row;
  const isRunning = scan ? scan.is_over === false : false;
  const count = scan?.scan ?? overview.SCANNUM ?? overview.RUN ?? null;
  const left = isRunning || !scan ? (overview.SCANREM ?? null) : null;
  return {
    number: typeof count === "number" ? count : null,
    share: isRunning && typeof scan.fraction === "number" ? scan.fraction : null,
    left: typeof left === "number" ? left : null,
    lost: typeof scan?.dropped === "number" ? scan.dropped : null,
    mode: overview.mode === null || overview.mode === undefined ? "" : String(overview.mode),
  };
}

/**
 * Rest of what a Bank tells of itself in a few values, name and value.
 *
 * @param {any} row
 * @returns {[string, any][]}
 */
export function furtherCells(row) {
  return Object.entries(row.overview).filter(([name, value]) => !OWN.has(name) && value !== null);
}

/**
 * Names on which live Banks of one kind disagree: texts and truth values, and the number of the scan; what counts
 * up differs by a moment only.
 *
 * @param {any[]} rows
 * @returns {{name: string, values: Record<string, string[]>}[]} Value -> Banks, for each name.
 */
export function differences(rows) {
  /** @type {Map<string, Record<string, string[]>>} */
  const found = new Map();
  for (const row of rows) {
    if (row.link.state !== "live") continue;
    for (const [name, value] of Object.entries(row.overview)) {
      if (typeof value === "number" && name !== "SCANNUM") continue;
      const key = `${row.kind} ${name}`;
      const values = found.get(key) ?? {};
      found.set(key, values);
      (values[String(value)] ??= []).push(row.bank);
    }
  }
  return [...found]
    .filter(([, values]) => Object.keys(values).length > 1)
    .map(([key, values]) => ({ name: key.slice(key.indexOf(" ") + 1), values }));
}

/** Sort keys of the overview's columns. */
export const SORTS = /** @type {Record<string, (row: any) => string | number>} */ ({
  bank: () => 0,
  host: (row) => row.host,
  state: (row) => ORDER.indexOf(bankState(row, row.link.since).severity),
  kind: (row) => row.kind,
  mode: (row) => scanCells(row).mode,
  scan: (row) => scanCells(row).number ?? -1,
  left: (row) => scanCells(row).left ?? Infinity,
  lost: (row) => -(scanCells(row).lost ?? -1),
});

/**
 * @param {any[]} rows In the order of the site, which stays among equals.
 * @param {string} by
 * @returns {string[]} Banks.
 */
export function sorted(rows, by) {
  const key = SORTS[by] ?? SORTS.bank;
  const keyed = rows.map((row, place) => ({ bank: row.bank, key: key(row), place }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place));
  return keyed.map((each) => each.bank);
}

/**
 * @param {any} row
 * @param {Record<string, string>} query Of the page.
 * @returns {boolean} The filter lets it pass.
 */
export function passes(row, query) {
  const { q = "", only = "", kind = "" } = query;
  const { severity, word } = bankState(row, row.link.since);
  if (only === "problems" && (severity === "ok" || severity === "off")) return false;
  if (kind && row.kind !== kind) return false;
  const text = [row.bank, row.host, row.kind, word, ...Object.values(row.overview)].join(" ").toLowerCase();
  return q.toLowerCase().split(/\s+/).every((part) => text.includes(part));
}

/** @param {any} row @returns {boolean} A scan runs there. */
export function isScanning({ scan }) {
  return scan?.is_over === false && typeof scan.scan === "number";
}

/**
 * Scans that run, with the Banks in them.
 *
 * @param {any[]} rows
 * @returns {{number: number, banks: string[], start: number | null, end: number | null, files: number}[]}
 */
export function runningScans(rows) {
  /** @type {Map<number, any[]>} */
  const found = new Map();
  for (const row of rows) {
    if (row.link.state !== "live" || !isScanning(row)) continue;
    found.set(row.scan.scan, [...(found.get(row.scan.scan) ?? []), row]);
  }
  return [...found].map(([number, some]) => {
    const starts = some.map((row) => unixTime(row.scan.start)).filter((time) => time !== null);
    const start = starts.length ? Math.min(...starts) : null;
    const length = some[0].scan.scan_length;
    return {
      number,
      banks: some.map((row) => row.bank),
      start,
      end: start !== null && typeof length === "number" ? start + length : null,
      files: some.filter((row) => row.scan.file).length,
    };
  });
}

/**
 * @param {unknown} date Year, month, day, hour, minute, second, microsecond, UTC.
 * @returns {number | null} Unix seconds.
 */
export function unixTime(date) {
  if (!Array.isArray(date) || date.length < 6) return null;
  const [year, month, day, hour, minute, second, micro = 0] = date;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 + micro / 1e6;
}
