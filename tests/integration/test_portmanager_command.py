"""The commands `portmanager` and `lsservices` as users type them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.player_run import poll
from support.port_manager import ServerProcess, StandIn

from portmanager import PortManager
from portmanager.cli import build_parser, lsservices, main


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path) as process:
        yield process


def test_services_are_shown_under_their_headings(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with PortManager("localhost", server.port, user="bob") as pm:
        ports = [pm.get_port("two words"), pm.get_port("a", user="alice")]
        assert main(["list", "--port", str(server.port)]) == 0
        assert capsys.readouterr().out == (
            "+---------+-----+-----+\n|Service  |Port |User |\n+---------+-----+-----+\n"
            f"|a        |{ports[1]}|alice|\n|two words|{ports[0]}|bob  |\n+---------+-----+-----+\n\n"
        )
        assert lsservices(["--port", str(server.port)]) == 0
        assert capsys.readouterr().out == (  # the original's columns, under headings that fit them
            "+-----+---------+-----+\n|Port |Service  |User |\n+-----+---------+-----+\n"
            f"|{ports[1]}|a        |alice|\n|{ports[0]}|two words|bob  |\n+-----+---------+-----+\n\n"
        )
        assert lsservices(["--port", str(server.port), "localhost", "[b-z]?b*", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == [
            {"port": ports[0], "service": "two words", "user": "bob"}
        ]
        assert main(["list", "--port", str(server.port), "--sort", "port", "--json"]) == 0
        assert [row["port"] for row in json.loads(capsys.readouterr().out)] == sorted(ports)


def test_a_service_is_found_or_the_status_says_no(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--port", str(server.port)]
    with PortManager("localhost", server.port, user="bob") as pm:
        port = pm.get_port("svc")
        assert main(["find", "svc", *where]) == 0
        assert main(["find", "sv", "--prefix", "--user", "bob", *where]) == 0
        assert capsys.readouterr().out == f"{port}\n{port}\n"
        assert main(["find", "svc", "--user", "eve", *where]) == 1
    assert capsys.readouterr() == ("", "portmanager: no service 'svc' of user 'eve' at localhost\n")


def test_check_blames_names_only_whose_rows_are_not_three_words(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with PortManager("localhost", server.port, user="bob") as pm:
        for name in ("a{b}c", "{", "back\\slash", 'say"hi"', "$x"):
            pm.get_port(name)
        assert main(["check", "--port", str(server.port)]) == 0
        assert "Rustogramer" not in capsys.readouterr().out
        pm.get_port("x", user="two words")
        assert main(["check", "--port", str(server.port)]) == 0
        assert "no service at all because of the name 'x'" in capsys.readouterr().out


def test_check_tells_the_state_and_what_is_odd(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with PortManager("localhost", server.port, user="somebody") as pm:
        port = pm.get_port("two words")
        assert main(["check", "--port", str(server.port)]) == 0
        shown = capsys.readouterr().out
        assert "1 of 8 ports are lent" in shown
        assert "because of the name 'two words'" in shown
        assert f"port {port}: two words says it is somebody's, and is run by" in shown
        assert main(["check", "--port", str(server.port), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["state"]["allocations"][0]["port"] == port


@pytest.mark.parametrize(("kind", "words"), [("tcl", "the original"), ("rust", "the Rust server")])
def test_check_knows_the_other_servers(
    kind: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with StandIn(kind) as other:
        assert main(["check", "--host", "127.0.0.1", "--port", str(other.port)]) == 0
    assert f": {words}, answered in" in capsys.readouterr().out


def test_nobody_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for program, run in (
        ("portmanager", lambda: main(["list", "--port", str(port)])),
        ("lsservices", lambda: lsservices(["--port", str(port)])),
    ):
        assert run() == 1
        assert capsys.readouterr().err == (
            f"{program}: cannot reach a port manager at localhost port {port}: Connection refused\n"
        )


def test_get_runs_a_program_with_the_port(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "portmanager.cli", "get", "svc", "--port", str(server.port)]
    program = [
        sys.executable,
        "-c",
        "import os, sys; print(os.environ['PORT'], sys.argv[1]); sys.exit(7)",
        "p{port}",
    ]
    done = subprocess.run(
        [*command, "--", *program], capture_output=True, text=True, check=False, timeout=600
    )
    assert (done.returncode, done.stdout) == (7, f"{server.high} p{server.high}\n")


def test_get_holds_the_port_until_it_is_ended_or_the_server_is(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "portmanager.cli", "get", "svc", "--port", str(server.port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == f"{server.high}\n"
        with PortManager("localhost", server.port) as pm:
            assert pm.find(service="svc")
            first.send_signal(signal.SIGTERM)
            assert first.wait(60) == 0
            poll(lambda: not pm.find(service="svc"), "the port is free")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as second:
        assert second.stdout is not None
        assert second.stdout.readline()
        server.end()
        assert "is gone while" in second.communicate(timeout=600)[1]
        assert second.returncode == 1


def test_a_program_stays_registered_when_the_port_manager_was_restarted(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as first:
        command = [sys.executable, "-m", "portmanager.cli", "get", "svc", "--port", str(first.port)]
        words = [*command, "--", sys.executable, "-c", "input()"]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            poll(lambda: "allocated to svc" in first.log.read_text(), "the program runs")
            first.end(signal.SIGKILL)
            with ServerProcess(tmp_path, listen=first.port, pool=first.pool) as second:
                with PortManager("localhost", second.port) as pm:
                    poll(lambda: pm.find(service="svc"), "it is registered again")
                    assert pm.find(service="svc")[0]["port"] == first.high
                said = run.communicate("\n", timeout=600)[1]
    assert (run.returncode, said.splitlines()) == (
        0,
        [
            "portmanager: the port manager is gone; the program runs on, and is registered again",
            "portmanager: svc is registered again",
        ],
    )


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--port", "99999"], "'99999' is no port; write a number from 1 to 65535"),
        (["--timeout", "-1"], "'-1' is no number of seconds above 0"),
        (["--timeout", "nan"], "'nan' is no number of seconds above 0"),
    ],
)
def test_wrong_values_are_refused_in_a_line(
    words: list[str], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["list", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(fault)


def test_the_options_of_the_original_are_taken() -> None:
    original = [
        "-ports",
        "31000-30001",
        "-listen",
        "30000",
        "-log",
        "/l",
        "-portfile",
        "/p",
        "-pidfile",
        "/i",
    ]
    options = build_parser().parse_args(original)
    assert (options.ports, options.listen, str(options.log)) == ((30001, 31000), 30000, "/l")
    assert vars(build_parser().parse_args(["serve", *original])) == vars(options) | {
        "command": "serve"
    }
    long = build_parser().parse_args([f"-{word}" if word[0] == "-" else word for word in original])
    assert vars(long) == vars(options)
