"""Starts of programs that fill spectra, on caches of compiled functions that are in trouble.

`python tools/compiled_faults.py` prints a table; exit status 1 if a program failed or counted wrong.
Each start is a process of its own: eight at once on an empty cache; killed while it compiles;
damaged files; a folder that cannot be written.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import numpy as np
from histogrammer.axes import Axis
from histogrammer.contents import Contents
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import FilledSpectrum, Filler
from histogrammer.spectra import KINDS
one = KINDS["1"].define("one", [["a"]], [Axis(0, 10, 10)])
two = KINDS["2"].define("two", [["a"], ["b"]], [Axis(0, 10, 10), Axis(0, 5, 5)])
spectra = [FilledSpectrum(definition, Contents.zeros(definition.shape)) for definition in (one, two)]
with Filler(threads=2) as filler:
    filler.define(spectra, {})
    for dtype in (np.float32, np.float64):
        filler.fill(EventBlock({"a": 0, "b": 1}, np.array([[1, 2, 3], [4, 5, 6]], dtype)))
assert [spectrum.contents.cells.sum() for spectrum in spectra] == [6, 6]
"""
STARTS = 8
KILLS = 10
KILLED_WITHIN_S = 3.0


def start(folder: Path) -> subprocess.Popen[str]:
    """Start a program with a cache in a folder."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE, text=True
    )


def outcome(programs: Sequence[subprocess.Popen[str]]) -> str:
    """Return `ok` or the end of what failed."""
    ends = [(program.communicate()[1], program.returncode) for program in programs]
    bad = [f"status {status}: {text.strip()[-200:]}" for text, status in ends if status or text]
    return "; ".join(bad) or "ok"


def files(folder: Path) -> list[Path]:
    """Return the files of a cache."""
    return sorted(folder.glob("dealer-player/*"))


def cases(folder: Path) -> Iterator[tuple[str, str]]:
    """Run all: trouble, and the outcome."""
    yield f"{STARTS} first starts at once", outcome([start(folder) for _ in range(STARTS)])
    yield "the next one", outcome([start(folder)])
    for name, damage in (
        ("empty", lambda content: b""),
        ("cut", lambda content: content[: random.randrange(len(content))]),
        ("random", lambda content: random.randbytes(len(content))),
    ):
        for path in files(folder):
            path.write_bytes(damage(path.read_bytes()))
        yield f"{len(files(folder))} files, {name}", outcome([start(folder)])
    killed = folder / "killed"
    for number in range(KILLS):
        program = start(killed)
        time.sleep(KILLED_WITHIN_S * (number + 1) / KILLS)
        program.kill()
        program.communicate()
    yield f"after {KILLS} that were killed within {KILLED_WITHIN_S:g} s", outcome([start(killed)])
    (folder / "file").touch()
    yield "a file in place of the folder", outcome([start(folder / "file")])
    yield "a folder that nobody can write", outcome([start(Path("/proc/none"))])


def main() -> int:
    """Run the command."""
    with tempfile.TemporaryDirectory(prefix="dealer-player-") as folder:
        failed = False
        print("| trouble | outcome | s |\n|---|---|--:|")
        begun = time.monotonic()
        for trouble, told in cases(Path(folder)):
            print(f"| {trouble} | {told} | {time.monotonic() - begun:.1f} |", flush=True)
            failed, begun = failed or told != "ok", time.monotonic()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
