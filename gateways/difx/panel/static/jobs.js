// Jobs of a DiFX gateway in the order in which they are shown. No page, no clock.

/**
 * @typedef {{id: string, name: string, input: string, profile: string, mode: string, state: string, text: string, client: string,
 *            fraction: number | null, begun: number, changed: number, exit_status: number | null, errors: number, weights?: (number | null)[], sources?: string[]}} Job
 * @typedef {{time: number, severity: string, text: string}} Message
 * @typedef {{folder: string, label: string, jobs: Job[]}} Group
 */

const BAD = new Set(["failed", "invalid", "lost"]);
const ENDED = new Set([...BAD, "finished", "with_errors", "stopped", "refused", "checked"]);
/** Share of the work from which on the rest can be told. */
const LEAST_SHARE = 0.01;

/** @param {Job} job @returns {boolean} */
export const isOver = (job) => ENDED.has(job.state);

/** @param {Job} job @returns {{severity: string, word: string}} */
export function stateOf(job) {
  const severity = BAD.has(job.state) ? "fault" : job.state === "with_errors" ? "warn" : job.state === "stopped" || job.state === "refused" || job.state === "queued" ? "off" : "ok";
  return { severity, word: job.state === "queued" ? "waiting" : job.state.replace("_", " ") };
}

/**
 * @param {Job} job
 * @param {number} now Unix seconds.
 * @returns {number | null} Seconds left, as it went until now; null: not known.
 */
export function left(job, now) {
  if (job.state !== "running" || job.fraction === null || job.fraction < LEAST_SHARE) return null;
  return ((now - job.changed) * (1 - job.fraction)) / job.fraction;
}

const LEVELS = ["info", "warning", "error"];

/**
 * @param {Message[]} messages
 * @param {string} least Severity from which on they are shown.
 * @param {string} text Part of their text.
 * @returns {Message[]}
 */
export const chosenOf = (messages, least, text) => messages.filter((each) => LEVELS.indexOf(each.severity) >= LEVELS.indexOf(least) && each.text.toLowerCase().includes(text.toLowerCase()));

/** @param {Job} job @returns {{name: string, weight: number | null}[]} Weights of the sources, by name or by number from 0. */
export const weightsOf = ({ weights = [], sources = [] }) => weights.map((weight, index) => ({ name: sources.length === weights.length ? sources[index] : `${index}`, weight }));

/**
 * @param {Job[]} jobs The oldest first.
 * @returns {Group[]} By experiment and pass, the folders of their input files; the group with the newest job first, in it those that run, then the newest.
 */
export function grouped(jobs) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const job of [...jobs].sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.begun - a.begun)) {
    const parts = job.input.split("/").slice(0, -1).filter(Boolean);
    const folder = `/${parts.join("/")}`;
    const group = groups.get(folder) ?? { folder, label: parts.slice(-2).join(" / ") || "/", jobs: [] };
    group.jobs.push(job);
    groups.set(folder, group);
  }
  return [...groups.values()];
}
