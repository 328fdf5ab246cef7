"""The demo of the dashboard: its page shows four Banks, and all of it ends at Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.dashboards import Peer
from support.player_run import ROOT, clean_environment, poll

from tools import tasks


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for the socket of supervisord."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_the_page_shows_four_banks_and_all_ends_at_ctrl_c(short: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "demo_dashboard.py"), "--fault-after", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(TMPDIR=str(short)),
    ) as demo:
        assert demo.stdout is not None
        try:
            said: list[str] = []
            while not said or "lost its image" not in said[-1]:
                said.append(line := demo.stdout.readline())
                assert line, said
            (address,) = [line.strip() for line in said if line.strip().startswith("http")]
            peer = Peer(address)
            poll(
                lambda: (
                    [row["link"]["state"] for row in peer.get("/api/overview")["rows"].values()]
                    == ["live"] * 4
                ),
                "four Banks are live",
            )
            assert peer.get("/api/site")["name"] == "DEMO ARRAY"
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.stdout.read().endswith("ends\n")
    assert demo.returncode == 0
    assert not list(short.iterdir())


def test_make_passes_on_how_long_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks, "set_up", lambda _extra: None)
    monkeypatch.setattr(tasks, "run", lambda *words: ran.append(words))
    monkeypatch.setenv("SECONDS", "5")
    tasks.TASKS["demo-dashboard"]()
    monkeypatch.delenv("SECONDS")
    tasks.TASKS["demo-dashboard"]()
    assert [words[2:] for words in ran] == [("--seconds", "5"), ()]
