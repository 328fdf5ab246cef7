"""The program `difx-gateway`, as users start and end it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.difx_clients import GuiClient

ROOT = Path(__file__).resolve().parents[3]
READY = re.compile(r"ready: clients at 127\.0\.0\.1:(\d+), DIFX for Dealers at tcp://\S+\n")


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gateways.difx", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": os.devnull},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_asked_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path, "-b", "/difx", "0", "--capture", "packets") as process:
        assert process.stdout is not None
        found = READY.fullmatch(process.stdout.readline())
        assert found is not None
        with GuiClient(int(found[1])) as client:
            series = client.handshake()
            assert (11, b"/difx") in series
            assert next(text for level, text in client.said if level == 5).startswith(
                "no DiFX version"
            )
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "ERROR" not in said
    assert b'"packet 11","/difx"' in (tmp_path / "packets").read_bytes()
