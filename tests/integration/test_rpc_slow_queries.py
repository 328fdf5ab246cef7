"""Queries that were slow run beside the socket's thread, until they are fast again."""

from __future__ import annotations

import threading

import zmq

from zmqjsonproxy import ServerSettings, ZMQJSONProxyClient, ZMQJSONProxyServer, query


class Where:
    """Tells in which thread it runs; takes as long as it is asked to."""

    @query
    def thread(self, seconds: float) -> int:
        threading.Event().wait(seconds)
        return threading.get_ident()


def test_a_query_that_is_fast_again_goes_back_to_the_sockets_thread() -> None:
    settings = ServerSettings(slow_query_s=1.0, fast_again_after=3)
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", settings) as server:
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
