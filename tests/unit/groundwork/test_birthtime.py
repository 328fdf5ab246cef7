"""When files were made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from groundwork.birthtime import birth_ns


def test_a_file_is_as_old_as_stat_says_and_does_not_get_younger(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        born = birth_ns(file.fileno())
        file.write(b"x")
        os.utime(file.fileno(), ns=(1, 1))
        assert birth_ns(file.fileno()) == born
    told = subprocess.run(
        ["stat", "-c", "%W", tmp_path / "file"], capture_output=True, text=True, check=True
    ).stdout
    assert born // 1_000_000_000 == int(told)  # 0 by both where that is not known


def test_where_it_is_not_known_it_is_0() -> None:
    with Path("/proc/self/stat").open("rb") as file:
        assert birth_ns(file.fileno()) == 0
    assert birth_ns(-1) == 0
