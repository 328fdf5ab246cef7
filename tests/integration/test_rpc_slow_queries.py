"""Queries that were slow run beside the socket's thread, until they are fast again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import zmq
from support.original_client import OriginalClient

from zmqjsonproxy import ServerSettings, ZMQJSONProxyClient, ZMQJSONProxyServer, query
from zmqjsonproxy.waiting import WouldWaitError, may_wait


class Where:
    """Tells in which thread it runs; takes as long as it is asked to."""

    @query
    def thread(self, seconds: float) -> int:
        threading.Event().wait(seconds)
        return threading.get_ident()


def test_a_query_that_is_fast_again_goes_back_to_the_sockets_thread() -> None:
    settings = ServerSettings(slow_query_s=1.0, fast_again_after=3)
    with (
        zmq.Context() as context,
        ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", settings) as server,
    ):
        server.expose("bank", Where())
        serving = threading.Thread(target=server.run_loop)
        serving.start()
        try:
            with ZMQJSONProxyClient(context, "bank", server.url, 30.0) as proxy:
                assert proxy.thread(1.1) == serving.ident
                beside = [proxy.thread(0.0) for _ in range(2)]
                beside += [proxy.thread(1.1)]
                beside += [proxy.thread(0.0) for _ in range(3)]
                assert len(set(beside)) == 1
                assert beside[0] != serving.ident
                assert proxy.thread(0.0) == serving.ident
        finally:
            server.quit_loop()
            serving.join(10)


class Locked:
    """Reads what somebody else may have locked."""

    def __init__(self) -> None:
        self.free, self.asked = threading.Event(), threading.Semaphore(0)

    @query
    def read(self) -> str:
        if not self.free.is_set():
            if not may_wait():
                self.asked.release()
                raise WouldWaitError
            self.free.wait()
        return threading.current_thread().name

    @query
    def thread(self) -> str:
        return threading.current_thread().name


def test_a_query_that_has_to_wait_does_so_beside_the_sockets_thread() -> None:
    locked = Locked()
    with (
        zmq.Context() as context,
        ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", name="X") as server,
    ):
        server.expose("bank", locked)
        serving = threading.Thread(target=server.run_loop, name="socket")
        serving.start()
        try:
            with (
                ZMQJSONProxyClient(context, "bank", server.url, 60.0) as proxy,
                OriginalClient(server.url) as original,
                ThreadPoolExecutor() as pool,
            ):
                waiting, sent = proxy.call_later("read"), threading.Event()

                def many() -> list[str]:
                    with proxy.batch() as batch:
                        futures = [batch.call("read"), batch.call("thread")]
                        sent.set()
                    return [future.result() for future in futures]

                batch, old = pool.submit(many), pool.submit(original.ask, "read")
                sent.wait()
                assert all(locked.asked.acquire(timeout=60) for _ in range(3))
                assert proxy.thread() == "socket"  # answered while the others wait
                assert (waiting.done(), batch.done(), old.done()) == (False, False, False)
                locked.free.set()
                assert waiting.result() == old.result() == "bank slow X"
                assert batch.result() == ["batches X", "socket"]
                assert proxy.read() == "socket"
        finally:
            locked.free.set()
            server.quit_loop()
            serving.join(10)
    assert may_wait()
