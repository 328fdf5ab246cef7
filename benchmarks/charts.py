"""Charts of the dashboard in Chromium: CPU time beside a page that draws by hand, the main thread's time
for a row of the waterfall, pictures in a second and the longest task while all of it moves.

The Bank is a toy that publishes frames of 4,096 points, as often as the page takes them, and its values.
The page drawn by hand gets its numbers from nowhere: least and greatest of the points of each pixel as a
line, and a row of a waterfall by two copies of a ring. CPU time is that of all processes of the browser.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import psutil

from benchmarks.chromium import FRAMES, in_browser, open_page, wait_live
from benchmarks.dashboard import serve_dashboard
from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from player.bank import Bank
from player.testing import HostedBank
from zmqjsonproxy.channels.properties import pipe, table_of

__all__ = ["PARTS"]

CHARTS, POINTS, FRAME_HZ = 8, 4096, 5
KEYS, KEYS_HZ = 200, 4
BANKS = ("BANKA", "BANKB")
"""The first has only charts, the second values too."""
MEASURED_S, SETTLE_S, ROUNDS = 6.0, 2.0, 3
HEIGHT = 9000
"""Of the window, px: all charts are seen, and so all are drawn."""
BARE = "<!doctype html><title>bare</title><p>bare</p>"
MOVE = "() => { const turn = () => requestAnimationFrame(turn); turn(); }"
"""Turn of pages of all kinds: a browser that has nothing to draw makes no pictures."""
DRAW_BY_HAND = """([charts, points, hz]) => {
  const wide = 800, high = 300, rows = 512;
  for (let chart = 0; chart < charts; chart++) {
    const [plot, fall, ring] = [0, 1, 2].map(() => document.createElement("canvas"));
    [plot.width, plot.height, fall.width, fall.height, ring.width, ring.height] = [wide, high, wide, 256, wide, rows];
    document.body.append(plot, fall);
    const [draw, drop, keep] = [plot, fall, ring].map(each => each.getContext("2d"));
    const data = new Float32Array(points), image = new ImageData(wide, 1);
    const words = new Uint32Array(image.data.buffer);
    let next = 0;
    const paint = () => {
      for (let at = 0; at < points; at++) data[at] = Math.random();
      draw.clearRect(0, 0, wide, high);
      draw.beginPath();
      for (let x = 0; x < wide; x++) {
        let least = Infinity, greatest = -Infinity;
        const end = Math.floor((x + 1) * points / wide);
        for (let at = Math.floor(x * points / wide); at < end; at++) {
          if (data[at] < least) least = data[at];
          if (data[at] > greatest) greatest = data[at];
        }
        draw.moveTo(x, high * (1 - least));
        draw.lineTo(x, high * (1 - greatest));
        words[x] = 0xff000000 | Math.floor(255 * greatest);
      }
      draw.stroke();
      keep.putImageData(image, 0, next);
      next = (next + 1) % rows;
      drop.drawImage(ring, 0, 0, wide, next, 0, 0, wide, next / 2);
      drop.drawImage(ring, 0, next, wide, rows - next, 0, next / 2, wide, (rows - next) / 2);
    };
    setInterval(() => requestAnimationFrame(paint), 1000 / hz);
  }
}"""
WATCH_TASKS = """() => {
  bench.longest = 0;
  new PerformanceObserver(list => {
    for (const each of list.getEntries()) bench.longest = Math.max(bench.longest, each.duration);
  }).observe({type: "longtask"});
}"""
DROP_ROWS = """async ([wide, rows]) => {
  const {Waterfall} = await import("/static/charts/waterfall.js");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [wide, 512];
  document.body.append(canvas);
  const fall = new Waterfall(canvas, "dark");
  const row = new Float32Array(wide);
  const one = () => {
    for (let at = 0; at < wide; at++) row[at] = Math.random();
    fall.add(row);
    fall.draw();
  };
  for (let count = 0; count < 512; count++) one();
  const begun = performance.now();
  for (let count = 0; count < rows; count++) one();
  return (performance.now() - begun) / rows;
}"""
FALL_WIDTH, FALL_ROWS = 1024, 500

CURVES = [f"curve{number}" for number in range(CHARTS)]
Curves = type("Curves", (Bank,), {name: pipe(unit="V") for name in CURVES})


def _play(connection: Telling, keys: int) -> None:
    """Serve a Bank with pipes, all of which publish as often as the page takes frames, and so many
    values."""
    with HostedBank(Curves) as hosted:
        bank, table = hosted.bank, table_of(hosted.bank)
        noise = np.random.default_rng(1).normal(size=POINTS).astype(np.float32)
        ready(connection, hosted.url)
        number, due = 0, time.monotonic()
        while True:
            number, due = number + 1, due + 1 / FRAME_HZ
            for name in CURVES:
                getattr(bank, name)(np.roll(noise, number))
            if number * KEYS_HZ % FRAME_HZ < KEYS_HZ:
                for key in range(keys):
                    table.publish(f"status.KEY{key:03d}", number + 0.5)
            time.sleep(max(due - time.monotonic(), 0.0))


def _browser_load() -> float:
    """Return the CPU time of all processes of the browser in a second, s."""
    children = psutil.Process().children(recursive=True)
    processes = [each for each in children if "chrom" in each.name()]

    def used() -> float:
        times = [each.cpu_times() for each in processes]
        return sum(each.user + each.system for each in times)

    before, begun = used(), time.perf_counter()
    time.sleep(MEASURED_S)
    return (used() - before) / (time.perf_counter() - begun)


def _bare_load(browser: Any, *, by_hand: bool) -> float:
    with open_page(browser, height=HEIGHT) as page:
        page.set_content(BARE)
        page.evaluate(MOVE)
        if by_hand:
            page.evaluate(DRAW_BY_HAND, [CHARTS, POINTS, FRAME_HZ])
        time.sleep(SETTLE_S)
        return _browser_load()


def _show(page: Any, url: str, bank: str) -> None:
    """Show all charts of a Bank."""
    page.goto(url)
    wait_live(page, len(BANKS))
    page.goto(f"{url}bank/{bank}")
    page.locator('section[aria-label^="spectrum "] .u-over').nth(CHARTS - 1).wait_for()


def _load_of_charts(browser: Any, url: str) -> float:
    with open_page(browser, height=HEIGHT) as page:
        _show(page, url, "BANKA")
        page.evaluate(MOVE)
        time.sleep(SETTLE_S)
        return _browser_load()


def _moved(browser: Any, url: str) -> tuple[float, float]:
    """Return pictures in a second and the longest task, ms, while charts and values move."""
    with open_page(browser, height=HEIGHT) as page:
        _show(page, url, "BANKB")
        time.sleep(SETTLE_S)
        page.evaluate(WATCH_TASKS)
        frames = page.evaluate(FRAMES, 1e3 * MEASURED_S)
        return frames, page.evaluate("() => bench.longest")


def _measure(browser: Any, effort: Effort) -> list[Row]:
    core = cores()[0]
    of_each, of_hand, frames, longest = [], [], [], []
    with (
        serving(core, 1, _play, 0) as [(curves, _)],
        serving(core, 1, _play, KEYS) as [(both, _)],
        serving(core, 1, serve_dashboard, dict(zip(BANKS, (curves, both), strict=True))) as [
            (url, _)
        ],
    ):
        with open_page(browser) as page:
            page.goto(url)
            fall = page.evaluate(DROP_ROWS, [FALL_WIDTH, FALL_ROWS])
        for _ in range(ROUNDS):
            effort.pass_on()
            bare = _bare_load(browser, by_hand=False)
            of_hand.append((_bare_load(browser, by_hand=True) - bare) / CHARTS)
            of_each.append((_load_of_charts(browser, url) - bare) / CHARTS)
            shown, slowest = _moved(browser, url)
            frames.append(shown)
            longest.append(slowest)
    hand, ours = (100 * statistics.median(loads) for loads in (of_hand, of_each))
    ratio = statistics.median(ours / hand for ours, hand in zip(of_each, of_hand, strict=True))
    chart = f"chart of {POINTS:,} points with waterfall, {FRAME_HZ} Hz, over a bare page"
    moving = f"{CHARTS} charts, waterfalls and {KEYS * KEYS_HZ} values/s"
    return [
        Row(f"each {chart}, of one by hand", hand, ours, ratio, 2.0, 1.4, "% CPU"),
        Row(f"row of a waterfall of {FALL_WIDTH} x 512", None, fall, None, 2, 0.4, "ms"),
        Row(moving, None, statistics.median(frames), None, 50, 58, "rAF/s"),
        Row("longest task meanwhile", None, statistics.median(longest), None, 200, 50, "ms"),
    ]


PARTS: dict[str, Part] = {"charts": in_browser(__name__, _measure)}
"""Names of the parts, and their measurements."""
