"""Calls to one server, of a bare REQ/REP round trip with the same bytes, and of the bare design.

Ours is what a user calls: `ZMQJSONProxyClient.add(2, 3)`, with request number, deadline, both
dialects, guards and logging, against a server process. One core: client and server share it; two
cores: one each.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import zmq

from benchmarks import bare
from benchmarks.comparison import Program, Work, bare_client, compare, echoed
from benchmarks.floors import cores, echo, in_pinned_process, reply, request, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.subject import STATUS, serve
from zmqjsonproxy import Hub, ProxyError, ZMQJSONProxyClient

__all__ = ["PARTS", "SMALL", "calling"]

SMALL = 2000
"""Calls per block."""
MANY = 32
"""Calls outstanding at a time."""
MEMORY_GRAIN = 64.0
"""KiB."""


@contextlib.contextmanager
def calling(method: str, args: tuple[Any, ...], url: str) -> Iterator[Work]:
    """Our client."""
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy:
        call = getattr(proxy, method)
        yield lambda: call(*args)


def _programs(method: str, args: tuple[Any, ...], result: object) -> dict[str, Program]:
    return {
        "floor": Program(echo, partial(echoed, request(f"bank.{method}", *args)), (reply(result),)),
        "bare": Program(bare.serve_subject, partial(bare_client, "call", (method, *args))),
        "ours": Program(serve, partial(calling, method, args)),
    }


def _beside_floor(programs: dict[str, Program]) -> dict[str, Program]:
    return {name: program for name, program in programs.items() if name != "bare"}


def _query(effort: Effort) -> list[Row]:
    core = cores()[0]
    times = compare(core, core, _programs("add", (2, 3), 5), effort, SMALL)
    return [
        times.row("small call, query, one core", 1.15, 1.08),
        times.without("bare").row("p99 of the small call, one core", 1.75, 1.4, part=0.99),
    ]


def _query_two_cores(effort: Effort) -> list[Row]:
    here, *others = cores()
    if not others:
        return []
    programs = _beside_floor(_programs("add", (2, 3), 5))
    times = compare(here, others[0], programs, effort.once(), SMALL)
    return [times.row("small call, query, two cores", 1.35, 1.20)]


def _command(effort: Effort) -> list[Row]:
    core = cores()[0]
    times = compare(core, core, _programs("set_value", (2, 3), 5), effort, SMALL)
    return [times.row("small call, command, one core", 1.20, 1.10)]


def _status(effort: Effort) -> list[Row]:
    core = cores()[0]
    times = compare(core, core, _programs("get_status", (), STATUS), effort, SMALL // 2)
    return [times.row("status of 200 keys, one core", 1.20, 1.10)]


@contextlib.contextmanager
def _calling_without_orjson(url: str) -> Iterator[Work]:
    """Like `calling`, by a client where orjson is not installed."""
    from zmqjsonproxy import wirejson

    sys.modules["orjson"] = None  # type: ignore[assignment]  # how Python marks what cannot be imported
    wirejson.dumps, wirejson.dumps_short, wirejson.loads = wirejson._guarded()
    with calling("add", (2, 3), url) as work:
        yield work


def _without_orjson(effort: Effort) -> list[Row]:
    core = cores()[0]
    programs = _beside_floor(_programs("add", (2, 3), 5))
    programs["ours"] = Program(serve, _calling_without_orjson)
    times = compare(core, core, programs, effort.once(), SMALL)
    return [times.row("small call, query, client without orjson")]


@contextlib.contextmanager
def _calling_later(url: str) -> Iterator[Work]:
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy:

        def work() -> list[Any]:
            begun = [proxy.call_later("add", 2, 3) for _ in range(MANY)]
            return [future.result() for future in begun]

        yield work


@contextlib.contextmanager
def _calling_many(url: str) -> Iterator[Work]:
    try:
        from zmqjsonproxy import CallRequest
    except ImportError:  # a revision where it was not public yet
        from zmqjsonproxy.rpc.hub import CallRequest

    with Hub(zmq.Context.instance()) as hub:
        requests = [CallRequest(url, "bank", "add", (2, 3))] * MANY
        yield lambda: hub.call_many(requests, 60.0)


def _outstanding(effort: Effort) -> list[Row]:
    core, programs = cores()[0], _programs("add", (2, 3), 5)
    programs["bare"] = Program(
        bare.serve_subject, partial(bare_client, "call_outstanding", (MANY, "add", 2, 3))
    )
    programs["ours"] = Program(serve, _calling_later)
    times = compare(core, core, programs, effort, SMALL // 8)
    what = f"{MANY} outstanding, call_later, per call, one core"
    return [times.row(what, 1.4, 1.2, calls=MANY)]


def _outstanding_many(effort: Effort) -> list[Row]:
    core = cores()[0]
    programs = _beside_floor(_programs("add", (2, 3), 5))
    programs["ours"] = Program(serve, _calling_many)
    times = compare(core, core, programs, effort.once(), SMALL // 8)
    what = f"{MANY} outstanding, call_many, per call, one core"
    return [times.row(what, 0.45, 0.35, calls=MANY)]


def _both_clients(url: str) -> tuple[float, float, float]:
    """Medians of a call by both clients, s, and the ratio asyncio / blocking; turns of 100
    calls."""
    import asyncio

    from zmqjsonproxy import AsyncProxyClient

    blocking: list[float] = []
    awaited: list[float] = []

    async def measure() -> None:
        async with AsyncProxyClient(zmq.Context.instance(), "bank", url) as later:
            for _ in range(SMALL // 20):
                for _ in range(100):
                    begun = time.perf_counter()
                    proxy.add(2, 3)
                    blocking.append(time.perf_counter() - begun)
                for _ in range(100):
                    begun = time.perf_counter()
                    await later.add(2, 3)
                    awaited.append(time.perf_counter() - begun)

    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy:
        asyncio.run(measure())
    one, other = statistics.median(blocking), statistics.median(awaited)
    return one, other, other / one


def _asyncio(_effort: Effort) -> list[Row]:
    core = cores()[0]
    with serving(core, 1, serve) as ours:
        figures = in_pinned_process(core, _both_clients, ours[0][0])
    return [_row("asyncio client, small call, of the blocking one", figures, 1.3, None)]


def _row(what: str, figures: tuple[float, float, float], must: float, aim: float | None) -> Row:
    other, ours, ratio = figures
    return Row(what, 1e6 * other, 1e6 * ours, ratio, must, aim, "us")


def _while_held(url: str) -> tuple[float, float, float]:
    """Median of status idle and beside a command of 2 s, s, and the ratio, of the median of 3
    runs."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    found = []
    with (
        ZMQJSONProxyClient(context, "bank", url) as watcher,
        ZMQJSONProxyClient(context, "bank", url) as commander,
    ):

        def median(seconds: float) -> float:
            times, end = [], time.perf_counter() + seconds
            while time.perf_counter() < end:
                begun = time.perf_counter()
                watcher.get_status()
                times.append(time.perf_counter() - begun)
            return statistics.median(times)

        median(0.3)
        for _ in range(3):
            idle = median(0.7)
            holder = threading.Thread(target=commander.hold, args=(2.0,))
            holder.start()
            time.sleep(0.1)
            beside = median(1.7)
            if not holder.is_alive():
                raise RuntimeError("the command ended too early")
            holder.join()
            found.append((beside / idle, idle, beside))
    ratio, idle, beside = sorted(found)[1]
    return idle, beside, ratio


