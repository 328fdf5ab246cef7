"""The port manager's server as users start it: bytes, lifetimes, files, hostile clients."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import pwd
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.player_run import poll
from support.port_manager import ServerProcess, ask, connect, free_pool, line, take

from portmanager import PortManager
from tools import portmanager_cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols" / "portmanager.md"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path) as process:
        yield process


def is_empty(server: ServerProcess) -> bool:
    with connect(server.port) as sock:
        return line(sock, b"LIST\n") == b"OK 0\r\n"


@pytest.fixture(scope="module")
def cases() -> list[tuple[portmanager_cases.Case, bytes, bool]]:
    logging.disable()
    try:
        return portmanager_cases.rows()
    finally:
        logging.disable(logging.NOTSET)


def test_every_case_has_the_bytes_of_the_original_or_a_reason(
    cases: list[tuple[portmanager_cases.Case, bytes, bool]],
) -> None:
    for case, got, closed in cases:
        if case.why:
            assert (got, closed) != (case.original, case.closes), (
                f"{case.what}: no difference, so no reason"
            )
        else:
            assert (got, closed) == (case.original, case.closes), case.what


def test_the_page_of_the_protocol_has_the_table(
    cases: list[tuple[portmanager_cases.Case, bytes, bool]],
) -> None:
    assert portmanager_cases.table(cases) in PAGE.read_text(encoding="utf-8")


def test_requests_arrive_in_any_pieces(server: ServerProcess) -> None:
    with connect(server.port) as sock:
        for byte in b"GIMME {two words} b\xc3\xa9\r\nLIST\r":
            sock.send(bytes([byte]))
        port = server.high
        expected = f"OK {port}\r\nOK 1\r\n{port} {{two words}} b\u00e9\r\n".encode()
        assert take(sock, len(expected)) == expected


@pytest.mark.parametrize("end", ["close", "half", "reset", "bad request", "bad list"])
def test_ports_are_free_however_the_connection_ends(server: ServerProcess, end: str) -> None:
    sock = connect(server.port)
    with sock:
        for _ in range(3):
            assert line(sock, b"GIMME foo bob\n").startswith(b"OK ")
        match end:
            case "half":  # the C++ client
                sock.shutdown(socket.SHUT_WR)
                assert take(sock) == b""
            case "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
            case "bad request":
                assert ask(sock, b"nonsense\n", 99) == b"FAIL {Invalid request nonsense}\r\n"
            case "bad list":
                assert ask(sock, b"GIMME {x\n", 99).startswith(
                    b"FAIL Invalid\\ request\\ GIMME\\ \\{x"
                )
            case _:
                sock.close()
        poll(lambda: is_empty(server), "the ports are free")
    poll(
        lambda: server.log.read_text().count("was released by foo run by bob\n") == 3,
        "the log has all three",
    )


def test_the_plain_name_goes_to_the_oldest_that_lives(server: ServerProcess) -> None:
    clients = [connect(server.port) for _ in range(3)]
    try:
        ports = [int(line(sock, b"GIMME foo bob\n").split()[1]) for sock in clients]
        with PortManager("127.0.0.1", server.port, user="bob") as pm:
            names = {one["port"]: one["service"] for one in pm.listPorts()}
            assert [names[port] for port in ports] == ["foo", "foo_1", "foo_2"]
            clients[0].close()
            poll(lambda: len(pm.listPorts()) == 2, "the first has gone")
            names = {one["port"]: one["service"] for one in pm.listPorts()}
            assert [names[port] for port in ports[1:]] == ["foo", "foo_2"]
    finally:
        for sock in clients:
            sock.close()


def test_ports_in_use_are_not_lent(server: ServerProcess) -> None:
    with (
        socket.create_server(("127.0.0.1", server.high)),
        socket.socket() as bound,
        connect(server.port) as sock,
    ):
        bound.bind(("127.0.0.1", server.high - 1))  # bound, and not listening
        assert line(sock, b"GIMME foo bob\n") == b"OK %d\r\n" % (server.high - 2)


def test_the_own_port_is_not_lent(tmp_path: Path) -> None:
    low, _ = free_pool(2)
    with (
        ServerProcess(tmp_path, listen=low + 1, pool=f"{low + 1}-{low}") as server,
        connect(server.port) as sock,
    ):
        assert line(sock, b"GIMME a u\n") == b"OK %d\r\n" % low
        assert line(sock, b"GIMME a u\n") == b"FAIL {no free ports}\r\n"


def test_files_say_what_is_and_go_at_the_end(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        assert int(server.pid_file.read_text()) == server.process.pid
        with connect(server.port) as sock:
            ask(sock, b"GIMME {two words} bob\nGIMME a alice\n", 20)
            expected = f"{server.high - 1}\ta\talice\n{server.high}\ttwo words\tbob\n"
            poll(lambda: server.usage.read_text() == expected, "the usage file")
            server.end()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pm.log", "ports.txt.last"]
    log = server.log.read_text()
    assert f"Port {server.high} was allocated to two words run by bob" in log


def test_a_second_server_spoils_nothing_and_a_wrong_option_is_one_line(
    server: ServerProcess,
) -> None:
    command = server.command[: server.command.index("-log")]
    command[command.index("-listen") + 1] = str(server.port)
    before = [path.read_text() for path in (server.port_file, server.pid_file, server.usage)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {server.port}: Address already in use" in done.stderr
    assert [
        path.read_text() for path in (server.port_file, server.pid_file, server.usage)
    ] == before
    for option, value in (
        ("-listen", "12x"),
        ("-ports", "60000-70000"),
        ("-ports", "5"),
        ("--peers", "moon"),
    ):
        done = subprocess.run(
            [*command, option, value], capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 2
        assert value in done.stderr.splitlines()[-1]


def test_a_service_finds_its_old_port_after_a_crash_of_the_port_manager(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as first, connect(first.port) as sock:
        ask(sock, b"GIMME a u\nGIMME b u\n", 20)
        poll(lambda: "\tb\t" in first.usage.read_text(), "the usage file")
        first.end(signal.SIGKILL)
        with ServerProcess(tmp_path, pool=first.pool) as second, connect(second.port) as again:
            assert line(again, b"GIMME b u\n") == b"OK %d\r\n" % (first.high - 1)
            assert line(again, b"GIMME b u\n") == b"OK %d\r\n" % first.high


def test_loopback_is_served_in_ipv6_too(server: ServerProcess) -> None:
    if socket.has_ipv6:
        with socket.create_connection(("::1", server.port), 30) as sock:
            assert line(sock, b"GIMME foo bob\n") == b"OK %d\r\n" % server.high


# --- hostile clients


def test_an_endless_line_is_cut_off(server: ServerProcess) -> None:
    with connect(server.port) as sock:
        line(sock, b"GIMME foo bob\n")
        sock.sendall(b"x" * 200_000)
        assert take(sock) == b"FAIL {Request is longer than 65536 bytes}\r\n"
        poll(lambda: is_empty(server), "its port is free")


def test_nuls_and_rubbish_are_refused_and_harm_nobody(server: ServerProcess) -> None:
    with connect(server.port) as sock:
        assert (
            line(sock, b"GIMME a\0b u\n")
            == b"FAIL {service name has the control character U+0000}\r\n"
        )
        assert (
            line(sock, b"GIMME a\\nb u\n")
            == b"FAIL {service name has the control character U+000A}\r\n"
        )
        assert (
            line(sock, b"GIMME a u\\x1b\n")
            == b"FAIL {user name has the control character U+001B}\r\n"
        )
        assert line(sock, b"GIMME foo u\n").startswith(b"OK ")
        assert (
            line(sock, b"\0\xff\xfe\x1b[2J\n")
            == b"FAIL {Invalid request \0\xc3\xbf\xc3\xbe\x1b\x5b2J}\r\n"
        )
    poll(
        lambda: r"issued an illegal request: \x00\xff\xfe\x1b[2J" in server.log.read_text(),
        "the log has it",
    )
    assert "\x1b" not in server.log.read_text()
    assert "\0" not in server.log.read_text()


def test_a_slow_writer_holds_up_nobody(server: ServerProcess) -> None:
    with connect(server.port) as slow, connect(server.port) as other:
        for byte in b"GIMME slow u":
            slow.send(bytes([byte]))
            assert line(other, b"LIST\n") == b"OK 0\r\n"
        assert line(slow, b"\n") == b"OK %d\r\n" % server.high


def test_a_hundred_thousand_requests_in_one_write_are_answered_in_order(
    server: ServerProcess,
) -> None:
    with connect(server.port) as many, connect(server.port) as other:
        many.setblocking(False)
        requests = memoryview(b"GIMME a u\n" + b"LIST\n" * 99_998 + b"GIMME b u\n")
        first, last, listed = server.high, server.high - 1, b"OK 1\r\n%d a u\r\n" % server.high
        expected = b"OK %d\r\n" % first + listed * 99_998 + b"OK %d\r\n" % last
        got, asked_meanwhile = bytearray(), 0
        while len(got) < len(expected):
            readable, writable, _ = select.select([many], [many] if requests else [], [], 60)
            assert readable or writable
            if writable:
                requests = requests[many.send(requests) :]
            if readable:
                got += many.recv(1 << 20)
            if asked_meanwhile < 20:
                told, count = line(
                    other, b"LIST\n"
                ).split()  # at first perhaps before the other one's GIMME
                assert told == b"OK"
                take(other, int(count) * len(b"%d a u\r\n" % server.high))
                asked_meanwhile += 1
        assert bytes(got) == expected


def test_what_was_asked_before_a_half_close_is_answered(server: ServerProcess) -> None:
    with connect(server.port) as sock:
        sock.sendall(b"GIMME a u\n" + b"LIST\n" * 20_000)
        sock.shutdown(socket.SHUT_WR)
        assert take(sock).count(b"OK 1\r\n") == 20_000
    poll(lambda: is_empty(server), "the port is free")


def test_a_client_that_never_reads_costs_bounded_memory_and_frees_its_ports(
    server: ServerProcess,
) -> None:
    deaf = connect(server.port)
    with deaf:
        line(deaf, b"GIMME a u\n")
        deaf.setblocking(False)
        sent = 0
        while select.select([], [deaf], [], 0.5)[1]:
            sent += deaf.send(b"LIST\n" * 10_000)
        assert sent < 20_000_000  # the server stopped reading
        rss_kib = int(
            next(
                row
                for row in Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
                if row.startswith("VmRSS")
            ).split()[1]
        )
        assert rss_kib < 80_000
        with connect(server.port) as other:
            assert line(other, b"LIST\n") == b"OK 1\r\n"
    poll(lambda: is_empty(server), "its port is free")


def test_connections_that_are_reset_before_they_are_accepted_are_no_trouble(
    server: ServerProcess,
) -> None:
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(50):
        sock = connect(server.port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    server.process.send_signal(signal.SIGCONT)
    poll(lambda: is_empty(server), "it answers")
    assert "Traceback" not in server.log.read_text()


def test_half_open_connections_are_found_by_keepalive(server: ServerProcess) -> None:
    with connect(server.port) as sock:
        line(sock, b"LIST\n")
        shown = subprocess.run(
            [sys.executable, "-c", KEEPALIVES, str(server.port)],
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        )
        assert int(shown.stdout) >= 1


KEEPALIVES = """
import sys
port = f"{int(sys.argv[1]):04X}"
rows = [row.split() for row in open("/proc/net/tcp")][1:]
print(sum(row[1].endswith(":" + port) and row[3] == "01" and row[5].startswith("02") for row in rows))
"""  # timer 2 of an established connection: keepalive


def test_beyond_the_limit_new_connections_are_refused_and_old_ones_live(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--max-connections", "5") as server:
        held = [connect(server.port) for _ in range(5)]
        try:
            for sock in held:
                line(sock, b"LIST\n")
            with connect(server.port) as sixth:
                assert take(sixth) == b"FAIL {Too many connections}\r\n"
            assert line(held[0], b"GIMME a u\n") == b"OK %d\r\n" % server.high
            held.pop().close()

            def is_admitted() -> bool:
                with connect(server.port) as sock:
                    return line(sock, b"LIST\n") == b"OK 1\r\n"

            poll(is_admitted, "there is room again")
        finally:
            for sock in held:
                sock.close()


def test_a_crowd_at_the_limit_of_files_takes_no_port_from_those_inside(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160)); "
    wrapper = limit + "os.execv(sys.argv[1], sys.argv[1:])"
    server = ServerProcess(tmp_path)
    server.command = [sys.executable, "-c", wrapper, *server.command]
    with server, connect(server.port) as inside:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        crowd = [socket.socket() for _ in range(600)]
        try:
            for sock in crowd:
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", server.port))
            assert line(inside, b"GIMME a u\n") == b"OK %d\r\n" % server.high
        finally:
            for sock in crowd:
                sock.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        def is_admitted() -> bool:
            with connect(server.port) as sock:
                return line(sock, b"LIST\n").startswith(b"OK 1\r\n")

        poll(is_admitted, "there is room again")
    assert "out of system resource" not in server.log.read_text()


def test_two_thousand_connections_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    count = 2000

    async def run(server: ServerProcess) -> None:
        async def client() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", server.port)

        clients = await asyncio.gather(*(client() for _ in range(count)))
        for number, (_, writer) in enumerate(clients):
            writer.write(b"GIMME s%d u\n" % number)
        replies = await asyncio.gather(*(reader.readline() for reader, _ in clients))
        granted = {reply for reply in replies if reply.startswith(b"OK ")}
        assert len(granted) == 8
        assert sum(reply == b"FAIL {no free ports}\r\n" for reply in replies) == count - 8
        for _, writer in clients:
            writer.write(b"LIST\n")
        assert set(await asyncio.gather(*(reader.readline() for reader, _ in clients))) == {
            b"OK 8\r\n"
        }
        for _, writer in clients:
            writer.close()

    with ServerProcess(tmp_path) as server:
        try:
            asyncio.run(run(server))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        poll(lambda: is_empty(server), "all ports are free")


def test_listening_where_nobody_may_list_is_said_with_the_way_out(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "all", "--bind", "0.0.0.0") as server:
        poll(lambda: "name them, --peers" in server.log.read_text(), "the warning")
    with ServerProcess(tmp_path / "one") as server:
        with connect(server.port) as sock:
            assert line(sock, b"GIMME foo bob\n").startswith(b"OK ")
        assert "of 127.0.0.1" in server.log.read_text()
        assert "WARNING" not in server.log.read_text()
    with ServerProcess(tmp_path / "named", "--peers", "192.0.2.0/24=observe") as server:
        poll(lambda: "of 0.0.0.0" in server.log.read_text(), "all addresses")


def test_ports_of_a_connection_and_of_a_user_have_a_quota(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--per-connection", "2", "--per-user", "3") as server:
        with connect(server.port) as one, connect(server.port) as another:
            assert [line(one, b"GIMME foo bob\n")[:3] for _ in range(2)] == [b"OK ", b"OK "]
            assert (
                line(one, b"GIMME foo bob\n")
                == b"FAIL {Too many ports: 2 are lent to this connection}\r\n"
            )
            assert line(another, b"GIMME foo ann\n").startswith(
                b"OK "
            )  # the same user, whatever the name
            assert (
                line(another, b"GIMME foo ann\n")
                == b"FAIL {Too many ports: 3 are lent to this user}\r\n"
            )
            one.close()
            poll(
                lambda: line(another, b"GIMME foo ann\n").startswith(b"OK "),
                "the ports of the other to be free",
            )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_user_gets_no_port_in_the_name_of_another(tmp_path: Path) -> None:
    def asked(port: int, *names: str) -> list[bytes]:
        libc = ctypes.CDLL(None)
        libc.setfsuid(
            pwd.getpwnam("nobody").pw_uid
        )  # of this thread; the socket is nobody's then, for good
        try:
            sock = socket.socket()
        finally:
            libc.setfsuid(0)
        with sock:
            sock.settimeout(30)
            sock.connect(("127.0.0.1", port))
            return [line(sock, f"GIMME foo {name}\n".encode()) for name in names]

    with ServerProcess(tmp_path / "checked") as server:
        own, other = asked(server.port, "nobody", "root")
        assert own.startswith(b"OK ")
        assert other == b"FAIL {user name: the system says that you are nobody}\r\n"
        with connect(server.port) as sock:  # root may act for others
            assert line(sock, b"GIMME foo bob\n").startswith(b"OK ")
    with ServerProcess(tmp_path / "any", "--any-user") as server:
        assert asked(server.port, "root")[0].startswith(b"OK ")
