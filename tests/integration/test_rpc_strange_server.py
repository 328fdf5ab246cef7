"""A server that says it is one of ours and is not: its callers hear of it, and live on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from zmqjsonproxy.errors import PeerLostError
from zmqjsonproxy.rpc.hub import ThreadHub

HELLO = {
    "dealer": 1,
    "instance": "strange",
    "arrays": True,
    "max_message_bytes": 1000,
    "name": "bank",
    "methods": [],
}
GOOD = b'{"jsonrpc":"2.0","id":%d,"result":5}'


@contextmanager
def strange_server(
    context: zmq.Context[zmq.Socket[bytes]], answers: list[list[bytes]]
) -> Iterator[str]:
    """Answer calls by these frames, then as one should; `%d` in a frame is the number of the
    call."""
    with context.socket(zmq.ROUTER) as router:
        router.linger = 0
        port = router.bind_to_random_port("tcp://127.0.0.1")

        def serve() -> None:
            while True:
                rid, *_, body = router.recv_multipart()
                if not body:
                    return
                message = json.loads(body)
                if "proc" in message:
                    router.send_multipart([rid, b"", json.dumps(HELLO).encode()])
                    continue
                first = message[0] if isinstance(message, list) else message
                frames = answers.pop(0) if answers else [GOOD]
                router.send_multipart(
                    [rid, *(f.replace(b"%d", b"%d" % first["id"]) for f in frames)]
                )

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{port}"
        finally:
            with context.socket(zmq.DEALER) as end:
                end.connect(f"tcp://127.0.0.1:{port}")
                end.send(b"")
                thread.join()


@pytest.mark.parametrize("more", [[], [b"one frame"], [b"two", b"frames"], [b""]])
def test_what_cannot_be_read_ends_the_connection_whatever_follows_it(more: list[bytes]) -> None:
    with (
        zmq.Context() as context,
        strange_server(context, [[GOOD], [b"\xff", *more]]) as url,
        ThreadHub(context) as hub,
    ):
        assert hub.call(url, "bank", "add", timeout=10) == 5
        with pytest.raises(PeerLostError, match="cannot be read"):
            hub.call(url, "bank", "add", timeout=10)
        assert hub.call(url, "bank", "add", timeout=10) == 5


@pytest.mark.parametrize(
    "answer", [b'{"id":%d,"result":1}', b'[{"id":%d,"result":1}]', b'{"id":%d,"error":1}']
)
def test_of_a_batch_that_is_answered_in_part_nothing_stays_expected(answer: bytes) -> None:
    with (
        zmq.Context() as context,
        strange_server(context, [[GOOD], [answer]]) as url,
        ThreadHub(context) as hub,
    ):
        assert hub.call(url, "bank", "add", timeout=10) == 5
        results = hub.call_batch(url, "bank", [("add", [], {})] * 3, timeout=10)
        assert [result.error is None for result in results][1:] == [False, False]
        assert hub.peer(url).numbered == {}
