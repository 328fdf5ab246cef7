"""One file of each kind, read by programs that this project did not write: what was put in comes
out.

`make readers` runs all of them, and those that are not installed here, over every basis, product
and sign of the band.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from readers.environments import Reader, ReaderError, ask, readers
from readers.matrix import CASES, Case, results
from readers.report import PAGE, tables

QUICK = [case for case in CASES if case.is_quick]
PAIRS = [
    (case, reader) for case in QUICK for reader in readers().values() if case.kind in reader.kinds
]


@pytest.mark.parametrize(("case", "reader"), PAIRS, ids=lambda value: value.name.replace(" ", "-"))
def test_a_reader_finds_what_was_put_in(case: Case, reader: Reader) -> None:
    if not reader.command:
        pytest.skip(reader.why_not)
    with tempfile.TemporaryDirectory() as folder:  # short: the path of the par file is a card
        (result,) = results(case, [reader], Path(folder))
    assert result.refusal == ""
    assert result.figures
    assert [str(figure) for figure in result.figures if not figure.is_right] == []


def test_there_is_a_quick_file_of_every_kind() -> None:
    assert {case.kind for case in QUICK} == {
        kind for reader in readers().values() for kind in reader.kinds
    }


def test_a_reader_that_refuses_says_why(tmp_path: Path) -> None:
    reader = readers()["pypulse"]
    if not reader.command:
        pytest.skip(reader.why_not)
    (tmp_path / "no.fits").write_text("nothing")
    with pytest.raises(ReaderError, match="OSError: PyFITS cannot open"):
        ask(reader, tmp_path / "no.fits")


def test_the_page_has_a_table_of_each_reader() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for reader in readers().values():
        assert f"### {reader.name}" in text
    assert tables([]) == ""
