"""Sorting of files: what is said beside the spectra."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.ringfiles import definitions, event

from histogrammer.cli import main

BOOK = """
[spectra.filled]
type = "1"
parameters = ["a"]
axes = [[0, 4, 4]]

[spectra.misspelt]
type = "1"
parameters = ["A"]
axes = [[0, 4, 4]]
"""


@pytest.mark.parametrize("quiet", [False, True])
def test_empty_spectra_are_told_unless_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    (tmp_path / "book.toml").write_text(BOOK)
    (tmp_path / "run.evt").write_bytes(definitions([(1, "a")]) + event(0, [(1, 2.0)]))
    words = [str(tmp_path / name) for name in ("book.toml", "run.evt")]
    options = ["--threads", "1", "-o", str(tmp_path / "sorted"), *(["-q"] if quiet else [])]
    assert main(["sort", *words, *options]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == ([] if quiet else ["histogrammer sort: spectrum misspelt is empty"])
