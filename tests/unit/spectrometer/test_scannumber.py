"""The scan number: what it may be, and that a spoilt file does not spoil the Bank."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from spectrometer.scannumber import FIRST, LAST, ScanNumber
from zmqjsonproxy.errors import RefusedError

log = logging.getLogger("test")


@pytest.mark.parametrize("number", [-1, 2**31, 10**400, 1.5, float("nan"), True, None, "5", [5]])
def test_what_is_no_scan_number_is_refused_and_not_kept(tmp_path: Path, number: Any) -> None:
    kept = ScanNumber(tmp_path / "number", log)
    kept.set(7)
    with pytest.raises(RefusedError, match="expected a whole number from 0 to 2147483647"):
        kept.set(number)
    assert ScanNumber(tmp_path / "number", log).value == 7


@pytest.mark.parametrize("text", ["", "x", "-3", "9" * 400, "\udcff"])
def test_a_spoilt_file_counts_from_the_first(tmp_path: Path, text: str) -> None:
    (tmp_path / "number").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert ScanNumber(tmp_path / "number", log).value == FIRST


def test_after_the_last_number_comes_the_first(tmp_path: Path) -> None:
    number = ScanNumber(tmp_path / "number", log)
    number.set(LAST)
    assert number.increment() == FIRST
