"""`dealer hosts` with two real supervisords and their Players."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.player_run import ROOT, clean_environment, poll
from support.supervised_array import SupervisedArray, supervised_array

import dealer


@pytest.fixture(scope="module")
def array() -> Iterator[SupervisedArray]:
    directory = Path(tempfile.mkdtemp(prefix="hosts-"))  # short: a socket's name has its limit
    try:
        with supervised_array(directory) as running:
            yield running
    finally:
        shutil.rmtree(directory)


def look(
    array: SupervisedArray, *names: str, config: Path | None = None
) -> tuple[int, dict[str, Any]]:
    """Exit status, and Bank -> row, with the report under an empty name."""
    done = array.hosts("status", "--json", *names, config=config)
    report = json.loads(done.stdout)
    return done.returncode, {"": report, **{row["bank"]: row for row in report["programs"]}}


def all_ready(array: SupervisedArray) -> bool:
    return look(array)[0] == 0


def test_one_table_shows_both_hosts_and_that_their_players_answer(array: SupervisedArray) -> None:
    poll(lambda: all_ready(array), "all are ready")  # on a busy machine one may answer late
    status, rows = look(array)
    assert status == 0
    assert [(row["host"], row["bank"], row["ready"]) for row in rows[""]["programs"]] == [
        ("hpc1", "BANKA", True),
        ("hpc1", "BANKB", True),
        ("hpc2", "BANKC", True),
    ]
    with dealer.Dealer(config=array.config) as d:
        pids = {bank: o.value["pid"] for bank, o in d.outcomes("rpc.ping", _banks=list(d)).items()}
    assert {bank: rows[bank]["pid"] for bank in pids} == pids

    shown = array.hosts("status", "hpc1")
    assert (shown.returncode, shown.stderr) == (0, "")
    head, *lines = shown.stdout.splitlines()
    assert head.split() == [
        "host",
        "program",
        "Bank",
        "supervisor",
        "ready",
        "pid",
        "up",
        "crashes",
        "condition",
    ]
    assert [line.split()[:3] for line in lines] == [
        ["hpc1", "player-BANKA", "BANKA"],
        ["hpc1", "player-BANKB", "BANKB"],
    ]
    assert array.hosts().stdout.splitlines()[0].split() == head.split()


def test_one_that_was_stopped_is_told_from_one_that_is_frozen(array: SupervisedArray) -> None:
    stopped = array.hosts("stop", "BANKC")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert stopped.stdout.startswith("BANKC: stopped: exit status 0 (")
    status, rows = look(array, "BANKC")
    assert (status, rows["BANKC"]["state"], rows["BANKC"]["condition"]) == (0, "STOPPED", "stopped")
    assert array.hosts("start", "BANKC").returncode == 0

    status, rows = look(array, "BANKC")
    pid = rows["BANKC"]["pid"]
    assert (status, rows["BANKC"]["condition"]) == (0, "ready")
    os.kill(pid, signal.SIGSTOP)
    try:
        status, rows = look(array, "BANKC")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (status, rows["BANKC"]["ready"], rows["BANKC"]["pid"]) == (1, False, pid)
    assert rows["BANKC"]["condition"] in ("starting", "not ready")
    poll(lambda: all_ready(array), "all are ready again")


def test_a_restart_goes_one_by_one_and_ends_at_the_first_that_stays_away(
    array: SupervisedArray,
) -> None:
    _, before = look(array)
    done = array.hosts("restart", "BANKA", "hpc2", "--json")
    assert (done.returncode, [each["outcome"] for each in json.loads(done.stdout).values()]) == (
        0,
        ["ready", "ready"],
    )
    _, after = look(array)
    changed = {
        bank for bank in ("BANKA", "BANKB", "BANKC") if after[bank]["pid"] != before[bank]["pid"]
    }
    assert changed == {"BANKA", "BANKC"}
    log = (array.directory / "hpc2" / "player-BANKC.log").read_text().splitlines()
    told_to_end = next(line for line in reversed(log) if "SIGTERM" in line).split()[0]
    back_at = psutil.Process(after["BANKA"]["pid"]).create_time()
    assert back_at < datetime.fromisoformat(told_to_end).timestamp()  # BANKC was left in peace

    array.broken("BANKB").touch()
    try:
        failed = array.hosts("restart", "BANKB", "BANKC", "--timeout", "5")
        status, rows = look(array)
    finally:
        array.broken("BANKB").unlink()
    assert failed.returncode == 1
    first, second = failed.stdout.splitlines()
    assert first.startswith("BANKB: failed: hpc1: ")
    assert "dealer hosts log BANKB" in first
    assert second == "BANKC: left alone: the one before it did not come back"
    assert (status, rows["BANKC"]["pid"], rows["BANKC"]["condition"]) == (
        1,
        after["BANKC"]["pid"],
        "ready",
    )
    assert rows["BANKB"]["condition"] in ("crash loop", "starting")
    assert array.hosts("start", "BANKB").returncode == 0
    poll(lambda: look(array, "BANKB")[1]["BANKB"]["ready"], "BANKB is ready again")
    assert array.hosts("restart", "BANKB").returncode == 0  # what was before counts no more
    assert look(array, "BANKB")[1]["BANKB"]["crashes"] == 0


def test_a_crash_loop_is_named_though_the_player_runs_at_the_moment(array: SupervisedArray) -> None:
    """supervisord starts one again at once only if it has run for a while: so it is told to
    here."""
    for crashes in range(1, 4):
        _, rows = look(array, "BANKA")
        os.kill(rows["BANKA"]["pid"], signal.SIGKILL)

        def counted(crashes: int = crashes) -> bool:
            row = look(array, "BANKA")[1]["BANKA"]
            return bool(row["crashes"] >= crashes and row["ready"])

        poll(counted, f"BANKA is back after {crashes}")
    status, rows = look(array, "BANKA")
    told = rows["BANKA"]
    assert (status, told["condition"], told["note"]) == (
        1,
        "crash loop",
        "ended 3 times in 10 minutes",
    )
    assert array.hosts("restart", "BANKA").returncode == 0
    assert look(array, "BANKA")[0] == 0


def test_supervisords_that_cannot_be_asked_are_named_and_the_others_shown(
    array: SupervisedArray, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lines = (
            f'supervisor = "http://127.0.0.1:{silent.getsockname()[1]}"\nuser = "u"\npassword = "p"'
        )
        config = array.write(array.directory / "silent.toml", hpc1=lines)
        done = array.hosts("status", "--timeout", "2", config=config)
    assert done.returncode == 1
    assert "BANKC" in done.stdout
    assert "no answer: hpc1: " in done.stdout
    assert "unknown: its Player answers" in done.stdout

    lines = f'supervisor = "http://127.0.0.1:{array.ports["hpc1"]}"\nuser = "dealer"\npassword = "wrong"'
    status, rows = look(array, config=array.write(array.directory / "wrong.toml", hpc1=lines))
    assert (status, list(rows[""]["unreachable"])) == (1, ["hpc1"])
    assert "user or password are wrong" in rows[""]["unreachable"]["hpc1"]
    assert (rows["BANKC"]["condition"], rows["BANKA"]["ready"]) == ("ready", True)
    refused = array.hosts("stop", "BANKA", config=array.directory / "wrong.toml")
    assert (refused.returncode, "user or password are wrong" in refused.stdout) == (1, True)
    assert look(array, "BANKA")[0] == 0


def test_names_that_are_none_are_usage_errors_and_nothing_is_done(array: SupervisedArray) -> None:
    done = array.hosts("stop", "BANKA", "hcp2", "BANKX")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hcp2 is neither Bank nor host; did you mean hpc2?" in done.stderr
    assert "BANKX is neither Bank nor host" in done.stderr
    assert look(array, "BANKA")[0] == 0


def test_a_scan_is_not_ended_by_a_stop_or_restart_that_does_not_insist(
    array: SupervisedArray,
) -> None:
    _, before = look(array, "hpc1")
    scanning = array.directory / "scanning-BANKA"
    scanning.touch()
    try:
        for order in ("stop", "restart"):
            done = array.hosts(order, "hpc1")
            assert (done.returncode, done.stdout) == (1, "")
            assert f"{order}: BANKA: a scan runs; nothing was done" in done.stderr
        untouched = look(array, "hpc1")[1]
        forced = array.hosts("restart", "--force", "BANKA")
    finally:
        scanning.unlink()
    assert {bank: untouched[bank]["pid"] for bank in ("BANKA", "BANKB")} == {
        bank: before[bank]["pid"] for bank in ("BANKA", "BANKB")
    }
    assert forced.returncode == 0


def test_logs_are_read_and_followed_through_restarts(array: SupervisedArray) -> None:
    last = array.hosts("log", "BANKC", "-n", "1")
    assert (last.returncode, last.stderr, len(last.stdout.splitlines())) == (0, "", 1)
    assert (
        array.hosts("log", "BANKC", "--stderr").stdout == ""
    )  # nothing of its own: both go to one file
    both = array.hosts("log", "BANKB", "BANKC", "-n", "1").stdout.splitlines()
    assert [line.split(":")[0] for line in both] == ["BANKB", "BANKC"]
    following = subprocess.Popen(
        array.command("log", "-f", "-n", "1", "BANKC"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert following.stdout is not None
        assert following.stdout.readline() == last.stdout
        assert array.hosts("restart", "BANKC").returncode == 0
        assert "ending BANKC: SIGTERM" in following.stdout.readline()
        assert "ready: BANKC" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        rest, trouble = following.communicate(timeout=20)
        assert (following.returncode, trouble, rest.count("ending")) == (0, "", 0)
    finally:
        following.kill()
        following.communicate()


def test_an_operation_whose_player_is_killed_is_lost_when_supervisord_has_started_it_again(
    array: SupervisedArray,
) -> None:
    with dealer.Dealer(config=array.config) as d:
        operations = d.begin("sweep", 60.0, _banks=["BANKB", "BANKC"])
        poll(lambda: operations.fraction == 0.5, "both sweep")
        _, rows = look(array)
        os.kill(rows["BANKB"]["pid"], signal.SIGKILL)
        assert operations["BANKB"].wait(60.0)
        with pytest.raises(dealer.OperationLostError):
            operations["BANKB"].result()
        assert operations.states == {"BANKB": "lost", "BANKC": "running"}
        operations["BANKC"].abort("enough")
        with pytest.raises(dealer.PlayersError, match=r"2 of 2 Banks failed"):
            operations.result(60.0)
    poll(lambda: look(array, "BANKB")[1]["BANKB"]["ready"], "BANKB is back")
    assert array.hosts("restart", "BANKB").returncode == 0


def test_a_byte_that_is_no_text_hides_neither_a_log_nor_a_crash_loop(
    array: SupervisedArray,
) -> None:
    """The programs' own log, and supervisord's; control characters and what XML has no place for
    likewise."""
    home = array.directory / "hpc1"
    odd = "grün \x1b[1m \uffff ".encode() + b"\xfc\n"
    with (home / "player-BANKB.log").open("ab") as log:
        log.write(odd + b"the last line\n")
    shown = array.hosts("log", "BANKB", "-n", "2")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == "grün ?[1m ? \ufffd\nthe last line\n"
    *_, first, second = (
        json.loads(line) for line in array.hosts("log", "BANKB", "--json").stdout.splitlines()
    )
    assert (first["line"], second["line"]) == ("grün ?[1m ? \ufffd", "the last line")
    (main_log,) = home.glob("*supervisord*.log")
    with main_log.open("ab") as log:
        log.write(odd)
    _, rows = look(array)
    assert isinstance(rows["BANKA"]["crashes"], int)
    with main_log.open("ab") as log:  # its last part begins within a character
        log.write("ü".encode() * 40_000 + b"\n")
    _, rows = look(array)
    assert isinstance(rows["BANKA"]["crashes"], int)
