"""Listings: options that clients send, columns that they expect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateways.difx.errors import DocumentError
from gateways.difx.protocol.fileentries import FileEntry
from gateways.difx.protocol.listing import (
    ListOptions,
    bare_end,
    bare_line,
    listing_lines,
    read_list_options,
)

GUI_LIST = "-d -p --dereference-command-line-symlink-to-dir"
GUI_DATES = '-l -d --time-style=+"%Y-%m-%d %H:%M:%S"'
NOON = datetime(2024, 1, 31, 12, tzinfo=UTC).timestamp()


def entry(path: str, size: int = 4096, mode: int = 0o100644, modified: float = NOON) -> FileEntry:
    return FileEntry(path=path, size=size, modified=modified, mode=mode)


def folder(path: str) -> FileEntry:
    return entry(path, mode=0o040755)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", ListOptions()),
        (GUI_LIST, ListOptions(itself=True, slash=True)),
        (GUI_DATES, ListOptions(long=True, itself=True)),
        ("-l", ListOptions(long=True)),
        ("-latr -1", ListOptions(long=True, hidden=True, by_time=True, reverse=True)),
        ("-1", ListOptions()),
    ],
)
def test_options_of_clients_are_read(text: str, options: ListOptions) -> None:
    assert read_list_options(text) == options


@pytest.mark.parametrize(
    "text",
    [
        "-R",
        "-lR",
        "--color",
        "-",
        "--",
        "/etc",
        "-l /etc",
        "--time-style=full-iso",
        "-l; id",
        "'",
        '-l "',
    ],
)
def test_any_other_option_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"^ls: the option"):
        read_list_options(text)


def test_two_matches_are_the_recorded_bytes() -> None:
    lines = listing_lines([entry("/data/abc"), folder("/data/ab")], read_list_options(GUI_LIST))
    items = [item for line in lines for item in bare_line(line)]
    assert items == [
        bytes.fromhex("0000000a"),
        b"/data/ab/\n",
        bytes.fromhex("0000000a"),
        b"/data/abc\n",
    ]
    assert bare_end() == bytes.fromhex("00000000")


def test_lines_of_a_preparation_have_no_line_feed() -> None:
    assert bare_line("/d/ü.input") == (b"\0\0\0\x0b", "/d/ü.input".encode())


def test_a_long_line_has_the_layout_that_the_gui_client_cuts() -> None:
    (line,) = listing_lines([folder("/path")], read_list_options(GUI_DATES), zone=UTC)
    assert line == "drwxr-xr-x 1 user user 4096 2024-01-31 12:00:00 /path\n"


@pytest.mark.parametrize(
    ("size", "columns"),
    [
        (0, "user user    0"),
        (9999, "user user 9999"),
        (10_000, "user use 10000"),
        (2_147_483_647, "u u 2147483647"),
        (99_999_999_999, "us 99999999999"),  # no room for a group: the date has to stay
        (999_999_999_999, "u 999999999999"),
        (9_999_999_999_999, " 9999999999999"),
    ],
)
def test_names_of_owners_make_room_for_the_size(size: int, columns: str) -> None:
    (line,) = listing_lines([entry("/p", size)], ListOptions(long=True), zone=UTC)
    assert line == f"-rw-r--r-- 1 {columns} 2024-01-31 12:00:00 /p\n"
    assert line[28:47] == "2024-01-31 12:00:00"


def test_dates_are_in_the_zone_that_is_asked_for() -> None:
    zone = timezone(timedelta(hours=2))
    (line,) = listing_lines([entry("/p")], ListOptions(long=True), zone=zone)
    assert line[28:47] == "2024-01-31 14:00:00"


@pytest.mark.parametrize("modified", [1e18, -1e18, 1e300, float("nan")])
def test_dates_that_nobody_can_write_are_the_last_one(modified: float) -> None:
    (line,) = listing_lines([entry("/p", modified=modified)], ListOptions(long=True), zone=UTC)
    assert line[28:47] == "9999-12-31 23:59:59"


def test_contents_of_a_folder_are_names_without_hidden_ones() -> None:
    inside = [entry("/d/b"), entry("/d/.h"), folder("/d/a")]
    assert listing_lines(inside, ListOptions(), contents=True) == ["a\n", "b\n"]
    assert listing_lines(inside, ListOptions(hidden=True, slash=True), contents=True) == [
        ".h\n",
        "a/\n",
        "b\n",
    ]


def test_a_hidden_file_that_is_asked_for_is_listed() -> None:
    assert listing_lines([entry("/d/.h")], ListOptions()) == ["/d/.h\n"]


def test_the_root_has_one_slash() -> None:
    assert listing_lines([folder("/")], ListOptions(slash=True)) == ["/\n"]


def test_lines_are_sorted_by_name_or_time_and_turned_round() -> None:
    entries = [entry("/b", modified=1), entry("/c", modified=2), entry("/a", modified=1)]
    assert listing_lines(entries, ListOptions()) == ["/a\n", "/b\n", "/c\n"]
    assert listing_lines(entries, ListOptions(reverse=True)) == ["/c\n", "/b\n", "/a\n"]
    assert listing_lines(entries, ListOptions(by_time=True)) == ["/c\n", "/a\n", "/b\n"]
    both = ListOptions(by_time=True, reverse=True)
    assert listing_lines(entries, both) == ["/b\n", "/a\n", "/c\n"]


@pytest.mark.parametrize(
    ("options", "pattern", "found", "contents"),
    [
        ("", "/d", [folder("/d")], True),
        ("-l", "/d/", [folder("/d")], True),
        ("-d", "/d", [folder("/d")], False),
        ("", "/[d]", [folder("/d")], False),
        ("", "/f", [entry("/f")], False),
        ("", "/f", [], False),
    ],
)
def test_contents_are_listed_of_a_folder_that_is_named_whole(
    options: str, pattern: str, found: list[FileEntry], contents: bool
) -> None:
    assert read_list_options(options).lists_contents(pattern, found) is contents


def test_a_name_that_is_no_text_is_listed_with_a_mark() -> None:
    (line,) = listing_lines([entry("/a\udcff")], ListOptions())
    assert bare_line(line) == (b"\0\0\0\4", b"/a?\n")
