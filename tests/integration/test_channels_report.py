"""`rpc.channels`: who subscribes at a server, and what did not reach them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import zmq
from support.dealers import eventually

from zmqjsonproxy import ServerSettings, ThreadHub, ZMQJSONProxyClient, ZMQJSONProxyServer
from zmqjsonproxy.channels.properties import published
from zmqjsonproxy.rpc.protocol import original


class Supply:
    """Publishes."""

    voltage = published(0.0, unit="V")
    label = published("", unit="")


SUPPLY = Supply()


@pytest.fixture
def server() -> Iterator[ZMQJSONProxyServer]:
    """A server with little room for what waits."""
    with zmq.Context() as context:
        served = ZMQJSONProxyServer(
            context, "tcp://127.0.0.1:*", ServerSettings(max_waiting_bytes=1_000_000)
        )
        served.expose("bank", SUPPLY)
        thread = threading.Thread(target=served.run_loop)
        thread.start()
        yield served
        served.quit_loop()
        thread.join()


def test_subscribers_are_told_with_name_and_streams(server: ZMQJSONProxyServer) -> None:
    with ThreadHub() as hub, ZMQJSONProxyClient(None, "bank", server.url, hub=hub) as client:
        assert hub.call(server.url, "rpc", "channels", (), {}, 10)["clients"] == []
        with client.subscribe("*") as subscription:
            subscription.next(10)
            told = hub.call(server.url, "rpc", "channels", (), {}, 10)
        (one,) = told["clients"]
        assert (told["connections"], told["streams"], told["dropped"]) == (1, 2, 0)
        assert told["dropped_ago"] is None
        assert (one["patterns"], one["streams"], one["dropped"], one["waiting"]) == (1, 2, 0, 0)
        assert "@" in one["name"]
        assert one["lags"] == 0.0 <= one["silent"]

        def connections() -> object:
            return hub.call(server.url, "rpc", "channels", (), {}, 10)["connections"]

        eventually(lambda: connections() == 0)  # though nothing was published since it ended


def test_a_client_that_takes_nothing_is_told_with_what_waits_and_was_dropped(
    server: ZMQJSONProxyServer,
) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as lazy, ThreadHub() as hub:
        lazy.linger, lazy.rcvhwm = 0, 1
        lazy.set(zmq.RCVBUF, 4096)
        lazy.connect(server.url)
        lazy.send(original.hello("bank", "eve\x1b@host:1"))
        lazy.recv()
        wishes = [["bank", "label", {}]]
        call = {"jsonrpc": "2.0", "id": 1, "method": "rpc.subscribe", "params": [wishes]}
        lazy.send_json(call)
        lazy.recv()

        def told() -> dict[str, object]:
            for _ in range(3):
                SUPPLY.label = "x" * 50_000
            found: dict[str, object] = hub.call(server.url, "rpc", "channels", (), {}, 10)
            return found

        eventually(lambda: told()["clients"][0]["lags"])  # type: ignore[index]
        found = told()
        (one,) = found["clients"]  # type: ignore[misc]
        assert one["name"] == "eve?@host:1"
        assert one["waiting"] > 50_000
        assert one["dropped"] > 0
        assert one["lags"] > 0
        assert 0 <= found["dropped_ago"] < 60  # type: ignore[operator]
