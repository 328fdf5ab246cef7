"""Listings of files: options of `ls` that clients send, and the lines that they expect.

The GUI client takes characters 28 to 46 of a long line as its date; names of owners, which nobody
is told here, make room for the size.
"""

from __future__ import annotations

import re
import shlex
import stat
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, tzinfo

from gateways.difx.errors import DocumentError
from gateways.difx.protocol.fileentries import FileEntry
from gateways.difx.protocol.items import integer, text
from groundwork.truncation import cut

__all__ = ["ListOptions", "bare_end", "bare_line", "listing_lines", "read_list_options"]

_LETTERS = {
    "d": "itself",
    "p": "slash",
    "l": "long",
    "a": "hidden",
    "t": "by_time",
    "r": "reverse",
    "1": "",
}
_LONG = ("--dereference-command-line-symlink-to-dir", "--time-style=+%Y-%m-%d %H:%M:%S")
_WILD = re.compile(r"[*?\[]")
_NAMES_AND_SIZE = 12
"""Characters of owner, group and size, without the blanks between them."""
_OWNER = "user"
_DATE_FORM = "%Y-%m-%d %H:%M:%S"
_LATEST = "9999-12-31 23:59:59"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Options of `ls`.

    Attributes:
        itself: A folder is listed itself, not its contents.
        slash: Names of folders end in `/`.
        long: Lines with rights, size and date.
        hidden: Names that begin with a dot, too.
        by_time: The newest first.
        reverse: Order.
    """

    itself: bool = False
    slash: bool = False
    long: bool = False
    hidden: bool = False
    by_time: bool = False
    reverse: bool = False

    def lists_contents(self, pattern: str, found: Sequence[FileEntry]) -> bool:
        """Tell if the contents of what was found are listed: of one folder that is named whole."""
        is_folder = len(found) == 1 and found[0].is_folder
        return is_folder and not self.itself and not _WILD.search(pattern)


_KNOWN = frozenset(field.name for field in fields(ListOptions))


def read_list_options(options: str) -> ListOptions:
    """Read options as clients write them.

    Raises:
        DocumentError: One of them is not understood.
    """
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise DocumentError(f"ls: the options {cut(options, 100)!r}: {error}") from None
    wanted: set[str] = set()
    for word in words:
        if word in _LONG:
            continue
        letters = word[1:] if word[:1] == "-" and word[1:2] != "-" else ""
        if not letters or not set(letters) <= set(_LETTERS):
            raise DocumentError(
                f"ls: the option {cut(word, 100)!r} is not understood; there are"
                f" {' '.join(f'-{letter}' for letter in _LETTERS)} {' '.join(_LONG)}"
            )
        wanted |= {_LETTERS[letter] for letter in letters}
    return ListOptions(**dict.fromkeys(wanted & _KNOWN, True))


def listing_lines(
    entries: Sequence[FileEntry],
    options: ListOptions,
    *,
    contents: bool = False,
    zone: tzinfo | None = None,
) -> list[str]:
    """Return the lines of a listing, each with its line feed.

    Args:
        entries: Of what was found, or of a folder.
        options: Of the client.
        contents: The entries are those of a folder: only their names are told.
        zone: Of dates; None: that of this host.
    """
    shown = list(entries)
    if contents and not options.hidden:
        shown = [entry for entry in shown if not entry.name.startswith(".")]
    shown.sort(key=lambda entry: entry.path)
    if options.by_time:
        shown.sort(key=lambda entry: entry.modified, reverse=True)
    if options.reverse:
        shown.reverse()
    return [f"{_line(entry, options, contents, zone)}\n" for entry in shown]


def bare_line(line: str) -> tuple[bytes, bytes]:
    """Return the items of a line in an answer that has no sub-packets: its length, its bytes."""
    encoded = text(line)
    return integer(len(encoded)), encoded


def bare_end() -> bytes:
    """Return the item behind the last line of such an answer."""
    return integer(0)


def _line(entry: FileEntry, options: ListOptions, contents: bool, zone: tzinfo | None) -> str:
    name = entry.name if contents else entry.path
    if options.slash and entry.is_folder and not name.endswith("/"):
        name += "/"
    if not options.long:
        return name
    size = f"{entry.size:4d}"
    room = _NAMES_AND_SIZE - len(size)
    if room >= 2:
        owners = f"{_OWNER[: (room + 1) // 2]} {_OWNER[: room // 2]}"
    else:  # of 10 GB and more; the date has to stay where it is
        owners = _OWNER[: max(room + 1, 0)]
    return f"{stat.filemode(entry.mode)} 1 {owners} {size} {_date(entry, zone)} {name}"


def _date(entry: FileEntry, zone: tzinfo | None) -> str:
    try:
        return datetime.fromtimestamp(entry.modified, zone).strftime(_DATE_FORM)
    except (OverflowError, ValueError, OSError):
        return _LATEST  # file systems have years that nobody can write with four digits
