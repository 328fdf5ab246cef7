"""What the bookkeeping of 1,000 operations takes, at the server and at their caller, in one
process.

A real server on a socket; the operations report progress twice and end with a small result. Counted
is what Python has allocated and not freed since before the first (tracemalloc), after as many have
been begun, waited for and ended.
"""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc

import zmq

from benchmarks.rows import Row
from zmqjsonproxy import Operation, ZMQJSONProxyClient, ZMQJSONProxyServer
from zmqjsonproxy.interface import current_operation, operation

COUNT = 1000
MEBIBYTE = 2**20


class _Bank:
    @operation
    def set_mode(self, mode: str) -> list[object]:
        current_operation().progress(0.1, f"programming the FPGA for {mode}")
        current_operation().progress(0.9, "waiting for the data-taking program")
        return [True, f"New mode {mode} set!"]


def _begin_and_wait(proxy: ZMQJSONProxyClient, count: int) -> list[Operation]:
    begun = []
    for n in range(count):
        begun.append(proxy.begin("set_mode", f"MODE{n}"))
        begun[-1].result(60.0)
    return begun


def rows() -> list[Row]:
    """Measure."""
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server:
        server.expose("bank", _Bank())
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        try:
            with ZMQJSONProxyClient(None, "bank", server.url) as proxy:
                _begin_and_wait(proxy, 10)  # what is imported and cached with the first
                begun_at = time.perf_counter()
                _begin_and_wait(proxy, 200)
                taken = (time.perf_counter() - begun_at) / 200
                gc.collect()
                tracemalloc.start()
                kept = _begin_and_wait(proxy, COUNT)
                gc.collect()
                size, _ = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                known = len(proxy._hub.call(server.url, "rpc", "operations", (False, 2 * COUNT)))
                if known < COUNT or len(kept) != COUNT:
                    raise SystemExit(
                        f"benchmarks.operations: {known} of {COUNT} operations are remembered"
                    )
        finally:
            server.quit_loop()
            thread.join()
    return [
        Row(
            "1,000 operations, bookkeeping at both ends",
            None,
            size / MEBIBYTE,
            None,
            5,
            None,
            "MiB",
        ),
        Row("operation begun and waited for", None, 1e3 * taken, None, None, None, "ms"),
    ]
