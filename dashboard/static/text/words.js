// Words of states, of the page and of the terminal (dashboard/words.py, which reads all but the first lines as JSON).
/** @type {any} */
const words =
{
  "shapes": {"ok": "\u25cf", "warn": "\u25b2", "fault": "\u2716", "unknown": "?", "off": "\u25a0"},
  "ascii_shapes": {"ok": "o", "warn": "^", "fault": "x", "unknown": "?", "off": "="},
  "order": ["fault", "unknown", "warn", "ok", "off"],
  "links": {
    "connecting": {"severity": "unknown", "word": "NOT HEARD", "why": "not heard so far, for {ago}: {reason}"},
    "refused": {"severity": "fault", "word": "REFUSED", "why": "{reason}"},
    "lost": {"severity": "fault", "word": "NO ANSWER", "why": "its Player is silent since {ago}: {reason}"},
    "stale": {"severity": "unknown", "word": "STALE", "why": "its Player is silent since {ago}: {reason}"}
  },
  "no_reason": "no answer",
  "live": "live",
  "failures": ["failed", "error", "fault", "lost"],
  "dropped": "{count} blocks dropped",
  "dropped_time": "{count} blocks dropped, {time} of data",
  "packets": "{count} packets lost",
  "conditions": {
    "ready": "ok", "running": "ok", "starting": "off", "stopping": "off", "stopped": "off", "ended": "off", "not ready": "warn",
    "crash loop": "fault", "crashed": "fault", "missing": "warn", "unknown": "unknown"
  },
  "levels": {"debug": "off", "info": "off", "warning": "warn", "error": "fault", "critical": "fault"},
  "outcomes": {
    "done": "ok", "running": "off", "waiting": "off", "asked": "off", "remark": "off", "refused": "warn", "aborted": "warn",
    "not begun": "warn", "failed": "fault", "lost": "fault", "unknown": "unknown"
  }
}
;
export default words;
