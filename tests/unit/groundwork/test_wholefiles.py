"""Files that are written by rename."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.wholefiles import replace_file


def test_a_half_written_file_is_never_there(tmp_path: Path) -> None:
    (tmp_path / "ports.txt").mkdir()  # so that the rename fails
    with pytest.raises(OSError, match=r"ports\.txt"):
        replace_file(tmp_path / "ports.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["ports.txt"]
