"""The caller: time-outs, servers that die, freeze and come back, threads, servers of the
original."""

from __future__ import annotations

import inspect
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import zmq
from support.original_server import OriginalPlayer
from support.player_run import free_port, poll
from support.rpc_bank import Bank, RpcServer, serving
from support.threads import in_threads

from zmqjsonproxy import (
    BadParametersError,
    CallTimeoutError,
    Hub,
    NoSuchInterfaceError,
    NoSuchMethodError,
    PeerLostError,
    ProxyError,
    RefusedError,
    RemoteError,
    ZMQJSONProxyClient,
    ZMQJSONProxyException,
)


def test_remote_methods_are_attributes_with_documentation_and_signature(proxy: Any) -> None:
    assert proxy.add(2, 3) == 5
    assert proxy.add(x=2, y=3) == 5
    assert proxy.add(2, y=3) == 5
    assert proxy.add.__doc__.startswith("Adds two values.")
    assert list(inspect.signature(proxy.add).parameters)[:2] == ["x", "y"]
    assert {"add", "set_mode", "stop"} <= set(dir(proxy))
    with pytest.raises(AttributeError, match="nothing"):
        _ = proxy.nothing


def test_errors_of_the_remote_side_say_everything(proxy: Any, served: tuple[str, Bank]) -> None:
    with pytest.raises(ZMQJSONProxyException) as caught:
        proxy.end("value error")
    assert isinstance(caught.value, RemoteError)
    assert caught.value.args[0][:2] == ["ValueError", "as asked"]
    assert "ValueError: as asked" in str(caught.value)
    assert any("rpc_bank" in entry for entry in caught.value.traceback)
    with pytest.raises(RefusedError, match="20 s is not within 0 to 10"):
        proxy.refuse()
    with pytest.raises((BadParametersError, TypeError)):
        proxy.add(1)
    with Hub() as hub:
        with pytest.raises(NoSuchMethodError):
            hub.call(served[0], "bank", "nothing", (), {}, 5.0)
        with pytest.raises(NoSuchInterfaceError):
            hub.call(served[0], "bar", "add", (), {}, 5.0)


def test_a_time_out_raises_and_leaves_the_proxy_usable_and_late_answers_are_dropped(
    proxy: Any, served: tuple[str, Bank]
) -> None:
    bank = served[1]
    with pytest.raises(CallTimeoutError, match=r"hold: no reply from tcp://.* within 0\.2 s"):
        proxy.hold(_timeout=0.2)
    assert proxy.add(1, 1) == 2
    bank.go_on.set()
    assert [proxy.add(n, 1) for n in range(50)] == list(range(1, 51))
    proxy.set_request_reply_timeout(timedelta(days=1, seconds=1))
    assert proxy.get_request_reply_timeout() == 86401
    proxy.set_request_reply_timeout(5)
    assert proxy.get_request_reply_timeout() == 5


@contextmanager
def server_and_proxy(timeout: float) -> Iterator[tuple[RpcServer, Any]]:
    with (
        RpcServer() as server,
        zmq.Context() as context,
        ZMQJSONProxyClient(context, "bank", server.url, timeout) as proxy,
    ):
        assert proxy.add(1, 1) == 2
        yield server, proxy


def test_a_dead_server_is_reported_within_a_second_and_found_again_with_its_new_methods() -> None:
    with server_and_proxy(60.0) as (first, proxy):
        assert "more" not in dir(proxy)
        outcome: list[Any] = []

        def call() -> None:
            begun = time.monotonic()
            try:
                proxy.sleep(30.0)
            except ProxyError as error:
                outcome.extend([error, time.monotonic() - killed[0], begun])

        thread = threading.Thread(target=call)
        thread.start()
        poll(lambda: proxy.add(1, 1) == 2, "the command is on its way")
        killed = [time.monotonic()]
        first.kill()
        thread.join(60)
        assert isinstance(outcome[0], PeerLostError)
        assert outcome[1] < 30
        begun = time.monotonic()
        with pytest.raises(PeerLostError, match="no server at"):
            proxy.add(1, 1)
        assert time.monotonic() - begun < 30
        with RpcServer(first.url, "more"):
            begun = time.monotonic()
            poll(lambda: _answers(proxy), "found again", 60.0)
            assert time.monotonic() - begun < 30
            assert proxy.more() == "more"
            assert "more" in dir(proxy)


