"""Calls to one server, of a bare REQ/REP round trip with the same bytes.

Ours is what a user calls: `ZMQJSONProxyClient.add(2, 3)`, with request number, deadline, both
dialects, guards and logging, against a server process. One core: client and server share it; two
cores: one each.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from benchmarks.floors import Pairs, asking, cores, echo, in_pinned_process, pairs, serving
from benchmarks.rows import Row
from benchmarks.subject import STATUS, serve
from zmqjsonproxy import ZMQJSONProxyClient, wirejson
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.protocol import jsonrpc

SMALL = 2000
"""Calls per block."""


def rows() -> list[Row]:
    """Measure all of it."""
    found = []
    here, *others = cores()
    found += _small(here, here)
    found.append(_without_orjson(here))
    if others:
        found += _small(here, others[0])
    found += _outstanding(here)
    found.append(_asyncio(here))
    found.append(_status(here))
    found.append(_beside_a_command(here))
    found.append(_import_cost())
    found.append(_memory(here))
    return found


def _native(method: str, *params: object) -> bytes:
    """What our client sends, as near as makes no difference to the floor."""
    return wirejson.dumps(
        {
            "jsonrpc": "2.0",
            "method": method,
            "id": 1000,
            "params": params,
            "dealer": {"deadline_s": 60.0},
        }
    )


def _pair(
    floor_url: str, our_url: str, request: bytes, method: str, args: tuple[Any, ...], count: int
) -> Pairs:
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", our_url) as proxy:
        call = getattr(proxy, method)
        return pairs(asking(floor_url, request), lambda: call(*args), count)


def _measure(
    client: int, server: int, method: str, args: tuple[Any, ...], reply: Any, count: int
) -> Pairs:
    """Times of `bank.<method>(*args)`, whose answer is `reply`, and of a bare round trip."""
    request = _native(f"bank.{method}", *args)
    with (
        serving(server, 1, echo, jsonrpc.reply(1000, reply)) as floors,
        serving(server, 1, serve) as ours,
    ):
        result = in_pinned_process(
            client, _pair, floors[0][0], ours[0][0], request, method, args, count
        )
        assert isinstance(result, Pairs)
        return result


def _row(
    what: str, figures: tuple[float, float, float], must: float | None, aim: float | None
) -> Row:
    floor, ours, ratio = figures
    return Row(what, 1e6 * floor, 1e6 * ours, ratio, must, aim, "us")


def _small(client: int, server: int) -> list[Row]:
    one = client == server
    where = "one core" if one else "two cores"
    times = _measure(client, server, "add", (2, 3), 5, SMALL)
    found = [_row(f"small call, query, {where}", times.quantile(0.5), 1.30 if one else 1.35, 1.20)]
    if one:
        through_queue = _measure(client, server, "set_value", (2, 3), 5, SMALL)
        found.append(_row(f"small call, command, {where}", through_queue.quantile(0.5), 2.0, 1.85))
        found.append(_row(f"p99 of the small call, {where}", times.quantile(0.99), 1.75, 1.4))
    return found


def _pair_without_orjson(floor_url: str, our_url: str, request: bytes) -> Pairs:
    """As `_pair`, by a client where orjson is not installed."""
    sys.modules["orjson"] = None  # type: ignore[assignment]  # how Python marks what cannot be imported
    wirejson.dumps, wirejson.dumps_short, wirejson.loads = wirejson._guarded()
    return _pair(floor_url, our_url, request, "add", (2, 3), SMALL)


def _without_orjson(core: int) -> Row:
    with serving(core, 1, echo, jsonrpc.reply(1000, 5)) as floors, serving(core, 1, serve) as ours:
        request = _native("bank.add", 2, 3)
        times = in_pinned_process(core, _pair_without_orjson, floors[0][0], ours[0][0], request)
    return _row("small call, query, client without orjson", times.quantile(0.5), None, None)


def _outstanding_pair(floor_url: str, our_url: str) -> Pairs:
    from zmqjsonproxy import CallRequest, Hub

    args = (2, 3)
    with Hub(zmq.Context.instance()) as hub:
        requests = [CallRequest(our_url, "bank", "add", args)] * 32
        return pairs(
            asking(floor_url, _native("bank.add", *args)),
            lambda: hub.call_many(requests, 60.0),
            SMALL // 8,
        )


def _outstanding(core: int) -> list[Row]:
    with serving(core, 1, echo, jsonrpc.reply(1000, 5)) as floors, serving(core, 1, serve) as ours:
        times = in_pinned_process(core, _outstanding_pair, floors[0][0], ours[0][0])
    floor, many, ratio = times.quantile(0.5)
    return [
        _row("32 calls outstanding, per call, one core", (floor, many / 32, ratio / 32), 0.45, 0.35)
    ]


def _both_clients(url: str) -> tuple[float, float, float]:
    """Medians of a call by the blocking client and by that for asyncio, s, and their ratio; in
    turns of 100 calls."""
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


def _asyncio(core: int) -> Row:
    with serving(core, 1, serve) as ours:
        figures = in_pinned_process(core, _both_clients, ours[0][0])
    return _row("asyncio client, small call, of the blocking one", figures, 1.3, None)


def _status(core: int) -> Row:
    times = _measure(core, core, "get_status", (), STATUS, SMALL // 2)
    return _row("status of 200 keys, one core", times.quantile(0.5), 1.90, 1.60)


def _while_held(url: str) -> tuple[float, float, float]:
    """Median of status idle and beside a command of 2 s, s, and their ratio; three times, the
    median run."""
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


def _beside_a_command(core: int) -> Row:
    with serving(core, 1, serve) as ours:
        figures = in_pinned_process(core, _while_held, ours[0][0])
    return _row("status while a 2 s command runs, of idle status", figures, 3, 1.5)


def _import_cost() -> Row:
    program = "import time; t = time.process_time(); import dealer; print(time.process_time() - t)"
    taken = [
        float(
            subprocess.run(
                [sys.executable, "-c", program], capture_output=True, check=True, text=True
            ).stdout
        )
        for _ in range(9)
    ]
    return Row("import dealer, CPU", None, 1e3 * statistics.median(taken), None, 150, None, "ms")


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


def _memory(core: int) -> Row:
    with serving(core, 1, serve) as ours:
        grown = in_pinned_process(core, _many_calls, *ours[0])
    return Row("server memory, growth over 100,000 calls", None, grown, None, 512, None, "KiB")
