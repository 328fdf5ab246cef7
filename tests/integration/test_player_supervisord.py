"""A real supervisord with the file that `player supervisor-config --complete` prints."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.player_run import (
    DEADLINE,
    bank_of,
    clean_environment,
    free_port,
    is_gone,
    player,
    poll,
)
from support.supervised_array import start_supervisord
from support.toy_bank import write_configuration

from zmqjsonproxy.errors import ProxyError

BANKS = ("BANKA", "BANKB")
CTL = [sys.executable, "-m", "supervisor.supervisorctl"]


@pytest.fixture
def urls(tmp_path: Path) -> dict[str, str]:
    return {bank: f"tcp://127.0.0.1:{free_port()}" for bank in BANKS}


@pytest.fixture
def conf(tmp_path: Path, urls: dict[str, str]) -> Path:
    """The file of two Players, in a directory whose name needs quoting."""
    directory = tmp_path / "run 100%"
    directory.mkdir()
    banks = {bank: {"player_port": int(url.rpartition(":")[2])} for bank, url in urls.items()}
    config = write_configuration(directory / "dibas.toml", banks)
    environment = clean_environment(DIBAS_DATA=str(directory / 'a, "b" c'))
    done = player(
        "supervisor-config",
        "--config",
        config,
        "--simulate",
        "--complete",
        directory,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    path = directory / "supervisord.conf"
    path.write_text(done.stdout)
    return path


@contextlib.contextmanager
def supervisord(conf: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start_supervisord(conf)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(DEADLINE)


def facts(url: str) -> dict[str, object] | None:
    """Facts that a Player tells of itself; None while it does not answer."""
    with bank_of(url) as bank:
        try:
            return dict(bank.surroundings(_timeout=1.0))
        except (ProxyError, AttributeError):
            return None


def test_supervisord_starts_players_restarts_one_that_was_killed_and_stops_them_cleanly(
    conf: Path, urls: dict[str, str]
) -> None:
    with supervisord(conf) as process:
        first = {
            bank: poll(lambda url=url: facts(url), f"{bank} answers") for bank, url in urls.items()
        }
        assert all(
            told["simulate"] and told["data_root"].endswith('a, "b" c') for told in first.values()
        )
        pids = {bank: int(told["pid"]) for bank, told in first.items()}

        os.kill(pids["BANKA"], signal.SIGKILL)

        def back() -> int | None:
            told = facts(urls["BANKA"])
            return (
                int(str(told["pid"])) if told is not None and told["pid"] != pids["BANKA"] else None
            )

        pids["BANKA"] = poll(back, "BANKA answers again")
        untouched = facts(urls["BANKB"])
        assert untouched is not None
        assert untouched["pid"] == pids["BANKB"]

        status = subprocess.run(
            [*CTL[:1], "-W", "ignore", *CTL[1:], "-c", str(conf), "status"],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            env=clean_environment(),
            check=False,
        ).stdout
        assert {line.split()[0] for line in status.splitlines()} == {"player-BANKA", "player-BANKB"}

        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert all(is_gone(pid) for pid in pids.values())
    for bank in BANKS:
        log = (conf.parent / f"player-{bank}.log").read_text()
        assert f"ready: {bank} at {urls[bank]}" in log
        assert f"ending {bank}: SIGTERM" in log
    supervisor_log = (conf.parent / "supervisord.log").read_text()
    assert "player-BANKA (terminated by SIGKILL; not expected)" in supervisor_log
    assert (
        "player-BANKB (exit status 0; expected)" in supervisor_log
        or "stopped: player-BANKB" in supervisor_log
    )