def _answers(proxy: Any) -> bool:
    try:
        return bool(proxy.add(1, 1) == 2)
    except (ProxyError, AttributeError):
        return False


def test_a_server_may_start_after_its_clients_and_construction_does_not_wait() -> None:
    url = f"tcp://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", url, 60.0) as proxy:
        with pytest.raises(PeerLostError, match=r"bank\.add: no server at .*connection refused"):
            proxy.add(1, 1)
        assert time.monotonic() - begun < 30
        with RpcServer(url):
            poll(lambda: _answers(proxy), "found", 60.0)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_host_names_and_addresses(served: tuple[str, Bank], host: str) -> None:
    url = served[0].replace("127.0.0.1", host)
    with zmq.Context() as context, ZMQJSONProxyClient(context, "bank", url, 10.0) as proxy:
        assert [proxy.add(n, n) for n in range(5)] == [0, 2, 4, 6, 8]


def test_a_proxy_is_used_by_eight_threads_at_once(proxy: Any) -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        for n in range(100):
            try:
                if proxy.add(1000 * number, n) != 1000 * number + n:
                    wrong.append((number, n))
            except ProxyError as error:
                wrong.append(error)

    in_threads(*(partial(work, number) for number in range(8)))
    assert wrong == []


def test_threads_do_not_wait_for_one_anothers_calls(proxy: Any, served: tuple[str, Bank]) -> None:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(proxy.hold()))
    thread.start()
    assert served[1].begun.wait(10)
    assert [proxy.add(n, 1) for n in range(20)] == list(range(1, 21))
    assert answers == []
    served[1].go_on.set()
    thread.join(60)
    assert answers == ["held"]


def test_servers_of_the_original_are_spoken_to_in_their_dialect_and_live_on() -> None:
    with OriginalPlayer() as player, zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", player.url, 10.0) as proxy:
            assert proxy.list_modes()
            assert "set_mode" in dir(proxy)
            with pytest.raises(RemoteError):
                proxy.get_status("NO_SUCH_KEY")
            wrong: list[Any] = []

            def work() -> None:
                for _ in range(20):
                    try:
                        proxy.get_mode()
                    except ProxyError as error:
                        wrong.append(error)

            in_threads(*[work] * 4)
            assert wrong == []
        assert player.is_alive


def test_a_server_that_was_refused_a_hundred_times_is_found() -> None:
    url = f"tcp://127.0.0.1:{free_port()}"
    with Hub() as hub:
        for _ in range(100):
            with pytest.raises(PeerLostError):
                hub.call(url, "bank", "add", (1, 1), {}, 2.0)
        with RpcServer(url):
            assert poll(lambda: hub.call(url, "bank", "add", (1, 1), {}, 2.0), "found", 60.0) == 2


def test_a_closed_proxy_says_so() -> None:
    with serving() as (url, _), zmq.Context() as context:
        proxy: Any = ZMQJSONProxyClient(context, "bank", url, 10.0)
        assert proxy.add(1, 1) == 2
        add = proxy.add
        proxy.close()
        proxy.close()
        with pytest.raises(PeerLostError, match=r"bank\.add: no server at .*: the hub was closed"):
            add(1, 1)


def test_closing_ends_the_calls_of_all_threads(served: tuple[str, Bank]) -> None:
    url, bank = served
    hub, ended = Hub(), []

    def call() -> None:
        try:
            hub.call(url, "bank", "hold", (), {}, 30.0)
        except PeerLostError as error:
            ended.append(error.reason)

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert bank.begun.wait(10)
    hub.close()
    for thread in threads:
        thread.join(60)
    assert ended == ["the hub was closed"] * 5


def test_the_first_call_after_a_restart_in_quiet_times_works_already() -> None:
    with RpcServer() as first, Hub() as hub:
        assert hub.call(first.url, "bank", "add", (1, 1), {}, 10.0) == 2
        first.kill()
        with RpcServer(first.url):
            assert hub.call(first.url, "bank", "add", (1, 1), {}, 10.0) == 2


