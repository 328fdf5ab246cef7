"""Needs of a scan before it begins."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.run import check_directory


@pytest.mark.parametrize(
    ("flags", "reason"), [(os.ST_RDONLY, "Read-only file system"), (0, "Permission denied")]
)
def test_a_directory_that_takes_no_file_says_why(
    flags: int,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # the tests may run as root, who may write everywhere
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    with pytest.raises(ScanSetupError, match=f"data directory TEST: {reason}"):
        check_directory(tmp_path / "TEST")
    assert f"{tmp_path / 'TEST'}: {reason}" in caplog.text
