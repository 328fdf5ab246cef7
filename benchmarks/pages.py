"""Pages of the dashboard in Chromium: first paint, what is usable when, values from the Bank to the
screen, frames in a second while values change, memory, and the way back after a restart.

Players are toys, and the server of the pages is a process of its own on the first processor; the
browser runs where it likes. Each load is by a new profile, which has nothing stored. Times of pages are
taken by their own clock, in the frame in which they are seen. The thousand Banks have no Players: their
rows are written in the server, which would otherwise ask a thousand Players beside the browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import statistics
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.chromium import FRAMES, in_browser, open_page, wait_live
from benchmarks.dashboard import HOST, serve_dashboard
from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

if TYPE_CHECKING:
    from dashboard.bankstate import WatchedBank
    from dashboard.hub import ArrayHub

__all__ = ["PARTS"]

FEW, MANY, TILES = 8, 64, 1000
"""Banks of the arrays."""
WRITTEN, WRITE_EVERY_S = 20, (0.5, 0.9)
KEYS, MANY_KEYS, RATE_HZ = 200, 1000, 4
UPDATES_PER_S = 1000
LOADS, SLOW_LOADS, RESTARTS = 5, 3, 2
LOOK_S, FRAMES_S = 6.0, 5.0
UPDATES = (10**3, 10**5)
LOOKS, LOOK_EVERY_MS = 6, 150
"""At the heap."""
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 3e6 / 8,
    "uploadThroughput": 3e6 / 8,
}
"""Of the debugging protocol: ms, bytes/s."""
ASSETS = (".js", ".css", ".html", ".svg")

PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
WATCH_WRITTEN = """() => {
  const shown = new Map();
  const look = () => [...document.querySelectorAll('tr[data-row^="status.WRITTEN"]')].map(row => {
    const text = row.querySelector(".told").textContent;
    const isNew = shown.get(row) !== text;
    shown.set(row, text);
    return isNew ? parseFloat(text) : NaN;
  }).filter(time => time > 0);
  look();
  new MutationObserver(() => {
    const times = look();
    if (times.length) requestAnimationFrame(() => {
      const now = Date.now() / 1000;
      bench.late.push(...times.map(time => now - time));
    });
  }).observe(document.querySelector(".status"), {subtree: true, childList: true, characterData: true});
}"""
WATCH_BATCHES = """() => new MutationObserver(() => { bench.batches += 1; })
  .observe(document.querySelector('tr[data-row="status.KEY000"] .told'),
           {subtree: true, childList: true, characterData: true})"""
WATCH_SILENCE = """() => {
  bench.silent = bench.until(() => document.querySelector("main.silent"))
    .then(at => (at - bench.beat) / 1000);
}"""
WATCH_RETURN = """count => {
  bench.back = bench.until(() => bench.isUsable(count)).then(() => Date.now() / 1000);
}"""


# servers


def _play_few(connection: Telling) -> None:
    """Serve a few Banks; one writes the time into some values, now and then."""
    from player.bank import Bank
    from player.testing import HostedBank
    from zmqjsonproxy.channels.properties import table_of

    with ExitStack() as stack:
        names = [f"BANK{chr(ord('A') + number)}" for number in range(FEW)]
        hosted = [stack.enter_context(HostedBank(Bank, name=name)) for name in names]
        table = table_of(hosted[0].bank)
        due = [(time.monotonic(), f"status.WRITTEN{key:02d}") for key in range(WRITTEN)]
        for _, key in due:
            table.publish(key, f"{time.time():.4f}")
        ready(connection, " ".join(each.url for each in hosted))
        while True:
            at, key = due[0]
            time.sleep(max(at - time.monotonic(), 0.0))
            table.publish(key, f"{time.time():.4f}")
            heapq.heapreplace(due, (at + random.uniform(*WRITE_EVERY_S), key))


def _play_keys(connection: Telling, keys: int, rate_hz: float) -> None:
    """Serve a Bank with this many keys, all of which change at this rate."""
    from player.bank import Bank
    from player.testing import HostedBank
    from zmqjsonproxy.channels.properties import table_of

    with HostedBank(Bank) as hosted:
        table = table_of(hosted.bank)
        names = [f"status.KEY{key:03d}" for key in range(keys)]
        number = 0
        for name in names:
            table.publish(name, number + 0.5)
        ready(connection, hosted.url)
        due = time.monotonic()
        while True:
            number += 1
            for part in range(10):  # evenly, if they change seldom
                for name in names[part::10]:
                    table.publish(name, number + 0.5)
                due += 0.1 / rate_hz
                time.sleep(max(due - time.monotonic(), 0.0))


def _serve_rows(connection: Telling) -> None:
    """Serve the dashboard of very many Banks, whose rows are written here."""
    from dashboard.application import Dashboard, ServedArray
    from dashboard.config import Array
    from player.endpoints.http.bounds import STREAM_BOUNDS
    from player.endpoints.http.connections import listen
    from player.endpoints.http.serving import ServerThread, names_of_host, url_of

    dashboard = Dashboard(ServedArray(array=Array(urls={}), names=names_of_host(())))
    loop = asyncio.new_event_loop()
    with contextlib.closing(listen(HOST, 0)) as listening:
        url = url_of(listening, None)
        ServerThread(
            dashboard,
            listening,
            None,
            name="dashboard",
            loop=lambda: loop,
            on_end=lambda _why: None,
            **STREAM_BOUNDS,
        ).start()
        urllib.request.urlopen(f"{url}favicon.ico").close()  # then there is a hub
        changing = asyncio.run_coroutine_threadsafe(_change_rows(dashboard.hub), loop)
        ready(connection, url)
        changing.result()


async def _change_rows(hub: ArrayHub) -> None:
    states = [_row(hub, f"BANK{number:04d}") for number in range(TILES)]
    loop = asyncio.get_running_loop()
    number, due, each = 0, loop.time(), UPDATES_PER_S // RATE_HZ
    while True:
        for place in range(number * each, (number + 1) * each):
            state = states[place % TILES]
            state.take_overview({"mode": "MODE1", "SCANNUM": number})
            state.show()
        number, due = number + 1, due + 1 / RATE_HZ
        await asyncio.sleep(due - loop.time())


def _row(hub: ArrayHub, bank: str) -> WatchedBank:
    from dashboard.bankstate import WatchedBank
    from dashboard.protocol.topics import KeyTopic

    board, now, wall = hub.board, time.monotonic(), time.time()
    topics = (board.overview, KeyTopic(bank), board.operations, board.log)
    state = WatchedBank(bank, f"tcp://{HOST}:1", HOST, topics, wall)
    state.liveness.hear(now)
    state.liveness.tick(now, wall)
    state.take_overview({"mode": "MODE1", "SCANNUM": 0})
    state.show()
    return state


# pages


def _load(browser: Any, url: str, count: int, *, slow: bool = False) -> tuple[float, float, float]:
    """Return the times of the first paint and of all Banks on the page, s, and bytes of assets."""
    with open_page(browser, count) as page:
        if slow:
            protocol = page.context.new_cdp_session(page)
            protocol.send("Network.enable")
            protocol.send("Network.emulateNetworkConditions", SLOW)
        page.goto(url)
        wait_live(page, count)
        usable = page.evaluate("() => bench.usable")
        return page.evaluate(PAINT) / 1e3, usable / 1e3, page.evaluate(LOADED)


def _lateness(browser: Any, url: str) -> list[float]:
    """Return times from the writing of values to the frame with them, s, in ascending order."""
    with open_page(browser) as page:
        page.goto(f"{url}bank/BANKA")
        page.locator('tr[data-row^="status.WRITTEN"]').nth(WRITTEN - 1).wait_for(state="attached")
        page.evaluate(WATCH_WRITTEN)
        page.wait_for_timeout(LOOK_S * 1e3)
        return sorted(page.evaluate("() => bench.late"))


def _assets_bytes(url: str) -> tuple[int, int]:
    """Return the size of all files that a page may load, as they are sent: those of the dashboard,
    and those that kinds of Banks add."""
    from dashboard.assets import STATIC
    from dashboard.panels import find_panels

    def sent(place: str, folder: Path) -> int:
        files = [path for path in folder.rglob("*") if path.suffix in ASSETS]
        return sum(_sent_bytes(f"{url}{place}/{path.relative_to(folder)}") for path in files)

    kinds = find_panels().items()
    return sent("static", STATIC), sum(sent(f"panels/{kind}", each.folder) for kind, each in kinds)


def _sent_bytes(url: str) -> int:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        return len(answer.read())


def _restart(browser: Any, urls: dict[str, str]) -> tuple[float, float]:
    """Return the age of the last heartbeat when the page looked stale, and the time from the moment
    when the next server was ready to the page with all Banks live, s."""
    core = cores()[0]
    with open_page(browser) as page:
        with serving(core, 1, serve_dashboard, urls) as [(url, _)]:
            page.goto(url)
            wait_live(page, len(urls))
            page.evaluate(WATCH_SILENCE)
        page.locator("main.silent").wait_for()
        stale = float(page.evaluate("() => bench.silent"))
        page.evaluate(WATCH_RETURN, len(urls))
        port = int(url.rstrip("/").rpartition(":")[2])
        with serving(core, 1, serve_dashboard, urls, port):
            listening = time.time()
            page.locator("main:not(.silent)").wait_for()
            wait_live(page, len(urls))
            return stale, page.evaluate("() => bench.back") - listening


def _heap_bytes(page: Any, protocol: Any) -> float:
    """Return the least of several looks: a batch that is being taken is no part of it."""
    found = []
    for _ in range(LOOKS):
        protocol.send("HeapProfiler.collectGarbage")
        metrics = protocol.send("Performance.getMetrics")["metrics"]
        found.append(float({each["name"]: each["value"] for each in metrics}["JSHeapUsedSize"]))
        page.wait_for_timeout(LOOK_EVERY_MS)
    return min(found)


def _visit_all(page: Any) -> None:
    """Look at each page for which there is a link, and come back."""
    links = page.locator("header a[href^='/']")
    for path in dict.fromkeys(links.evaluate_all("all => all.map(each => each.pathname)")):
        page.locator(f"header a[href='{path}']").first.dispatch_event("click")
        page.locator(f"header a[href='{path}'][aria-current]").first.wait_for(state="attached")
        page.locator("main h1").wait_for()
    page.locator("header a[href='/bank/BANKA']").first.dispatch_event("click")
    page.locator('tr[data-row="status.KEY000"]').wait_for(state="attached")


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        raise RuntimeError("no value that was written came to the screen")
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


# measurements


def _measure_few(browser: Any, effort: Effort) -> list[Row]:
    core = cores()[0]
    with serving(core, 1, _play_few) as [(players, _)]:
        urls = {f"BANK{chr(ord('A') + n)}": url for n, url in enumerate(players.split())}
        cold, slow, restarts = [], [], []
        with serving(core, 1, serve_dashboard, urls) as [(url, _)]:
            with open_page(browser) as page:  # the server has heard all Banks
                page.goto(url)
                wait_live(page, FEW)
            for _ in range(LOADS):
                effort.pass_on()
                cold.append(_load(browser, url, FEW))
            for _ in range(SLOW_LOADS):
                effort.pass_on()
                slow.append(_load(browser, url, FEW, slow=True))
            effort.pass_on()
            late = _lateness(browser, url)
            assets, added = _assets_bytes(url)
        for _ in range(RESTARTS):
            effort.pass_on()
            restarts.append(_restart(browser, urls))
    paint, usable, loaded = (statistics.median(column) for column in zip(*cold, strict=True))
    slow_paint, slow_usable, _ = (statistics.median(column) for column in zip(*slow, strict=True))
    stale, back = (max(column) for column in zip(*restarts, strict=True))
    network = "3 Mbit/s, 150 ms"
    return [
        Row("first paint, cold", None, paint, None, 1.0, 0.4, "s"),
        Row(f"usable with {FEW} Banks, cold", None, usable, None, 2.0, 0.8, "s"),
        Row(f"first paint, cold, {network}", None, slow_paint, None, 3.0, 1.5, "s"),
        Row(f"usable with {FEW} Banks, cold, {network}", None, slow_usable, None, None, None, "s"),
        Row("all assets, gzip", None, assets / 1e3, None, 150, 100, "kB"),
        Row("those that kinds of Banks add, gzip", None, added / 1e3, None, None, None, "kB"),
        Row("those of the first page, gzip", None, loaded / 1e3, None, None, None, "kB"),
        Row(
            "value written at the Bank to on screen, p50",
            None,
            1e3 * _quantile(late, 0.5),
            None,
            400,
            200,
            "ms",
        ),
        Row("the same, p99", None, 1e3 * _quantile(late, 0.99), None, 800, 350, "ms"),
        Row("stale shown after the last heartbeat", None, stale, None, 3.5, 3.0, "s"),
        Row("all live again after a restarted server is ready", None, back, None, 2.0, 1.0, "s"),
    ]


def _measure_many(browser: Any, effort: Effort) -> list[Row]:
    """Look at a Bank all of whose values change all the time; the others have the rest."""
    core, others = cores()[0], MANY - 1
    rest_hz = (UPDATES_PER_S / KEYS - RATE_HZ) / others
    with (
        serving(core, 1, _play_keys, KEYS, RATE_HZ) as [(shown, _)],
        serving(core, 1, _play_keys, KEYS, rest_hz) as [(hidden, _)],
    ):
        urls = {"BANKA": shown} | {f"OTHER{number:02d}": hidden for number in range(others)}
        with serving(core, 1, serve_dashboard, urls) as [(url, _)], open_page(browser) as page:
            page.goto(url)
            wait_live(page, MANY)
            page.goto(f"{url}bank/BANKA")
            page.locator("tr[data-row^='status.KEY']").nth(KEYS - 1).wait_for(state="attached")
            effort.pass_on()
            frames = page.evaluate(FRAMES, 1e3 * FRAMES_S)
    what = (
        f"{MANY} Banks x {KEYS} keys, {UPDATES_PER_S:,} updates/s, {RATE_HZ * KEYS} of them shown"
    )
    return [Row(what, None, frames, None, 45, 58, "rAF/s")]


def _measure_tiles(browser: Any, effort: Effort) -> list[Row]:
    renders = []
    with serving(cores()[0], 1, _serve_rows) as [(url, _)]:
        for _ in range(SLOW_LOADS):
            effort.pass_on()
            renders.append(_load(browser, url, TILES)[1])
        with open_page(browser) as page:
            page.goto(url)
            wait_live(page, TILES)
            effort.pass_on()
            frames = page.evaluate(FRAMES, 1e3 * FRAMES_S)
    what = f"overview of {TILES:,} Banks, {UPDATES_PER_S:,} updates/s"
    rendered = statistics.median(renders)
    return [
        Row(what, None, frames, None, 45, 57, "rAF/s"),
        Row(f"first render of {TILES:,} Banks, cold", None, rendered, None, 1.5, 0.5, "s"),
    ]


def _measure_heap(browser: Any, effort: Effort) -> list[Row]:
    core = cores()[0]
    with (
        serving(core, 1, _play_keys, MANY_KEYS, RATE_HZ) as [(player, _)],
        serving(core, 1, serve_dashboard, {"BANKA": player}) as [(url, _)],
        open_page(browser) as page,
    ):
        page.goto(url)
        wait_live(page, 1)
        effort.pass_on()
        _visit_all(page)
        protocol = page.context.new_cdp_session(page)
        protocol.send("Performance.enable")
        page.evaluate(WATCH_BATCHES)
        heaps = []
        for updates in UPDATES:
            page.evaluate(f"bench.until(() => bench.batches >= {updates // MANY_KEYS})")
            heaps.append(_heap_bytes(page, protocol))
    few, many = UPDATES
    what = f"page's heap after {many:,} updates over after {few:,}"
    return [Row(what, None, (heaps[1] - heaps[0]) / 1e6, None, 3, 0.5, "MB")]


PARTS: dict[str, Part] = {
    "few": in_browser(__name__, _measure_few),
    "many": in_browser(__name__, _measure_many),
    "overview": in_browser(__name__, _measure_tiles),
    "heap": in_browser(__name__, _measure_heap),
}
"""Names of the parts, and their measurements."""
