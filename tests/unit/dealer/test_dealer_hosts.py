"""Supervisords of an array, and the meaning of their answers."""

from __future__ import annotations

import contextlib
import itertools
import math
import select
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from arrayconfig.hosts import SupervisorAddress
from dealer.errors import ConfigurationError
from dealer.hosts import Installation, read_installation
from dealer.supervision import OrderOutcome, Supervision
from dealer.supervisord import ProcessInfo, Supervisord, SupervisorError, abnormal_ends, loop_age
from zmqjsonproxy import ThreadHub

BANKS = """
[banks.BANKA]
hpc_host = "hpc1"
player_port = 6001
[banks.BANKB]
hpc_host = "hpc1"
player_port = 6002
[banks.BANKC]
hpc_host = "hpc2"
"""
ONE = '[hosts.hpc1]\nsupervisor = "http://hpc1:9001"\nuser = "u"\npassword = "p"\n'


def read(tmp_path: Path, text: str) -> Installation:
    path = tmp_path / "dibas.toml"
    path.write_text(text + BANKS)
    return read_installation(path)


def test_credentials_are_read_from_a_variable_or_a_file_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "from the environment")
    (tmp_path / "word").touch(mode=0o600)
    (tmp_path / "word").write_text("from the file\n")
    text = ONE.replace('"p"', '"${WORD}"') + (
        '[hosts.hpc2]\nsupervisor = "unix:///run/s.sock"\nuser = "u"\npassword_file = "word"\n'
    )
    found = read(tmp_path, text).supervisors
    assert [address.password for address in found.values()] == [
        "from the environment",
        "from the file",
    ]
    assert "from the" not in repr(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no [hosts.X] is there"),
        (
            ONE.replace("http://hpc1:9001", "hpc1:9001"),
            "'hpc1:9001' is no address of a supervisord; expected \"http://HOST:PORT\"",
        ),
        (ONE.replace("hpc1:9001", "hpc1"), "hosts.hpc1.supervisor: 'http://hpc1' is no address"),
        (ONE.replace("hpc1:9001", "u:p@hpc1:9001"), "user and password have keys of their own"),
        (ONE.replace('password = "p"', ""), "password is missing"),
        (
            ONE.replace('user = "u"\npassword = "p"', ""),
            "over the network supervisord wants user and password",
        ),
        (ONE.replace('"p"', "7"), "hosts.hpc1.password: text is expected"),
        (ONE.replace('"p"', '"${NOT_SET_ANYWHERE}"'), "NOT_SET_ANYWHERE"),
        (ONE + "passwd = 1\n", "hosts.hpc1.passwd: unknown key"),
        (ONE.replace('password = "p"', 'password_file = "open"'), "others may read"),
        (ONE.replace('password = "p"', 'password_file = "none"'), "cannot be read: No such file"),
        (ONE + 'password_file = "open"\n', "password and password_file: one of them"),
        ("[hosts.hpc1]\n", "hosts.hpc1.supervisor: missing"),
    ],
)
def test_each_fault_is_named_with_its_key(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "open").write_text("word")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, text)
    assert fault in str(raised.value)


def test_banks_are_chosen_by_their_names_or_by_their_host_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    installation = read(tmp_path, ONE + ONE.replace("hpc1", "hpc2"))
    chosen = [
        [bank.name for bank in installation.choose(names)]
        for names in ([], ["hpc1"], ["BANKC", "BANKA"])
    ]
    assert chosen == [["BANKA", "BANKB", "BANKC"], ["BANKA", "BANKB"], ["BANKA", "BANKC"]]
    with pytest.raises(ConfigurationError, match=r"\[hosts\.hpc2\] is missing"):
        read(tmp_path, ONE).choose(["BANKC"])
    assert [bank.name for bank in read(tmp_path, ONE).choose([])] == ["BANKA", "BANKB"]


def info(pid: int, up_s: float) -> ProcessInfo:
    return ProcessInfo("g", "player-BANKA", "RUNNING", pid, up_s, 0, "")


LOG = """\
2026-11-21 09:00:00,100 INFO spawned: 'player-BANKA' with pid 7
2026-11-21 09:10:00,100 WARN exited: player-BANKA (terminated by SIGKILL; not expected)
2026-11-21 09:10:01,100 INFO spawned: 'player-BANKA' with pid 8
2026-11-21 09:10:01,200 WARN exited: player-BANKB (terminated by SIGKILL; not expected)
2026-11-21 09:10:02,100 WARN exited: player-BANKA (exit status 1; not expected)
2026-11-21 09:10:03,100 INFO spawned: 'player-BANKA' with pid 9
not a line of it
""".splitlines()