def test_a_method_that_is_gone_is_forgotten_and_attributes_of_a_program_stay() -> None:
    with RpcServer("tcp://127.0.0.1:*", "more") as first, zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", first.url, 10.0) as proxy:
            named: Any = proxy
            named.nickname = "the first"
            more = named.more
            assert more() == "more"
            first.kill()
            with RpcServer(first.url):
                with pytest.raises(
                    NoSuchMethodError, match="bank has no method more; it has: accept, add,"
                ):
                    more()
                with pytest.raises(AttributeError, match="has no method more"):
                    named.more()
                assert named.add(1, 1) == 2
                assert named.nickname == "the first"


def test_threads_that_meet_a_new_server_together_all_get_their_answers() -> None:
    with server_and_proxy(10.0) as (first, proxy):
        for _ in range(3):
            first.kill()
            with RpcServer(first.url) as first:
                together, wrong = threading.Barrier(8), []

                def call(together: threading.Barrier = together, wrong: list[Any] = wrong) -> None:
                    together.wait(10)
                    try:
                        wrong.extend(n for n in range(20) if proxy.add(n, 1) != n + 1)
                    except PeerLostError as error:  # it was sent to the one that is gone
                        if error.reason != "connection lost":
                            wrong.append(error)
                    except BaseException as error:
                        wrong.append(error)

                in_threads(*[call] * 8)
                assert wrong == []
                first.kill()


def test_time_outs_are_seconds_of_any_length(proxy: Any) -> None:
    proxy.set_request_reply_timeout(math.inf)
    assert proxy.sleep(0.05) == "slept"
    assert proxy.sleep(0.01, _timeout=10**9) == "slept"
    for wrong in (-1, math.nan, timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="a reply time-out is"):
            proxy.set_request_reply_timeout(wrong)
    proxy.set_request_reply_timeout(0)
    assert proxy.get_request_reply_timeout() == 60.0


def test_after_a_time_out_an_old_server_answers_the_next_call_and_not_the_last() -> None:
    with OriginalPlayer(slow=["help_param=0.6"], mode="MODE1") as player, zmq.Context() as context:
        with ZMQJSONProxyClient(context, "bank", player.url, 10.0) as proxy:
            assert proxy.get_mode() == "MODE1"
            with pytest.raises(CallTimeoutError):
                proxy.help_param(_timeout=0.1)
            assert (
                proxy.get_mode() == "MODE1"
            )  # at once: it waits for the old server, which is busy
            assert proxy.list_modes() == proxy.list_modes()
        assert player.is_alive


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A plain TCP server that hands each connection to `answer`, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(60)


def frame(body: bytes, flags: int = 0) -> bytes:
    return bytes([flags, len(body)]) + body


def test_an_old_server_whose_zeromq_knows_no_heartbeats_is_not_given_up_in_a_long_call() -> None:
    """libzmq 4.0 and 4.1 speak ZMTP 3.0; later ones send them heartbeats all the same, which they
    do not answer."""

    def rep(connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.sendall(
            b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        )
        received = b""
        while b"Socket-Type" not in received:
            received += connection.recv(4096)
        if b"ROUTER" in received:  # as a REP socket does
            return
        properties = b"\x0bSocket-Type\x00\x00\x00\x03REP\x08Identity\x00\x00\x00\x00"
        connection.sendall(frame(b"\x05READY" + properties, 4))
        answers = iter([b'[["set_mode", null]]', b'[true, "new mode MODE1 set!"]'])
        for awaited in (b"list_methods", b"set_mode"):
            while awaited not in received:
                received += connection.recv(4096)
            received = b""
            if awaited == b"set_mode":
                with suppress(TimeoutError):  # works for 1.5 s; says nothing
                    connection.settimeout(1.5)
                    while connection.recv(4096):
                        received += b"PING"
            connection.sendall(frame(b"", 1) + frame(next(answers)))
        connection.settimeout(10)
        connection.recv(4096)

    with listening(rep) as url, Hub() as hub:
        assert hub.call(url, "bank", "set_mode", ("MODE1",), {}, 10.0) == [
            True,
            "new mode MODE1 set!",
        ]


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n" * 10, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
def test_what_is_no_zeromq_is_reported_as_no_server(greeting: bytes) -> None:
    def stranger(connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.sendall(greeting)
        if not greeting:
            connection.recv(4096)
            connection.recv(4096)

    with listening(stranger) as url, Hub() as hub:
        begun = time.monotonic()
        with pytest.raises(PeerLostError, match="no server at"):
            hub.call(url, "bank", "add", (1, 1), {}, 30.0)
        assert time.monotonic() - begun < 30