def _beside_a_command(_effort: Effort) -> list[Row]:
    core = cores()[0]
    with serving(core, 1, serve) as ours:
        figures = in_pinned_process(core, _while_held, ours[0][0])
    return [_row("status while a 2 s command runs, of idle status", figures, 3, 1.5)]


def _import_cost(effort: Effort) -> list[Row]:
    program = "import time; t = time.process_time(); import dealer; print(time.process_time() - t)"
    words, taken = [sys.executable, "-c", program], []
    for _ in range(9):
        done = subprocess.run(words, capture_output=True, check=True, text=True)
        taken.append(1e3 * float(done.stdout))
        effort.pass_on()
    return [Row("import dealer, CPU", None, statistics.median(taken), None, 150, None, "ms")]


def _many_calls(url: str, pid: int) -> float:
    """Growth of the server's memory over 100,000 calls of several kinds, KiB."""
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url) as proxy:
        _calls(proxy, 10_000)
        before = _resident(pid)
        _calls(proxy, 100_000)
        return _resident(pid) - before


def _calls(proxy: ZMQJSONProxyClient, count: int) -> None:
    kinds: list[Callable[[], object]] = [
        lambda: proxy.add(2, 3),
        lambda: proxy.add("a", 3),  # raises there
        lambda: proxy.set_value(2, 3),
        lambda: proxy.add(2, b=3),
        lambda: proxy.get_status(),
        lambda: proxy.add(2, 3, 4),  # refused there
        lambda: proxy.add(2.5, 3),
        lambda: proxy.hold(0),
    ]
    for n in range(count):
        try:
            kinds[n % len(kinds)]()
        except ProxyError:
            continue


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError(f"process {pid}: no VmRSS")


def _memory(_effort: Effort) -> list[Row]:
    core, what = cores()[0], "server memory, growth over 100,000 calls"
    with serving(core, 1, serve) as ours:
        grown = in_pinned_process(core, _many_calls, *ours[0])
    return [Row(what, None, grown, None, 512, None, "KiB", grain=MEMORY_GRAIN)]


PARTS: dict[str, Part] = {
    "query": _query,
    "command": _command,
    "without_orjson": _without_orjson,
    "two_cores": _query_two_cores,
    "outstanding": _outstanding,
    "call_many": _outstanding_many,
    "asyncio": _asyncio,
    "status": _status,
    "beside_command": _beside_a_command,
    "import": _import_cost,
    "memory": _memory,
}
