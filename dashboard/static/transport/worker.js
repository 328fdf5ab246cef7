// SharedWorker: one pair of connections for all tabs of a browser, which may open six to a server in all.
import { Feed } from "./feed.js";
import { NOTHING } from "./wishes.js";

const SILENT_TAB_MS = 90_000; // hidden tabs are slowed down to one sign of life a minute
const feed = new Feed({ eventSource: true });

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => {
  const port = event.ports[0];
  const tab = {
    wish: NOTHING,
    heardAt: performance.now(),
    deliver: (/** @type {any} */ message) => port.postMessage(message),
    deliverFrame: (/** @type {ArrayBuffer} */ frame) => port.postMessage(frame),
  };
  const watch = setInterval(() => {
    if (performance.now() - tab.heardAt > SILENT_TAB_MS) leave();
  }, SILENT_TAB_MS / 3);
  const leave = () => {
    clearInterval(watch);
    feed.leave(tab);
    port.close();
  };
  port.onmessage = ({ data }) => {
    tab.heardAt = performance.now();
    if (data.say === "want") feed.want(tab, data.wish);
    else if (data.say === "wake") feed.wake();
    else if (data.say === "leave") leave();
  };
};
