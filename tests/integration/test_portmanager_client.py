"""The clients, blocking and asyncio, against our server and stand-ins for those of both other
kinds."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.player_run import poll
from support.port_manager import ServerProcess, StandIn, scripted_server
from support.threads import in_threads

from portmanager import (
    Allocation,
    AsyncPortManager,
    BadNameError,
    ConnectionLostError,
    NoAnswerError,
    NotOneServiceError,
    PortManager,
    PortManagerRefusedError,
    ReplyError,
)

ME = getpass.getuser()


class FromAsyncio:
    """The asyncio client behind blocking calls, so that both have the same tests."""

    def __init__(self, host: str, port: int, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        try:
            self._client = self._run(AsyncPortManager.connect(host, port, **options))
        except BaseException:
            self._end()
            raise

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return (
            (lambda *args, **kwargs: self._run(found(*args, **kwargs)))
            if callable(found)
            else found
        )

    def __enter__(self) -> FromAsyncio:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._client.close())
        self._end()


@pytest.fixture(params=[PortManager, FromAsyncio], ids=["blocking", "asyncio"])
def client(request: pytest.FixtureRequest) -> Callable[..., Any]:
    made: Callable[..., Any] = request.param
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path) as process:
        yield process


def test_a_port_is_lent_listed_found_and_released(
    client: Callable[..., Any], server: ServerProcess
) -> None:
    with client("localhost", server.port) as pm:
        port = pm.getPort("RG_REST")
        other = pm.get_port("two {words", user="rusty")
        both = [
            {"port": port, "service": "RG_REST", "user": ME},
            {"port": other, "service": "two {words", "user": "rusty"},
        ]
        assert sorted(pm.listPorts(), key=lambda row: row["service"]) == both
        assert pm.find(service="RG_REST", beginswith="RG", user=ME) == both[:1]
        assert pm.find() == pm.listPorts()
        assert [one["port"] for one in pm.find(beginswith="two")] == [other]
        assert (
            pm.find(service=None)
            == pm.find(beginswith=3)
            == pm.find(user=0)
            == pm.find(service="RG")
            == []
        )
        assert len(pm.find(beginswith="")) == 2
        assert pm.locate("RG_REST") == Allocation(port, "RG_REST", ME)
        assert pm.lent == (
            Allocation(port, "RG_REST", ME),
            Allocation(other, "two {words", "rusty"),
        )
        with pytest.raises(NotOneServiceError, match=r"service 'nobody' of user 'x' .* found none"):
            pm.locate("nobody", "x")
        with pytest.raises(RuntimeError) as caught:
            pm.find(name="RG_REST")
        assert str(caught.value) == "Invalid search key(s) supplied to PortManager.find"
        assert json.loads(pm.status())["pool"]["used"] == 2
    with client("127.0.0.1", server.port) as pm:
        poll(lambda: pm.listPorts() == [], "the ports are free again")


def test_text_that_is_no_name_is_never_sent(
    client: Callable[..., Any], server: ServerProcess
) -> None:
    with client("localhost", server.port) as pm:
        for name in ("", " ", "a\nGIMME b c", "a\0", "n" * 300):
            with pytest.raises(ValueError, match="service"):
                pm.getPort(name)
        with pytest.raises(BadNameError, match="user"):
            pm.get_port("a", user="")
        assert pm.listPorts() == []


def test_an_account_without_a_name_is_a_number(
    client: Callable[..., Any], server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getuser() -> str:
        raise KeyError(f"getpwuid(): uid not found: {os.getuid()}")  # as in a container

    monkeypatch.setattr(getpass, "getuser", getuser)
    with client("localhost", server.port) as pm:
        pm.getPort("foo")
        assert pm.locate("foo").user == str(os.getuid())


def test_an_empty_pool_is_a_runtime_error_and_costs_nothing(
    client: Callable[..., Any], tmp_path: Path
) -> None:
    with ServerProcess(tmp_path, size=2) as small, client("localhost", small.port) as pm:
        ports = [pm.getPort("a"), pm.getPort("a")]
        with pytest.raises(RuntimeError, match=r"^no free ports$") as caught:
            pm.getPort("b")
        assert caught.value.lost == ()  # type: ignore[attr-defined]
        assert sorted(one["port"] for one in pm.find(beginswith="a")) == sorted(ports)


def test_nobody_there_is_the_error_of_the_system(client: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        client("127.0.0.1", port)
    with pytest.raises(socket.gaierror):
        client("no-such-host.invalid", port)
    with pytest.raises(socket.gaierror, match="is no name of a computer"):
        client("n" * 70 + ".invalid", port)


def test_a_connection_that_meets_itself_is_nobody(
    client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        self.bind(
            address
        )  # as the system does by chance, if the port is one of those that it gives to clients
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match=f"nobody listens at 127.0.0.1 port {port}"):
        client("127.0.0.1", port)


@pytest.mark.parametrize("kind", ["tcl", "rust"])
@pytest.mark.parametrize("chop", [False, True], ids=["whole", "byte by byte"])
def test_servers_of_both_other_kinds_are_understood(
    client: Callable[..., Any], kind: str, chop: bool
) -> None:
    with StandIn(kind, chop=chop) as other, client("127.0.0.1", other.port, user="bob") as pm:
        assert pm.getPort("foo") == 31000
        assert pm.get_port("foo", user="alice") == 30999
        assert [one["port"] for one in pm.find(service="foo", user="bob")] == [31000]
        with client("127.0.0.1", other.port, user="eve") as second:
            assert len(second.listPorts()) == 2
            assert second.getPort("x") == 30998
            with pytest.raises(
                RuntimeError, match=r"^(no free ports|No free ports available)(\n|$)"
            ):
                second.getPort("y")
            assert [one.service for one in second.lost] == ([] if kind == "tcl" else ["x"])


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux has it")
def test_each_reply_is_acknowledged_at_once_or_the_original_would_wait_with_its_second_half(
    client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    setsockopt = socket.socket.setsockopt

    def noted(sock: socket.socket, level: int, option: int, value: int) -> None:
        if (level, option, value) == (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1):
            asked.append(sock.fileno())
        setsockopt(sock, level, option, value)

    with StandIn("tcl") as other, client("127.0.0.1", other.port, user="bob") as pm:
        monkeypatch.setattr(
            socket.socket, "setsockopt", noted
        )  # the system does not tell whether it is on
        for _ in range(5):
            before = len(asked)
            pm.listPorts()
            assert len(asked) > before


def test_quoting_reaches_the_original_and_spaces_are_refused_for_the_other(
    client: Callable[..., Any],
) -> None:
    with StandIn("tcl") as other, client("127.0.0.1", other.port, user="bob") as pm:
        assert pm.getPort("two words}") == 31000
        assert pm.find(service="two words}") == [
            {"port": 31000, "service": "two words}", "user": "bob"}
        ]
        assert pm.getPort("two words}") == 30999
        assert [one["service"] for one in pm.find(beginswith="two")] == [
            "two words}",
            "two words}_1",
        ]
    with StandIn("rust") as rust, client("127.0.0.1", rust.port, user="bob") as pm:
        with pytest.raises(PortManagerRefusedError, match="white space"):
            pm.getPort("two words")
        assert pm.getPort("a{b") == 31000
        assert pm.find(service="a{b", user="bob") == [
            {"port": 31000, "service": "a{b", "user": "bob"}
        ]
        assert rust.requests.count(b"GIMME a{b bob\n") == 1


def test_a_rust_server_that_has_not_yet_noticed_the_end_is_asked_again(
    client: Callable[..., Any],
) -> None:
    with StandIn("rust") as rust:
        with client("127.0.0.1", rust.port, user="bob") as first:
            first.getPort("foo")
        with client("127.0.0.1", rust.port, user="bob") as second:
            assert second.getPort("foo")


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ReplyError, "is no port manager"),
        (b"OK x\r\n", ReplyError, "is no port manager"),
        (b"OK 70000\r\n", ReplyError, "a port from 1 to 65535"),
        (b"OK 310", ConnectionLostError, "closed by the server"),
        (b"", ConnectionLostError, "closed by the server"),
        (b"FAIL\r\n", PortManagerRefusedError, "without saying why"),
        (
            b"FAIL {1.2.3.4 : Only local applications get ports}\r\n",
            PortManagerRefusedError,
            "^1.2.3.4 : Only local app",
        ),
    ],
)
def test_a_broken_or_refusing_server_is_named(
    client: Callable[..., Any], reply: bytes, error: type[Exception], text: str
) -> None:
    with (
        scripted_server(reply) as port,
        client("127.0.0.1", port) as pm,
        pytest.raises(error, match=text),
    ):
        pm.getPort("foo")


@pytest.mark.parametrize(
    "reply",
    [b"OK 1\r\n31000 a\r\n", b"OK 1\r\n{\r\n", b"OK 99999999\r\n", b"OK 2\r\n31000 a b\r\n"],
)
def test_a_broken_list_is_an_error_and_never_a_short_list(
    client: Callable[..., Any], reply: bytes
) -> None:
    with scripted_server(reply) as port, client("127.0.0.1", port) as pm:
        with pytest.raises((ReplyError, ConnectionLostError)):
            pm.listPorts()


def test_a_newline_in_somebody_elses_name_does_not_blind(client: Callable[..., Any]) -> None:
    with (
        StandIn("tcl", chop=True) as other,
        socket.create_connection(("127.0.0.1", other.port)) as evil,
    ):
        evil.sendall(b"GIMME a\\n31000\\ {b}\\n\\nc u\n")
        poll(lambda: other.lent, "it has its port")
        with client("127.0.0.1", other.port, user="bob") as pm:
            port = pm.getPort("foo")
            for _ in range(2):
                assert pm.list_ports() == [
                    Allocation(port, "foo", "bob"),
                    Allocation(31000, "a\n31000 {b}\n\nc", "u"),
                ]


def test_words_that_nobody_asked_for_cost_the_connection_and_that_is_said(
    client: Callable[..., Any],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, client(*listener.getsockname()) as pm:
        connection, _ = listener.accept()
        with connection:
            thread = threading.Thread(
                target=lambda: connection.recv(99) and connection.sendall(b"OK 31000\r\n")
            )
            thread.start()
            pm.getPort("foo")
            thread.join(60)
            connection.sendall(b"OK")
            connection.shutdown(socket.SHUT_WR)
            with pytest.raises(ConnectionLostError) as caught:
                pm.list_ports()
        assert [one.service for one in caught.value.lost] == ["foo"]


def test_a_silent_server_costs_the_time_out_and_the_connection(client: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with client("127.0.0.1", silent.getsockname()[1], timeout=0.2) as pm:
            with pytest.raises(
                NoAnswerError, match=r"within 0\.2 s while asking for a port for foo"
            ):
                pm.getPort("foo")


def test_a_lost_connection_is_said_at_once_and_the_ports_are_asked_for_again(
    client: Callable[..., Any],
) -> None:
    told: list[tuple[Allocation, ...]] = []
    was_told = threading.Event()

    def on_lost(lost: tuple[Allocation, ...]) -> None:
        told.append(lost)
        was_told.set()

    with (
        StandIn("tcl") as other,
        client("127.0.0.1", other.port, user="bob", on_lost=on_lost) as pm,
    ):
        pm.getPort("a")
        pm.getPort("two words")
        other.drop()
        assert was_told.wait(30)
        assert [[one.service for one in lost] for lost in told] == [["a", "two words"]]
        assert pm.lent == ()
        poll(lambda: not other.lent, "the server has released them")
        became = pm.reacquire()
        assert [(old.service, new.service) for old, new in became.items()] == [
            ("a", "a"),
            ("two words",) * 2,
        ]
        assert sorted(other.lent) == sorted(new.port for new in pm.lent)
        assert pm.lost == ()


def test_without_a_callback_the_next_call_says_what_was_lost(client: Callable[..., Any]) -> None:
    with StandIn("rust") as other, client("127.0.0.1", other.port, user="bob") as pm:
        pm.getPort("a")
        other.drop()
        poll(lambda: not other.lent, "the server has released it")
        with pytest.raises(ConnectionLostError, match="a of bob on port 31000") as caught:
            pm.getPort("b")
        assert [one.service for one in caught.value.lost] == ["a"]
        assert [one.service for one in pm.reacquire().values()] == [
            "a"
        ]  # without a wish: this server knows none
        assert [one["service"] for one in pm.find(user="bob")] == ["a"]


def test_a_service_that_outlives_the_port_manager_keeps_its_port(
    client: Callable[..., Any], tmp_path: Path
) -> None:
    first = ServerProcess(tmp_path)
    with first:
        pm = client("127.0.0.1", first.port)
        with pm:
            pm.getPort("other")
            port = pm.getPort("mine")
            with socket.create_server(("127.0.0.1", port)):  # the service goes on
                first.end()
                with ServerProcess(tmp_path, listen=first.port, pool=first.pool) as second:
                    newcomer = client("127.0.0.1", second.port, user="newcomer")
                    with newcomer:
                        assert newcomer.getPort("x") != port
                        became = {old.service: new.port for old, new in pm.reacquire().items()}
                        assert became["mine"] == port


def test_the_blocking_client_can_be_watched(server: ServerProcess) -> None:
    with StandIn("tcl") as other, PortManager("127.0.0.1", other.port) as pm:
        pm.getPort("a")
        pm.check()
        assert pm.fileno() >= 0
        assert not pm.wait_until_lost(0.01)
        other.drop()
        assert pm.wait_until_lost(30)
        with pytest.raises(ConnectionLostError, match="while looking at it"):
            pm.check()
        assert pm.fileno() == -1
    with pytest.raises(ConnectionLostError, match="this object was closed"):
        pm.listPorts()


def test_children_do_not_keep_the_port() -> None:
    with StandIn("tcl") as other:
        with PortManager("127.0.0.1", other.port) as pm:
            pm.getPort("a")
            with subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
            ) as child:
                os.close(os.dup(pm.fileno()))
                pm.close()
                poll(lambda: not other.lent, "the port is free though the child lives")
                child.communicate(b"\n")


def test_an_object_that_is_dropped_gives_its_ports_back(server: ServerProcess) -> None:
    pm = PortManager("127.0.0.1", server.port)
    pm.getPort("dropped")
    del pm
    with PortManager("127.0.0.1", server.port) as other:
        poll(lambda: other.find(service="dropped") == [], "the port is free again")


def test_threads_share_a_client(server: ServerProcess) -> None:
    with PortManager("127.0.0.1", server.port) as pm:
        got: list[int] = []

        def work(number: int) -> None:
            got.append(pm.get_port(f"t{number}"))
            assert pm.search(service=f"t{number}")

        in_threads(*(partial(work, number) for number in range(6)))
        assert len(set(got)) == 6


def test_closing_ends_a_call_that_waits() -> None:
    async def run(port: int) -> None:
        pm = await AsyncPortManager.connect("127.0.0.1", port)
        call = asyncio.create_task(pm.get_port("foo"))
        await asyncio.sleep(0)
        await pm.close()
        with pytest.raises(ConnectionLostError, match="this object was closed"):
            await call

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(run(silent.getsockname()[1]))


def test_tasks_share_a_client_and_a_cancelled_call_leaves_it_usable(server: ServerProcess) -> None:
    async def run() -> None:
        async with AsyncPortManager("127.0.0.1", server.port) as pm:
            ports = await asyncio.gather(*(pm.get_port(f"t{number}") for number in range(4)))
            assert len(set(ports)) == 4
            call = asyncio.ensure_future(pm.list_ports())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            began = time.monotonic()
            while await pm.list_ports():  # those of the connection that was given up
                assert time.monotonic() - began < 30
            assert len(pm.lost) == 4

    asyncio.run(run())
