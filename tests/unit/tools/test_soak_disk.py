"""A disk that is filled and has room again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.soak.disk import Disk

WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(line.strip(), "wb") as file:
            file.write(bytes(100_000))
        print("written", flush=True)
    except OSError as error:
        print("full", flush=True)
"""


def test_a_full_disk_takes_nothing_and_has_room_again(tmp_path: Path) -> None:
    with (
        Disk(tmp_path / "disk") as disk,
        subprocess.Popen(
            [sys.executable, "-c", WRITER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        told = list[str]()
        for act in (lambda: None, lambda: disk.fill([writer.pid]), disk.clear):
            act()
            print(disk.folder / f"file{len(told)}", file=writer.stdin, flush=True)
            told.append(writer.stdout.readline().strip())
        writer.stdin.close()
        assert told == ["written", "full", "written"]
