"""The command `difx` as users type it, against a stand-in of the original guiServer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.original_guiserver import HOLD, NORMAL_RUN, OriginalGuiServer
from support.player_run import DEADLINE, clean_environment, poll
from support.terminal import Terminal

from gateways.difx.client.cli import main

COMMAND = [sys.executable, "-m", "gateways.difx.client.cli"]
STATUS = (
    b"<difxMessage><header><from>head</from><identifier>job</identifier><type>DifxStatusMessage</type>"
    b"</header><body><seqNumber>1</seqNumber><difxStatus><state>Running</state><message>m</message>"
    b"<visibilityMJD>61000.25</visibilityMJD><jobstartMJD>61000.0</jobstartMJD>"
    b"<jobstopMJD>61001.0</jobstopMJD></difxStatus></body></difxMessage>"
)

Difx = Callable[..., int]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OriginalGuiServer]:
    (tmp_path / "base").mkdir()
    with OriginalGuiServer(tmp_path / "base") as one:
        yield one


@pytest.fixture
def difx(server: OriginalGuiServer, monkeypatch: pytest.MonkeyPatch) -> Difx:
    monkeypatch.setenv("DIFX_CONTROL_HOST", "127.0.0.1")
    monkeypatch.setenv("DIFX_CONTROL_PORT", str(server.port))
    monkeypatch.delenv("DIFX_VERSION", raising=False)
    return lambda *words: main([str(word) for word in words])


def environment_for(server: OriginalGuiServer) -> dict[str, str]:
    where = {"DIFX_CONTROL_HOST": "127.0.0.1", "DIFX_CONTROL_PORT": str(server.port)}
    return clean_environment(TERM="dumb", **where)


def test_files_are_listed_in_plain_columns(
    difx: Difx, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    (data / "b").mkdir(parents=True)
    (data / "a").write_bytes(bytes(1234))
    os.utime(data / "a", (0, 0))
    assert difx("ls", data) == 0
    assert capsys.readouterr().out == "a\nb/\n"
    assert difx("ls", "-l", data / "a", "--tcp") == 0
    assert capsys.readouterr().out.split() == [
        *("-rw-r--r--", "1234", "1970-01-01", "00:00:00", str(data / "a")),
    ]
    assert difx("ls", "--json", "-d", data) == 0
    assert json.loads(capsys.readouterr().out)[0]["is_folder"] is True
    assert difx("ls", data / "b") == 0  # it is empty, and there
    assert difx("ls", data / "none") == 1
    assert capsys.readouterr() == ("", f"difx: ls {data}/none: it is not there\n")


def test_files_are_fetched_and_stored(
    difx: Difx, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    for name in ("a1", "a2"):
        (there / name).write_text(name)
    assert difx("get", there / "a1", here / "mine") == 0
    assert capsys.readouterr().out == f"{here}/mine  2 bytes\n"
    assert difx("get", f"{there}/a*", here, "--json") == 0
    assert [one["size"] for one in json.loads(capsys.readouterr().out)] == [2, 2]
    assert sorted(os.listdir(here)) == ["a1", "a2", "mine"]
    assert difx("put", here / "mine", there) == 0
    assert difx("put", here / "mine", f"{there}/b") == 0
    assert sorted(os.listdir(there)) == ["a1", "a2", "b", "mine"]
    capsys.readouterr()
    assert difx("get", there / "none", here) == 1
    assert difx("get", f"{there}/z*", here) == 1
    assert difx("get", f"{there}/a*", here / "mine") == 1
    assert difx("put", here / "none", there) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["difx"] * 4


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (NORMAL_RUN, 0),
        ([*NORMAL_RUN[:7], (116, "late\n"), (117, ""), (120, "")], 3),
        ([*NORMAL_RUN[:7], (116, "dead\n"), (119, "")], 1),
        ([*NORMAL_RUN[:5], (105, ""), (100, "")], 1),
        ([*NORMAL_RUN[:5], (128, "")], 0),
    ],
)
def test_the_status_of_run_is_how_the_job_ended(
    difx: Difx,
    server: OriginalGuiServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    steps: list[tuple[int, str]],
    status: int,
) -> None:
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = steps
    assert (
        difx("run", tmp_path / "job.input", "--manager", "head", "--processors", "p1:3,p2")
        == status
    )
    assert capsys.readouterr().out.startswith("checking\n")
    assert difx("run", tmp_path / "job.input", "--json") == status
    *events, end = map(json.loads, capsys.readouterr().out.splitlines())
    assert events[0] == {"event": "JOB_STARTED", "text": ""}
    assert set(end["result"]) == {"end", "reason", "warnings", "errors"}
    documents = [data for number, data in server.received if number == 3]
    assert b'<process nodes="p1" threads="3"/>' in documents[0]
    label = (15, b"DIFX-DEVEL")  # the usual one, since it is offered
    assert label in server.received


def test_the_version_of_the_environment_is_asked_for(
    difx: Difx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIFX_VERSION", "DIFX-1.5")
    assert difx("run", tmp_path / "job.input") == 1
    assert "those are: DIFX-2.6, DIFX-DEVEL" in capsys.readouterr().err


def test_states_are_a_table(difx: Difx, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.input").touch()
    assert difx("status", tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [f"{tmp_path}/a.input", "-", "-"]
    assert difx("status", tmp_path / "*.input", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] is None
    assert difx("status", tmp_path / "none.input") == 1
    assert difx("stop", tmp_path / "a.input") == 0


def test_live_products_are_lines(
    difx: Difx, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.input"
    path.touch()
    assert difx("monitor", path, "--list") == 0
    assert [row.split() for row in capsys.readouterr().out.splitlines()[1:]] == [
        ["0", "EF-WB", "1642.25", "0", "4"],
        ["1", "EF", "1642.25", "0", "4"],
    ]
    assert difx("monitor", path, "--products", "1", "--count", "1", "--fft", "16") == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["SCAN", "TIME", "PRODUCT", "NAME"]
    assert line.split() == ["No0001", "43200", "1", "EF", "1642.25", "2.5", "3.0", "0.25", "17.50"]
    assert difx("monitor", path, "--count", "1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["amplitude"], told["lag"]["peak"]) == ([0.0, 1.0, 2.0, 3.0], 3)
    assert difx("monitor", path, "--products", "7") == 1
    assert difx("monitor", tmp_path / "none.input") == 1
    assert "input file not found" in capsys.readouterr().err


def test_relayed_messages_are_lines_until_interrupted(server: OriginalGuiServer) -> None:
    command = [*COMMAND, "relay", "--types", "status,alert"]
    with subprocess.Popen(
        command,
        env=environment_for(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        server.publish(STATUS)
        assert process.stdout.readline().startswith("DifxStatusMessage  head  job  state=Running")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=DEADLINE) == ("", "")
    assert process.returncode == 0
    assert (17, b"SELECTED_MESSAGES\nSTATUS_MESSAGES\nALERT_MESSAGES\n") in server.received


def test_a_run_on_a_terminal_shows_a_bar_and_leaves_the_job_at_ctrl_c(
    server: OriginalGuiServer, tmp_path: Path
) -> None:
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = [*NORMAL_RUN[:7], (114, "begun\n"), (HOLD, ""), *NORMAL_RUN[7:]]
    words = [*COMMAND, "run", str(tmp_path / "job.input")]
    with Terminal(*words, env=environment_for(server), columns=120) as terminal:
        terminal.wait_for("begun")
        server.publish(STATUS)
        terminal.wait_for(r"\[#{6}\.{18}\]  25%, Running  job")
        terminal.type("\x03")
        terminal.wait_for(r"interrupted; the job is left to the server: difx stop .*job\.input")
        assert terminal.wait() == 1
    assert not server.stopped[str(tmp_path / "job.input")].is_set()


def test_a_download_that_is_interrupted_leaves_nothing(
    server: OriginalGuiServer, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()  # its size is announced, and nothing comes
    (tmp_path / "old").write_text("old")
    command = [*COMMAND, "get", str(tmp_path / "folder"), str(tmp_path / "old"), "--timeout", "60"]
    with subprocess.Popen(
        command, env=environment_for(server), stderr=subprocess.PIPE, text=True
    ) as process:
        poll(lambda: any(b"from DiFX" in payload for _, payload in server.received), "its request")
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=DEADLINE)
    assert (process.returncode, told) == (1, "difx: interrupted\n")
    assert sorted(os.listdir(tmp_path)) == ["base", "folder", "old"]
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize(
    "words",
    [
        ["get"],
        ["run", "x", "--check", "--monitor"],
        ["run", "x", "--processors", "a:b"],
        ["run", "x", "--restart", "-1"],
        ["monitor", "x", "--products", "a"],
        ["relay", "--types", "nothing"],
        ["ls", "--port", "x"],
    ],
)
def test_words_that_mean_nothing_are_usage(difx: Difx, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        difx(*words)
    assert ended.value.code == 2


def test_a_port_of_the_environment_that_is_none_is_usage(
    difx: Difx, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIFX_CONTROL_PORT", "many")
    with pytest.raises(SystemExit) as ended:
        difx("ls")
    assert ended.value.code == 2
    assert "DIFX_CONTROL_PORT: 'many' is no port" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_one_line(
    difx: Difx, server: OriginalGuiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.close()
    assert difx("ls") == 1
    assert capsys.readouterr().err == (
        f"difx: connecting: connection to 127.0.0.1:{server.port}: Connection refused\n"
    )


def test_verbose_shows_what_the_server_says(
    difx: Difx, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.input").touch()
    assert difx("run", tmp_path / "job.input", "-v") == 0
    assert "difx: server: warning: running mpifxcorr\n" in capsys.readouterr().err
