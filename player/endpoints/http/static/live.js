// Keeps a table of properties up to date by one event stream; without it the page stays as it was made.
"use strict";
const table = document.querySelector("table[data-object]");
const live = document.getElementById("live");
const rows = new Map();
for (const row of table.querySelectorAll("tr[data-name]")) rows.set(row.dataset.name, row);
let source = null, heardAt = 0, retryAfter = 300, timer = 0, lookedAt = Date.now();

function text(value) {
  const told = typeof value === "string" ? value : JSON.stringify(value);
  const cut = told.length > 200 ? told.slice(0, 200) + " [...]" : told;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => "\\u{" + c.codePointAt(0).toString(16).padStart(4, "0") + "}");
}
function open() {
  clearTimeout(timer);
  if (source) source.close();
  if (document.hidden) return;
  const asked = new URLSearchParams({ object: table.dataset.object, pattern: table.dataset.pattern, rate: "4" });
  source = new EventSource("/events?" + asked);
  source.addEventListener("update", (event) => {
    const update = JSON.parse(event.data);
    const row = rows.get(update.name);
    if (!row) return;
    row.dataset.time = update.time;
    row.querySelector(".value").textContent = update.kind === "pipe" ? "" : text(update.value);
  });
  source.addEventListener("heartbeat", (event) => {
    const beat = JSON.parse(event.data);
    heardAt = Date.now();
    retryAfter = 300;
    live.textContent = beat.stale ? "stale: " + text(beat.stale) : "live";
    live.className = beat.stale ? "stale" : "";
    for (const row of rows.values()) {
      if (row.dataset.time) row.querySelector(".age").textContent = Math.max(beat.time - row.dataset.time, 0).toFixed(1) + " s";
    }
  });
  source.addEventListener("end", () => location.reload());  // its key or session ended: the page of the login
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) again(); };
}
function again() {
  clearTimeout(timer);
  timer = setTimeout(open, retryAfter * (0.5 + Math.random()));
  retryAfter = Math.min(retryAfter * 2, 10000);
}
setInterval(() => {  // a browser does not notice by itself that nothing comes any more
  const now = Date.now(), slept = now - lookedAt > 3000;
  lookedAt = now;
  if (document.hidden || !heardAt) return;
  if (slept || now - heardAt > 3500) {
    live.textContent = "stale: nothing heard for " + ((now - heardAt) / 1000).toFixed(0) + " s";
    live.className = "stale";
    if (slept || now - heardAt > 5000) { heardAt = now; again(); }
  }
}, 1000);
document.addEventListener("visibilitychange", open);  // a hidden page holds no connection
addEventListener("online", open);
open();
