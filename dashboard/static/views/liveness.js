// Strip under a plot: what came, what was lost, what was silent, second by second.
import { useEffect, useRef } from "preact/hooks";
import { second } from "../state/clock.js";
import { html } from "./html.js";
import { token } from "./theme.js";

const SECONDS = 180;

/** @param {{newest: any}} _ Signal with the newest frame: each is counted, and all are shown once a second. */
export function Liveness({ newest }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const history = useRef(/** @type {{at: number, lost: number}[]} */ ([]));
  const totals = useRef({ came: 0, lost: 0 });
  useEffect(
    () =>
      newest.subscribe((/** @type {any} */ frame) => {
        if (!frame) return;
        const at = second.peek();
        let last = history.current[history.current.length - 1];
        if (!last || last.at !== at) history.current.push((last = { at, lost: 0 }));
        last.lost += frame.header.lost;
        totals.current.came += 1;
        totals.current.lost += frame.header.lost;
        while (history.current.length > SECONDS) history.current.shift();
      }),
    [newest],
  );
  const now = second.value;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const [sound, gap] = [token("ok"), token("warn")];
    context.clearRect(0, 0, SECONDS, 1);
    for (const { at, lost } of history.current) {
      context.fillStyle = lost ? gap : sound;
      context.fillRect(SECONDS - 1 - (now - at), 0, 1, 1);
    }
  }, [now]);
  const { came, lost } = totals.current;
  return html`<canvas class="strip" ref=${canvas} width=${SECONDS} height="1" role="img" aria-label="frames in the last three minutes: gaps are seconds without one"></canvas>
    <div class="proof"><span>received ${came}</span><span class=${lost ? "warn" : ""}>lost ${lost}</span><span>last 3 min, a gap: nothing came</span></div>`;
}
