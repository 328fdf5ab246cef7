"""Arrays and bytes between real sockets: both ways, to callers without numpy, to clients of the
original."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import zmq
from support.rpc_bank import Bank

from zmqjsonproxy import RemoteError, ZMQJSONProxyClient, ZMQJSONProxyServer, query

WITHOUT_NUMPY = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "numpy" else found(name, *more)
sys.modules["numpy"] = None
import zmq
from zmqjsonproxy import ZMQJSONProxyClient
with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", sys.argv[1], 10.0) as bank:
    print(repr(bank.spectra()), repr(bank.echo(b"\\xff")))
"""


class Instrument(Bank):
    """Returns arrays."""

    @query
    def spectra(self) -> Any:
        """Two polarisations and raw bytes."""
        return {"x": np.arange(3.0), "raw": b"\x00\xff"}


@pytest.fixture
def url() -> Iterator[str]:
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server:
        server.expose("bank", Instrument())
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        yield server.url
        server.quit_loop()
        thread.join(10)


@pytest.fixture
def proxy(url: str) -> Iterator[Any]:
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", url, 10.0) as one:
        yield one


def test_arrays_and_bytes_travel_both_ways(proxy: Any) -> None:
    for value in (
        np.linspace(0, 1, 16384),
        np.ones((3, 4), "c8", order="F"),
        np.zeros((0, 2), "u2"),
        np.array(True),
    ):
        back = proxy.echo(value)
        assert isinstance(back, np.ndarray)
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert np.array_equal(back, value)
        back[...] = 0  # it is the caller's own
    nested = proxy.echo(value={"list": [np.arange(3), b"\x00\xff"], "plain": None})
    assert np.array_equal(nested["list"][0], [0, 1, 2])
    assert nested["list"][1] == b"\x00\xff"
    assert np.array_equal(proxy.add(np.arange(3), y=np.arange(3)), [0, 2, 4])


def test_through_a_queue_and_beside_small_calls(proxy: Any) -> None:
    for n in range(20):
        assert proxy.write(np.full(1000, n)) is None
        assert proxy.add(n, 1) == n + 1
        assert proxy.echo(np.full(70_000, n))[-1] == n


def test_more_than_a_server_reads_is_answered_and_the_connection_lives(proxy: Any) -> None:
    with pytest.raises(RemoteError, match="max_message_bytes"):
        proxy.echo(np.zeros(3 * 2**20))
    assert proxy.add(2, 3) == 5


def test_a_caller_without_numpy_gets_lists_and_bytes(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMPY, url], capture_output=True, text=True, timeout=600
    )
    assert done.stdout.strip() == r"{'x': [0.0, 1.0, 2.0], 'raw': b'\x00\xff'} b'\xff'", done.stderr


def test_a_client_of_the_original_gets_lists_and_text(url: str) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.rcvtimeo = 10_000
        socket.connect(url)
        socket.send(
            json.dumps({"name": "bank", "proc": "spectra", "args": [], "kwargs": {}}).encode()
        )
        assert json.loads(socket.recv()) == {"x": [0.0, 1.0, 2.0], "raw": "AP8="}
        assert not socket.get(zmq.RCVMORE)


def test_frames_that_do_not_fit_are_answered(url: str) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.rcvtimeo = 10_000
        socket.connect(url)
        frames = {"key": "k", "headers": [{"dtype": "|O", "shape": [1]}]}
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "bank.echo",
            "params": [{"k": 0}],
            "dealer": {"frames": frames},
        }
        socket.send_multipart([b" " + json.dumps(call).encode(), bytes(8)])
        assert "dtype" in json.loads(socket.recv())["error"]["message"]
        socket.send_multipart([json.dumps({**call, "id": 2, "dealer": {}}).encode(), b"too much"])
        assert json.loads(socket.recv()) == {"jsonrpc": "2.0", "id": 2, "result": {"k": 0}}
