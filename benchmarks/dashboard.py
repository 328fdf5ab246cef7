"""The dashboard's server: CPU and memory with many viewers of one with one, all of a Bank whose values
change 1,280 times a second; a Player that they look at.

Viewers are bare sockets in a process of their own, which only take what comes. CPU time is that of the
server's process, its threads for subscriptions too; one and many viewers take turns.
"""

from __future__ import annotations

import re
import selectors
import socket
import statistics
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["HOST", "PARTS", "serve_dashboard"]

KEYS, RATE_HZ = 320, 4
VIEWERS = 50
MEASURED_S, SETTLE_S, ROUNDS = 5.0, 1.5, 3
HOST = "127.0.0.1"
REQUEST = b"GET /events?topic=values:BANKA&topic=overview HTTP/1.1\r\nHost: %b\r\n\r\n"
MIB = 2**20


def _play(connection: Telling) -> None:
    """Serve a Bank that publishes all the time."""
    from player.bank import Bank
    from player.testing import HostedBank
    from zmqjsonproxy.channels.properties import table_of

    with HostedBank(Bank) as hosted:
        table = table_of(hosted.bank)
        ready(connection, hosted.url)
        number, due = 0, time.monotonic()
        while True:
            number, due = number + 1, due + 1 / RATE_HZ
            for key in range(KEYS):
                table.publish(f"status.KEY{key:03d}", number + 0.5)
            time.sleep(max(due - time.monotonic(), 0.0))


def serve_dashboard(connection: Telling, urls: Mapping[str, str], port: int = 0) -> None:
    """Serve the dashboard of Players; at any free port, or at this one."""
    from dashboard.config import Array
    from dashboard.service import DashboardService, Where

    with DashboardService(
        Array(urls=urls), Where(host=HOST, port=port), None, lambda _why: None
    ) as service:
        ready(connection, service.url)
        while True:
            time.sleep(60.0)


def _look(connection: Telling, url: str, viewers: int) -> None:
    """Take what comes to some viewers."""
    host = url.split("/")[2]
    address, _, port = host.rpartition(":")
    waiting = selectors.DefaultSelector()
    for _ in range(viewers):
        viewer = socket.create_connection((address, int(port)))
        viewer.sendall(REQUEST % host.encode())
        waiting.register(viewer, selectors.EVENT_READ)
    ready(connection, "")
    while True:
        for key, _ in waiting.select():
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.recv(1 << 18)


@contextmanager
def _attended(url: str, viewers: int) -> Iterator[None]:
    with serving(cores()[-1], 1, _look, url, viewers):
        time.sleep(SETTLE_S)
        yield


def _load(process: psutil.Process) -> float:
    """Return the CPU time of a process in a second, s."""
    before, begun = process.cpu_times(), time.perf_counter()
    time.sleep(MEASURED_S)
    after, passed = process.cpu_times(), time.perf_counter() - begun
    return (after.user + after.system - before.user - before.system) / passed


def _counted(url: str, name: str) -> float:
    """Return a figure of the server's metrics, of streams of events."""
    with urllib.request.urlopen(f"{url}metrics") as answer:
        text = answer.read().decode()
    found = re.search(rf'^dealer_player_dashboard_{name}_total{{way="events"}} (\S+)$', text, re.M)
    if found is None:
        raise RuntimeError(f"{url}metrics: no {name}")
    return float(found[1])


def _viewers(effort: Effort) -> list[Row]:
    here = cores()[0]
    loads: dict[int, list[tuple[float, float]]] = {1: [], VIEWERS: []}
    memory: dict[int, list[float]] = {1: [], VIEWERS: []}
    with (
        serving(here, 1, _play) as [(player, player_id)],
        serving(here, 1, serve_dashboard, {"BANKA": player}) as [(url, server_id)],
    ):
        played, served = psutil.Process(player_id), psutil.Process(server_id)
        for _ in range(ROUNDS):
            for viewers, some in loads.items():
                effort.pass_on()
                with _attended(url, viewers):
                    before = played.cpu_times()
                    load = _load(served)
                    after = played.cpu_times()
                    theirs = after.user + after.system - before.user - before.system
                    some.append((load, theirs / MEASURED_S))
                    memory[viewers].append(served.memory_info().rss / MIB)
        merged = 100 * _counted(url, "messages_merged") / _counted(url, "messages_sent")
    ours = [many / one for (one, _), (many, _) in zip(loads[1], loads[VIEWERS], strict=True)]
    theirs_of = [many / one for (_, one), (_, many) in zip(loads[1], loads[VIEWERS], strict=True)]
    each = (max(memory[VIEWERS]) - min(memory[1])) / (VIEWERS - 1)
    one, many = (100 * statistics.median(load for load, _ in loads[n]) for n in (1, VIEWERS))
    changes = f"{KEYS * RATE_HZ} changes/s"
    ratio = statistics.median(ours)
    return [
        Row(f"server, {VIEWERS} viewers of {changes}, of 1", one, many, ratio, 4, 2.5, "% CPU"),
        Row("messages that viewers were too slow for", None, merged, None, None, None, "%"),
        Row("memory of the server for each viewer", None, each, None, 1, 0.2, "MiB"),
        Row(
            f"Player looked at by {VIEWERS} viewers, of 1",
            None,
            statistics.median(theirs_of),
            None,
            1.1,
            1.0,
            "times",
        ),
    ]


PARTS: dict[str, Part] = {"viewers": _viewers}
"""Names of the parts, and their measurements."""
