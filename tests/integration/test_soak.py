"""A short soak: scans with faults, and nothing that was promised is broken."""

from __future__ import annotations

from support.player_run import python

SECONDS, SEED = 10.0, 10


def test_ten_seconds_of_faults_break_no_promise() -> None:
    minutes = f"--minutes={SECONDS / 60:.4f}"
    done = python("-m", "tools.soak", minutes, f"--seed={SEED}", "--arrays=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout
    assert done.stdout.rstrip().endswith("Left behind at the end: nothing.")
