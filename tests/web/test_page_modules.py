"""Modules of the dashboard's page that need no browser, in node where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent / "unit"
NODE = shutil.which("node")
HANG_S = 300


@pytest.mark.skipif(NODE is None, reason="node is not installed: it runs tests/web/unit")
def test_modules_of_the_page_pass_their_own_tests() -> None:
    assert NODE is not None
    told = subprocess.run(
        [NODE, "--test", "--import", FOLDER / "importmap.mjs", *sorted(FOLDER.glob("*.test.mjs"))],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        env={**os.environ, "TZ": "Asia/Kolkata"},
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
