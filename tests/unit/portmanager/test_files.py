"""The files of a port manager, and where they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.wholefiles import replace_file
from portmanager.files import Files, default_folder, read_usage, usage_text
from portmanager.protocol.lines import DEFAULT_PORT
from portmanager.tables import glob


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(
        port=tmp_path / "run" / "listen.port", pid=tmp_path / "pid", usage=tmp_path / "ports.txt"
    )


def test_usage_is_written_and_read_as_the_original_has_it(files: Files) -> None:
    text = usage_text([(30999, "foo", "bob"), (31000, "two words", "alice"), (30998, "foo", "bob")])
    assert text == "30999\tfoo\tbob\n31000\ttwo words\talice\n30998\tfoo\tbob\n"
    replace_file(files.usage, text + "half a li")
    assert read_usage(files.usage) == {
        ("bob", "foo"): [30999, 30998],
        ("alice", "two words"): [31000],
    }


def test_what_was_lent_outlives_the_end_and_an_idle_server_after_it(files: Files) -> None:
    files.begin(30000)
    replace_file(files.usage, "31000\tfoo\tbob\n")
    files.remove()
    assert not files.port.exists()
    assert not files.pid.exists()
    for _ in range(2):
        assert files.begin(30000) == {("bob", "foo"): [31000]}
        files.remove()


def test_what_was_lent_outlives_a_crash_and_another_before_anybody_is_back(files: Files) -> None:
    files.begin(30000)
    replace_file(files.usage, "31000\tfoo\tbob\n")
    for _ in range(2):
        assert files.begin(30000) == {("bob", "foo"): [31000]}
        assert files.usage.read_text() == ""


def test_files_of_another_process_are_left_alone(files: Files) -> None:
    files.begin(30000)
    files.pid.write_text("1\n")
    files.remove()
    assert files.port.read_text() == "30000\n"


def test_a_folder_is_found_that_the_user_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portmanager.files.ORIGINAL_FOLDER", tmp_path / "file" / "daqportmgr")
    environment = {"RUNTIME_DIRECTORY": str(tmp_path / "systemd"), "HOME": str(tmp_path)}
    assert default_folder(DEFAULT_PORT, environment) == tmp_path / "systemd"
    (tmp_path / "file").write_text("")
    fallback = {"RUNTIME_DIRECTORY": str(tmp_path / "file" / "x"), "HOME": str(tmp_path)}
    assert default_folder(1, fallback) == tmp_path / ".local" / "state" / "portmanager-1"
    with pytest.raises(OSError, match=r"no folder for .*daqportmgr-1, .*portmanager-1"):
        default_folder(1, {"HOME": str(tmp_path / "file")})


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*", ["", "bob"], []),
        ("b?b", ["bob"], ["bb", "Bob"]),
        ("[a-c]*", ["alice", "c"], ["dave", ""]),
        ("\\*", ["*"], ["a"]),
        ("a[", ["a["], ["a"]),
        ("[^a]", ["^", "a"], ["b"]),
        ("a.b", ["a.b"], ["axb"]),
        ("[c-a]x", ["ax", "bx", "cx"], ["dx", "-x"]),
        ("[--/]", ["-", ".", "/"], ["0", ","]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[&&~|]", ["&", "~", "|"], ["a"]),
    ],
)
def test_patterns_match_as_in_tcl(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    assert [text for text in fits if not glob(pattern).fullmatch(text)] == []
    assert [text for text in fits_not if glob(pattern).fullmatch(text)] == []
