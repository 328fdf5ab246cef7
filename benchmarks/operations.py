"""Bookkeeping of 1,000 operations, at the server and at their caller, in one process; time of one.

A real server on a socket; the operations report progress twice and end with a small result. Counted
is what Python has allocated and not freed since before the first (tracemalloc), after as many have
been begun, waited for and ended.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import threading
import time
import tracemalloc
from collections.abc import Iterator

import zmq

from benchmarks.hubs import ThreadHub
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from zmqjsonproxy import (
    Operation,
    ZMQJSONProxyClient,
    ZMQJSONProxyServer,
    current_operation,
    operation,
)

__all__ = ["PARTS"]

COUNT = 1000
BLOCKS, EACH = 10, 40
MEBIBYTE = 2**20


class _Bank:
    @operation
    def set_mode(self, mode: str) -> list[object]:
        current_operation().progress(0.1, f"programming the FPGA for {mode}")
        current_operation().progress(0.9, "waiting for the data-taking program")
        return [True, f"New mode {mode} set!"]


@contextlib.contextmanager
def _calling() -> Iterator[tuple[ZMQJSONProxyClient, str]]:
    """Client of a server in this process, and the URL of that."""
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server:
        server.expose("bank", _Bank())
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        try:
            with ZMQJSONProxyClient(None, "bank", server.url) as proxy:
                for _ in range(10):
                    _begin_and_wait(proxy)  # what is imported and cached with the first
                yield proxy, server.url
        finally:
            server.quit_loop()
            thread.join()


def _begin_and_wait(proxy: ZMQJSONProxyClient) -> Operation:
    begun = proxy.begin("set_mode", "MODE1")
    begun.result(60.0)
    return begun


def _time(effort: Effort) -> list[Row]:
    taken = []
    with _calling() as (proxy, _):
        for _ in range(BLOCKS):
            for _ in range(EACH):
                begun_at = time.perf_counter()
                _begin_and_wait(proxy)
                taken.append(1e3 * (time.perf_counter() - begun_at))
            effort.pass_on()
    what = "operation begun and waited for"
    return [Row(what, None, statistics.median(taken), None, None, None, "ms")]


def _memory(_effort: Effort) -> list[Row]:
    with _calling() as (proxy, url):
        gc.collect()
        tracemalloc.start()
        kept = [_begin_and_wait(proxy) for _ in range(COUNT)]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        with ThreadHub() as hub:
            known = len(hub.call(url, "rpc", "operations", (False, 2 * COUNT)))
    if known < COUNT or len(kept) != COUNT:
        raise SystemExit(f"benchmarks.operations: {known} of {COUNT} operations are remembered")
    what = "1,000 operations, bookkeeping at both ends"
    return [Row(what, None, size / MEBIBYTE, None, 5, None, "MiB")]


PARTS: dict[str, Part] = {"memory": _memory, "time": _time}
