"""Files that clients name: only below certain folders, whatever links and dots say."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.regularfiles import NotRegularError
from histogrammer.roots import Roots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file beside it."""
    (tmp_path / "outside").write_text("secret")
    folder = tmp_path / "root"
    (folder / "in").mkdir(parents=True)
    return folder


def test_file_is_written_and_read_again(root: Path) -> None:
    roots = Roots([root, root])
    assert roots.folders == (root,)
    roots.write(str(root / "in" / "new"), "text\n")
    assert roots.read(str(root / "in" / ".." / "in" / "new")) == b"text\n"


def test_nothing_outside_is_read_or_written(root: Path) -> None:
    (root / "link").symlink_to("../outside")
    (root / "up").symlink_to("..")
    roots = Roots([root])
    for path in ("../outside", "link", "up/outside", "in/../../outside"):
        with pytest.raises(NotRegularError, match=f"is not below .*{root}"):
            roots.read(str(root / path))
    for path in ("../outside", "up/outside", "../new"):
        with pytest.raises(NotRegularError, match="is not below"):
            roots.write(str(root / path), "text")
    roots.write(str(root / "link"), "text")  # in the place of the link
    assert (root.parent / "outside").read_text() == "secret"
    assert (root / "link").read_text() == "text"


@pytest.mark.parametrize("path", ["in", "in/..", "none/f", "a\0b", ""])
def test_no_file_is_refused(root: Path, path: str) -> None:
    with pytest.raises(NotRegularError):
        Roots([root]).write(f"{root}/{path}" if path else "", "text")
    with pytest.raises(NotRegularError):
        Roots([root]).read(f"{root}/{path}" if path else "")


def test_without_roots_there_is_no_file(root: Path) -> None:
    with pytest.raises(NotRegularError, match=r"no folder is named .*\(--root\)"):
        Roots([]).find(root)
