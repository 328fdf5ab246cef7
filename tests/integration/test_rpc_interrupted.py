"""Ctrl-C in the middle of calls: whoever calls next gets an answer, and no thread is left
waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import zmq
from support.dealers import eventually
from support.rpc_bank import Bank

from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.rpc.frames import sender
from zmqjsonproxy.rpc.hub import ThreadHub

CALLS: dict[str, Callable[[ThreadHub, str], object]] = {
    "one call": lambda hub, url: hub.call(url, "bank", "add", [2, 3], timeout=10),
    "a batch": lambda hub, url: hub.call_batch(url, "bank", [("add", [2, 3], {})], timeout=10),
    "a fan-out": lambda hub, url: hub.call_each([url], "bank", "add", [2, 3], timeout=10),
    "many calls": lambda hub, url: hub.begin(url, "bank", "add", [2, 3], timeout=10).result(),
}


@pytest.fixture
def hub(served: tuple[str, Bank]) -> Iterator[ThreadHub]:
    with ThreadHub() as hub:
        assert hub.call(served[0], "bank", "add", [2, 3]) == 5
        yield hub


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_ctrl_c_just_after_the_lead_was_taken_leaves_it_to_others(
    hub: ThreadHub,
    served: tuple[str, Bank],
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ThreadHub, str], object],
) -> None:
    take = hub._lead.take

    def taken_and_interrupted() -> bool:
        monkeypatch.setattr(hub._lead, "take", take)
        take()
        raise KeyboardInterrupt

    monkeypatch.setattr(hub._lead, "take", taken_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(hub, served[0])
    answers: list[object] = []
    other = threading.Thread(
        target=lambda: answers.append(hub.call(served[0], "bank", "add", [2, 3], timeout=10))
    )
    other.start()
    other.join()
    assert answers == [5]
    assert hub.call(served[0], "bank", "add", [2, 3], timeout=10) == 5


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_ctrl_c_when_the_answer_was_taken_leaves_nothing_expected(
    hub: ThreadHub,
    served: tuple[str, Bank],
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[ThreadHub, str], object],
) -> None:
    connections = hub._connections
    receive = connections.next_message

    def received_and_interrupted(*flags: int) -> object:
        receive(*flags)
        monkeypatch.setattr(connections, "next_message", receive)
        raise KeyboardInterrupt

    monkeypatch.setattr(connections, "next_message", received_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(hub, served[0])
    assert hub.peer(served[0]).numbered == {}
    assert hub.call(served[0], "bank", "add", [2, 3], timeout=10) == 5


def test_what_goes_wrong_within_the_lead_leaves_it_with_whoever_has_it(
    hub: ThreadHub, served: tuple[str, Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> None:
        raise RuntimeError("as asked")

    answers: list[object] = []
    waiting = threading.Thread(
        target=lambda: answers.append(hub.call(served[0], "bank", "add", [2, 3], timeout=20))
    )
    assert hub._lead.take()
    waiting.start()
    eventually(lambda: hub._mailbox)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="as asked"):
        patch.setattr(hub._core, "submit", raises)
        hub._deliver()
    assert hub._lead.is_ours()
    hub._lead.release()
    waiting.join()
    assert answers == [5]


@pytest.mark.parametrize("body", [b"one", Framed(b"one", [b"two"])])
def test_what_is_sent_after_half_a_message_is_a_message_of_its_own(body: bytes) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"peer"
        raise KeyboardInterrupt

    with (
        zmq.Context() as context,
        context.socket(zmq.ROUTER) as router,
        context.socket(zmq.DEALER) as dealer,
    ):
        router.linger = dealer.linger = 0
        dealer.setsockopt(zmq.IDENTITY, b"peer")
        router.bind("inproc://half")
        dealer.connect("inproc://half")
        dealer.send(b"hello")
        router.recv_multipart()
        send = sender(router)
        with pytest.raises(KeyboardInterrupt):
            send(interrupted(), body)  # type: ignore[arg-type]  # an iterator that is interrupted
        send([b"peer"], b"next")
        assert [dealer.recv_multipart(), dealer.recv_multipart()] == [[b""], [b"next"]]
