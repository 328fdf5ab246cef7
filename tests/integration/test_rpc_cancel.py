"""Calls that are cancelled: from the bytes of another's client, and by the futures of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from support.original_client import OriginalClient
from support.original_server import OriginalPlayer
from support.rpc_bank import Bank

from groundwork.closing import Closing
from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.errors import CallCancelledError


class Raw(Closing):
    """A client that writes its own bytes, with any number of calls under way."""

    def __init__(self, url: str) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.sndhwm = 0
        self._socket.rcvtimeo = 20_000
        self._socket.connect(url)

    def send(self, method: str, params: Any, **members: Any) -> None:
        self._socket.send(
            json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **members}).encode()
        )

    def cancel(self, number: Any) -> Any:
        """Cancel a call; what the server says became of it, or the code of its error. Answers of
        others are kept."""
        self.send("rpc.cancel", {"id": number}, id="cancel")
        return self.answer("cancel")

    def answer(self, number: Any) -> Any:
        """The next message, which must be the answer to this call: its result, or the code of its
        error."""
        answer = json.loads(self._socket.recv())
        assert answer["id"] == number
        return answer["error"]["code"] if "error" in answer else answer["result"]

    def next(self) -> Any:
        return json.loads(self._socket.recv())

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._context.term()


@pytest.fixture
def raw(served: tuple[str, Bank]) -> Iterator[Raw]:
    with Raw(served[0]) as one:
        yield one


def test_a_call_that_waits_is_not_begun(raw: Raw, served: tuple[str, Bank]) -> None:
    bank = served[1]
    raw.send("bank.hold", [], id=1)
    assert bank.begun.wait(20)
    raw.send("bank.write", ["dropped"], id=2)
    raw.send("bank.write", ["kept"], id=3)
    raw.send("rpc.cancel", {"id": 2})
    assert raw.answer(2) == -32006
    assert raw.cancel(2) == "unknown"
    bank.go_on.set()
    assert raw.answer(1) == "held"
    assert raw.answer(3) is None
    assert bank.written == ["kept"]


def test_a_command_that_runs_goes_on(raw: Raw, served: tuple[str, Bank]) -> None:
    raw.send("bank.hold", [], id="a text")
    assert served[1].begun.wait(20)
    assert raw.cancel("a text") == "running"
    served[1].go_on.set()
    assert raw.answer("a text") == "held"
    assert raw.cancel("a text") == "unknown"


def test_an_operation_that_runs_is_asked_to_end(raw: Raw, served: tuple[str, Bank]) -> None:
    raw.send("bank.set_mode", ["MODE1"], id=1)
    assert served[1].begun.wait(20)
    raw.send("rpc.cancel", {"id": 1})
    assert raw.answer(1) == -32005


def test_an_operation_that_waits_is_not_begun(raw: Raw, served: tuple[str, Bank]) -> None:
    raw.send("bank.hold", [], id=1)
    assert served[1].begun.wait(20)
    served[1].begun.clear()
    raw.send("bank.set_mode", ["MODE1"], id=2)
    raw.send("rpc.cancel", [2])
    assert raw.answer(2) == -32005
    assert not served[1].begun.is_set()


@pytest.mark.parametrize(("method", "extra"), [("start", {}), ("set_mode", {"wait": "accepted"})])
def test_the_cancel_of_a_call_that_was_accepted_ends_no_operation(
    raw: Raw, served: tuple[str, Bank], method: str, extra: dict[str, Any]
) -> None:
    raw.send(f"bank.{method}", ["MODE1"] if method == "set_mode" else [], id=1, dealer=extra)
    assert "error" not in raw.next()
    assert served[1].begun.wait(20)
    assert raw.cancel(1) == "unknown"
    raw.send("rpc.operations", [True], id=2)
    (operation,) = raw.answer(2)
    assert operation["state"] == "running"
    raw.send("bank.stop", [], id=3)
    assert raw.next()["id"] == 3


def test_only_what_waits_is_withdrawn_if_so_asked(raw: Raw, served: tuple[str, Bank]) -> None:
    def withdraw(number: int) -> Any:
        raw.send("rpc.cancel", {"id": number, "only_waiting": True}, id="cancel")
        return raw.answer("cancel")

    raw.send("bank.set_mode", ["MODE1"], id=1)
    assert served[1].begun.wait(20)
    assert withdraw(1) == "running"
    raw.send("bank.set_mode", ["MODE2"], id=2, dealer={"wait": "accepted"})
    accepted = raw.answer(2)["operation"]
    assert raw.cancel(2) == "unknown"
    assert withdraw(2) == "not begun"
    raw.send("rpc.operation", [accepted], id=3)
    assert raw.answer(3)["state"] == "aborted"
    assert withdraw(2) == "unknown"
    assert raw.cancel(1) == "aborting"
    assert raw.answer(1) == -32005


def test_nobody_cancels_the_call_of_another_client(raw: Raw, served: tuple[str, Bank]) -> None:
    raw.send("bank.hold", [], id=1)
    assert served[1].begun.wait(20)
    raw.send("bank.write", ["mine"], id=2)
    with Raw(served[0]) as stranger:
        assert [stranger.cancel(number) for number in (1, 2)] == ["unknown", "unknown"]
    served[1].go_on.set()
    assert raw.answer(1) == "held"
    assert raw.answer(2) is None
    assert served[1].written == ["mine"]


@pytest.mark.parametrize(
    "params",
    [
        [],
        [1, 2],
        {},
        {"id": [1]},
        {"id": None},
        {"id": True},
        {"id": {"id": 1}},
        {"number": 1},
        {"id": 1, "more": 2},
        {"id": 1, "only_waiting": 1},
        {"only_waiting": True},
    ],
)
def test_malformed_params_are_named_to_who_asks_and_end_nothing(
    raw: Raw, served: tuple[str, Bank], params: Any
) -> None:
    raw.send("bank.set_mode", ["MODE1"], id=1)
    assert served[1].begun.wait(20)
    raw.send("rpc.cancel", params)
    raw.send("rpc.cancel", params, id=2)
    assert raw.answer(2) == -32602
    assert raw.cancel(1) == "aborting"
    assert raw.answer(1) == -32005


def test_a_hundred_thousand_cancels_delay_others_and_end_nothing(
    raw: Raw, served: tuple[str, Bank]
) -> None:
    raw.send("bank.hold", [], id=-1)
    assert served[1].begun.wait(20)
    for number in range(100_000):
        raw.send("rpc.cancel", {"id": number})
    assert raw.cancel(-1) == "running"
    with OriginalClient(served[0]) as other:
        assert other.ask("add", 2, 3) == 5
    served[1].go_on.set()
    assert raw.answer(-1) == "held"


def test_one_call_of_a_batch_is_cancelled_and_the_others_are_answered(
    raw: Raw, served: tuple[str, Bank]
) -> None:
    raw.send("bank.hold", [], id=1)
    assert served[1].begun.wait(20)
    calls = [{"jsonrpc": "2.0", "id": n, "method": "bank.write", "params": [n]} for n in (2, 3)]
    calls.append({"jsonrpc": "2.0", "id": 4, "method": "bank.add", "params": [2, 3]})
    raw._socket.send(json.dumps(calls).encode())
    assert raw.cancel(2) == "not begun"
    served[1].go_on.set()
    assert raw.answer(1) == "held"
    answers = {answer["id"]: answer for answer in raw.next()}
    assert answers[2]["error"]["code"] == -32006
    assert answers[3]["result"] is None
    assert answers[4]["result"] == 5
    assert served[1].written == [3]


def test_a_client_of_the_original_knows_no_cancel(served: tuple[str, Bank]) -> None:
    with OriginalClient(served[0], "rpc") as client:
        assert client.ask("cancel", 1) == {"EXCEPTION": ["KeyError", "'rpc'", []]}
    with OriginalClient(served[0]) as client:
        assert client.ask("add", 2, 3) == 5


@pytest.fixture
def proxy(served: tuple[str, Bank]) -> Iterator[Any]:
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", served[0], 20.0) as one:
        yield one


def test_a_future_that_is_cancelled_raises_and_its_call_is_not_begun(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    held = proxy.call_later("hold")
    assert served[1].begun.wait(20)
    dropped, kept = proxy.call_later("write", "dropped"), proxy.call_later("write", "kept")
    assert dropped.cancel()
    assert dropped.done()
    with pytest.raises(CallCancelledError, match=r"bank\.write: cancelled"):
        dropped.result()
    assert not dropped.cancel()
    assert proxy.add(2, 3) == 5
    served[1].go_on.set()
    assert held.result() == "held"
    assert not held.cancel()
    assert kept.result() is None
    assert served[1].written == ["kept"]


def test_an_operation_ends_when_its_future_is_cancelled(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    mode = proxy.call_later("set_mode", "MODE1")
    assert served[1].begun.wait(20)
    assert mode.cancel()
    assert (
        proxy.sleep(0) == "slept"
    )  # it waits in the same command queue, until the operation has ended
    assert isinstance(mode.exception(), CallCancelledError)


def test_a_thread_that_waits_hears_of_the_cancel_of_another(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    held = proxy.call_later("hold")
    errors: list[BaseException | None] = []
    waiting = threading.Thread(target=lambda: errors.append(held.exception()))
    waiting.start()
    assert served[1].begun.wait(20)
    assert held.cancel()
    waiting.join(20)
    assert [type(error) for error in errors] == [CallCancelledError]


def test_callbacks_run_in_whoever_takes_the_answer_and_may_make_calls(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    heard: list[Any] = []
    held, ended = proxy.call_later("hold"), threading.Event()

    def hear(future: Any) -> None:
        heard.append((future.result(), proxy.add(2, 3)))
        ended.set()

    held.add_done_callback(lambda future: 1 / 0)
    held.add_done_callback(hear)
    other = threading.Thread(target=proxy.sleep, args=(0.0,))
    assert served[1].begun.wait(20)
    other.start()  # waits behind `hold`, and takes its answer
    served[1].go_on.set()
    assert ended.wait(20)
    other.join(20)
    held.add_done_callback(lambda future: heard.append("at once"))
    assert heard == [("held", 5), "at once"]


def test_callbacks_of_a_cancelled_call_run_at_once(proxy: Any, served: tuple[str, Bank]) -> None:
    heard: list[Any] = []
    held = proxy.call_later("hold")
    held.add_done_callback(lambda future: heard.append(type(future.exception())))
    assert held.cancel()
    assert heard == [CallCancelledError]


def test_a_call_to_a_server_of_the_original_is_cancelled_here_alone() -> None:
    with OriginalPlayer(mode="MODE1") as player, zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", player.url, 20.0) as proxy:
            first = proxy.call_later("get_mode")
            assert first.cancel()
            with pytest.raises(CallCancelledError):
                first.result()
            assert proxy.call_later("get_mode").result() == "MODE1"
