"""Tcl lists of one line: text to elements and back, as Tcl 8.6 does both. Knows nothing of requests
and replies.

Source: Tcl 8.6, Tcl_SplitList, Tcl_ScanCountedElement and Tcl_ConvertCountedElement; `lappend` and
`lindex` in its manual pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from portmanager.errors import NotAListError

__all__ = ["ends_in_braces", "join_list", "quote", "split_list"]

OPEN_BRACE = "unmatched open brace in list"
WHITE = " \t\n\v\f\r"
_ELEMENT_ENDS = re.compile(r"[ \t\n\v\f\r\\]")
_IN_BRACES = re.compile(r"[{}\\]")
_IN_QUOTES = re.compile(r'["\\]')
_SPECIAL = re.compile(r'[\\{"]')
_NEEDS_A_LOOK = re.compile(r'[ \t\n\v\f\r\[\]$;"\\{}]')
_SEEN = re.compile(
    r'\\[{}\\\n]?|[{}\[\]$; \t\n\v\f\r"]'
)  # a backslash hides a brace or backslash right after it
_IN_BACKSLASHES = re.compile(r'[\][$; \\"{}\t\n\v\f\r]')
_BY_LETTER = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LETTERS = {"\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_SPLIT_PLAIN = re.compile(r"[ \t\n\v\f\r]+")


def split_list(text: str) -> list[str]:
    """Return the elements of a Tcl list.

    Raises:
        NotAListError: A brace or quote is not closed, or something follows a closing one directly.
    """
    if (
        text.isascii() and text.isprintable() and not _SPECIAL.search(text)
    ):  # nearly every line there is
        return text.split()
    elements: list[str] = []
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in WHITE:
            at += 1
        if at == end:
            return elements
        if text[at] == "{":
            element, at = _braced(text, at + 1)
        elif text[at] == '"':
            element, at = _quoted(text, at + 1)
        else:
            element, at = _bare(text, at)
        elements.append(element)


def ends_in_braces(text: str) -> bool:
    """Tell whether a text is the beginning of a list, up to the middle of an element in braces."""
    try:
        split_list(text)
    except NotAListError as error:
        return str(error) == OPEN_BRACE
    return False


def _braced(text: str, start: int) -> tuple[str, int]:
    at, depth = start, 1
    while found := _IN_BRACES.search(text, at):
        at = found.end()
        if found[0] == "\\":
            at += 1
        elif found[0] == "{":
            depth += 1
        else:
            depth -= 1
            if not depth:
                _check_end(text, at, "braces")
                return text[start : at - 1], at
    raise NotAListError(OPEN_BRACE)


def _quoted(text: str, start: int) -> tuple[str, int]:
    parts, at = [], start
    while found := _IN_QUOTES.search(text, at):
        parts.append(text[at : found.start()])
        if found[0] == '"':
            _check_end(text, found.end(), "quotes")
            return "".join(parts), found.end()
        character, at = _backslash(text, found.start())
        parts.append(character)
    raise NotAListError("unmatched open quote in list")


def _bare(text: str, start: int) -> tuple[str, int]:
    parts, at = [], start
    while found := _ELEMENT_ENDS.search(text, at):
        parts.append(text[at : found.start()])
        at = found.start()
        if found[0] != "\\":
            return "".join(parts), at
        character, at = _backslash(text, at)
        parts.append(character)
    return "".join((*parts, text[at:])), len(text)


def _check_end(text: str, at: int, what: str) -> None:
    if at < len(text) and text[at] not in WHITE:
        word = _SPLIT_PLAIN.split(text[at : at + 20])[0]
        raise NotAListError(f'list element in {what} followed by "{word}" instead of space')


def _backslash(text: str, at: int) -> tuple[str, int]:
    """Return what the backslash sequence at `at` stands for, and where it ends."""
    if at + 1 == len(text):
        return "\\", at + 1
    letter, start = text[at + 1], at + 2
    if letter in _BY_LETTER:
        return _BY_LETTER[letter], start
    if letter in _HEX_DIGITS:
        value, end = _number(text, start, _HEX_DIGITS[letter], 16, 0x10FFFF)
        return (chr(value), end) if end > start else (letter, start)
    if letter in "01234567":
        value, end = _number(text, at + 1, 3, 8, 0o377)
        return chr(value), end
    if letter == "\n":  # a continued line
        while start < len(text) and text[start] in " \t":
            start += 1
        return " ", start
    return letter, start


def _number(text: str, start: int, digits: int, base: int, largest: int) -> tuple[int, int]:
    value, at = 0, start
    while (
        at < len(text)
        and at < start + digits
        and text[at] in "0123456789abcdefABCDEF"[: 8 if base == 8 else None]
    ):
        more = value * base + int(text[at], base)
        if more > largest:
            break
        value, at = more, at + 1
    return value, at


def quote(element: str, *, first: bool = False) -> str:
    """Return an element as it is written in a list; `first`: as its first one, where a bare `#`
    would be a comment."""
    if not element:
        return "{}"
    hash_first = first and element[0] == "#"
    if not hash_first and not _NEEDS_A_LOOK.search(element):
        return element
    depth, unbalanced, braces, escapes = 0, False, element[0] in '{"' or hash_first, False
    for found in _SEEN.finditer(element):
        seen = found[0]
        if seen == "{":
            depth += 1
        elif seen == "}":
            depth -= 1
            unbalanced |= depth < 0
        elif seen in ("]", '"'):
            escapes = True
        else:
            braces = True
            unbalanced |= seen == "\\\n" or (seen == "\\" and found.end() == len(element))
    if unbalanced or depth:
        escaped = _IN_BACKSLASHES.sub(
            lambda found: _LETTERS.get(found[0], "\\" + found[0]), element
        )
        return "\\" + escaped if hash_first else escaped
    if braces:
        return "{" + element + "}"
    return re.sub(r'[]"]', r"\\\g<0>", element) if escapes else element


def join_list(elements: Iterable[str]) -> str:
    """Return a list of elements."""
    return " ".join(quote(element, first=not index) for index, element in enumerate(elements))
