"""Files that clients name: only below certain folders, whatever links and dots say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundwork.regularfiles import NotRegularError
from histogrammer.roots import Roots


def never(_head: bytes) -> bool:
    """Let no file be replaced."""
    return False


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
    roots.write(str(root / "in" / "new"), "text\n", never)
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
            roots.write(str(root / path), "text", never)
    roots.write(str(root / "link"), "text", never)  # in the place of the link
    assert (root.parent / "outside").read_text() == "secret"
    assert (root / "link").read_text() == "text"


@pytest.mark.parametrize("path", ["in", "in/..", "none/f", "a\0b", ""])
def test_no_file_is_refused(root: Path, path: str) -> None:
    with pytest.raises(NotRegularError):
        Roots([root]).write(f"{root}/{path}" if path else "", "text", never)
    with pytest.raises(NotRegularError):
        Roots([root]).read(f"{root}/{path}" if path else "")


@pytest.mark.parametrize("path", [".keys", ".ssh/key", "shown", "in/../.keys"])
def test_what_is_hidden_is_not_for_clients(root: Path, path: str) -> None:
    (root / ".ssh").mkdir()
    for name in (".keys", ".ssh/key"):
        (root / name).write_text("secret")
    (root / "shown").symlink_to(".keys")
    roots = Roots([root])
    with pytest.raises(NotRegularError, match="is hidden"):
        roots.read(str(root / path))
    if path != "shown":
        with pytest.raises(NotRegularError, match="is hidden"):
            roots.write(str(root / path), "text", lambda _head: True)
    assert (root / ".keys").read_text() == "secret"
    assert Roots([root], has_hidden=True).read(str(root / path)) == b"secret"


def test_a_root_may_be_hidden_itself(root: Path) -> None:
    hidden = root / ".data"
    hidden.mkdir()
    roots = Roots([root, hidden])
    roots.write(str(hidden / "f"), "text", never)
    assert roots.read(str(hidden / "f")) == b"text"


def test_only_what_may_be_lost_is_replaced(root: Path) -> None:
    file, asked = root / "f", []

    def may(head: bytes) -> bool:
        asked.append(head)
        return head.startswith(b"new")

    for text in ("new1", "old", "new2"):
        if text == "new2":
            with pytest.raises(NotRegularError, match="is something else; name another"):
                Roots([root]).write(str(file), text, may)
        else:
            Roots([root]).write(str(file), text, may)
    assert (file.read_text(), asked) == ("old", [b"new1", b"old"])
    file.write_text("")
    Roots([root]).write(str(file), "text", never)
    os.mkfifo(root / "fifo")
    with pytest.raises(NotRegularError, match="no regular file"):
        Roots([root]).write(str(root / "fifo"), "text", may)


def test_without_roots_there_is_no_file(root: Path) -> None:
    with pytest.raises(NotRegularError, match=r"no folder is named .*\(--root\)"):
        Roots([]).find(root)
