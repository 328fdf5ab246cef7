"""Sorting of files: what is said beside the spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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


COMPUTED = """
[variables.gain]
value = 2

[pseudos."a calibrated"]
parameters = ["a"]
computation = "$gain * $a"

[pseudos.again]
parameters = ["a calibrated"]
computation = "${a calibrated} + 1"

[gates.g]
type = "s"
parameters = ["again"]
low = 1
high = 5

[spectra.again]
type = "1"
parameters = ["again"]
axes = [[0, 8, 8]]
gate = "g"
"""


@pytest.mark.parametrize(
    ("flavor", "expected"), [("rustogramer", ["(3) 1", "(5) 1"]), ("spectcl", ["(3) 1"])]
)
def test_what_is_computed_is_sorted_by_the_rules_of_a_flavor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flavor: str, expected: list[str]
) -> None:
    (tmp_path / "book.toml").write_text(COMPUTED)
    events = b"".join(event(0, [(1, value)]) for value in (1.0, 2.0, 3.0))
    (tmp_path / "run.evt").write_bytes(definitions([(1, "a")]) + events)
    words = [str(tmp_path / name) for name in ("book.toml", "run.evt")]
    options = ["--threads", "1", "-q", "--format", "ascii", "--flavor", flavor]
    assert main(["sort", *words, *options]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line.endswith(") 1")] == expected


def test_a_computation_that_is_none_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "book.toml").write_text(COMPUTED.replace("$gain *", "$gain ^"))
    assert main(["sort", str(tmp_path / "book.toml"), str(tmp_path / "run.evt")]) == 2
    said = capsys.readouterr().err
    assert "book.toml:5" in said
    assert "no operators on bits" in said


def test_a_tree_of_root_is_sorted_as_a_file_of_ring_items(tmp_path: Path) -> None:
    uproot = pytest.importorskip("uproot")
    values = np.arange(0.0, 4.0, 0.25)
    (tmp_path / "book.toml").write_text(BOOK)
    events = b"".join(event(0, [(1, value)]) for value in values)
    (tmp_path / "run.evt").write_bytes(definitions([(1, "a")]) + events)
    with uproot.recreate(tmp_path / "run.root") as file:
        file.mktree("events", {"a": np.float64})
        file["events"].extend({"a": values})
    for source, name in (
        ("run.evt", "1.json"),
        ("run.root:events", "2.json"),
        ("run.root", "3.h5"),
    ):
        words = [str(tmp_path / one) for one in ("book.toml", source)]
        form = "hdf5" if name.endswith("h5") else "json"
        options = ["--threads", "1", "-q", "-o", str(tmp_path / name), "--format", form]
        assert main(["sort", *words, *options]) == 0
    assert (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text()
    both = str(tmp_path / "run.evt"), str(tmp_path / "run.root")
    assert main(["sort", str(tmp_path / "book.toml"), *both]) == 1
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "3.h5") as file:
        assert file["spectra/0"][...].tolist() == [0, 4, 4, 4, 4, 0]


def test_what_is_no_text_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sort", str(tmp_path / "book.toml"), "run.evt", "--format", "root"]) == 1
    assert "format root is no text: name a file with --output" in capsys.readouterr().err