@pytest.mark.parametrize(
    ("lines", "up_s", "expected"),
    [
        (LOG, 5.0, (2, 2)),
        (LOG, 599.0, (2, 1)),
        (LOG, 3600.0, (2, 0)),
        (LOG[:1], 3600.0, (0, 0)),
        (
            [
                *LOG[:5],
                "2026-11-21 09:10:02,500 INFO stopped: player-BANKA (exit status 0)",
                LOG[5],
            ],
            5.0,
            (0, 0),
        ),
        ([], 5.0, (0, 0)),
    ],
)
def test_ends_that_nobody_asked_for_are_counted_since_it_was_last_stopped(
    lines: list[str], up_s: float, expected: tuple[int, int]
) -> None:
    assert abnormal_ends(lines, info(9, up_s), 600.0) == expected


@pytest.mark.parametrize(
    "text", [ONE.replace('"p"', "4711"), ONE.replace("hpc1:9001", "u:4711@hpc1:none")]
)
def test_no_fault_shows_a_password(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, text)
    assert "4711" not in str(raised.value)


PROGRAM = {
    "group": "g",
    "name": "player-A",
    "statename": "RUNNING",
    "pid": 5,
    "now": 9,
    "start": 1,
    "exitstatus": 0,
}


def answering(pieces: Iterable[bytes], pause_s: float = 0.0) -> tuple[str, socket.socket]:
    """Answer one question with what is given; the URL, and the socket to close."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            client, _ = server.accept()
            with client:
                client.recv(2**16)
                for piece in pieces:
                    client.sendall(piece)
                    if select.select([client], [], [], pause_s)[0] and not client.recv(2**16):
                        return  # it has gone

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}", server


@pytest.mark.parametrize(
    "body",
    [
        xmlrpc.client.dumps((5,), methodresponse=True),
        xmlrpc.client.dumps(([{**PROGRAM, "spawnerr": "", "now": math.inf}],), methodresponse=True),
        xmlrpc.client.dumps(([7],), methodresponse=True),
        "<?xml version='1.0' encoding='none'?><methodResponse/>",
        "<methodResponse><fault><value><int>4</int></value></fault></methodResponse>",
        "<methodResponse><params><param><value><struct><member><value><array><data/></array></value>"
        "<value><int>1</int></value></member></struct></value></param></params></methodResponse>",
        "no XML",
    ],
)
def test_whatever_a_supervisord_answers_it_is_an_error_of_its_host(body: str) -> None:
    url, server = answering(
        [f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()]
    )
    with server, pytest.raises(SupervisorError, match=r"^h: "):
        Supervisord(SupervisorAddress("h", url), time.monotonic() + 20).processes()


def test_an_answer_that_comes_in_drops_is_not_waited_for() -> None:
    drops = itertools.chain(
        [b"HTTP/1.0 200 OK\r\nX: "], itertools.repeat(b"x")
    )  # has no end of its own
    url, server = answering(drops, pause_s=0.05)
    with server, pytest.raises(SupervisorError, match="no answer in time"):
        Supervisord(SupervisorAddress("h", url), time.monotonic() + 0.5).processes()


def test_a_reason_of_several_lines_stays_in_its_row() -> None:
    assert ProcessInfo.of({**PROGRAM, "spawnerr": "one\ntwo"}).why == "one two"


def test_a_supervisord_that_falls_silent_leaves_the_last_state_in_the_text(tmp_path: Path) -> None:
    asked, ended = itertools.count(), threading.Event()
    told = {"group": "p", "name": "player-BANKA", "statename": "STARTING", "pid": 0, "start": 0}

    def all_processes() -> list[dict[str, object]]:
        if next(asked) > 1:
            ended.wait()
        return [{**told, "now": 0, "exitstatus": 0, "spawnerr": ""}]

    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True) as server:
        server.register_function(all_processes, "supervisor.getAllProcessInfo")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        where = f"http://127.0.0.1:{server.server_address[1]}"
        installation = read(tmp_path, ONE.replace("http://hpc1:9001", where))
        outcomes: list[OrderOutcome] = []
        with ThreadHub() as hub:
            banks = installation.choose(["BANKA"])
            assert not Supervision(installation, hub, 2.0).order("start", banks, 1, outcomes.append)
        ended.set()
        server.shutdown()
        thread.join()
    assert "no answer in time" in outcomes[0].text
    assert outcomes[0].text.endswith(
        "before that: STARTING, nobody answers: no connection within 0.8 s; see: dealer hosts log BANKA"
    )


@pytest.mark.parametrize(
    ("lines", "pid", "apart_s", "expected"),
    [
        (LOG, 9, 600.0, 3.0),  # to the start of the process that runs
        (LOG, 0, 600.0, 2.0),  # to its last end
        (LOG, 0, 1.0, 0.0),  # the end before it was too long ago
        (LOG[:2], 0, 600.0, 0.0),
        ([], 9, 600.0, 0.0),
    ],
)
def test_a_crash_loop_began_with_the_first_of_its_ends(
    lines: list[str], pid: int, apart_s: float, expected: float
) -> None:
    assert loop_age(lines, info(pid, 5.0), apart_s) == expected
