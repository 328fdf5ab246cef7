"""Spectra as lines of text, the `ascii` format of SpecTcl and Rustogramer. Flow cells have no place
in it.

A quote, a line break or, where it could be taken for one of these, a backslash in a name has a
backslash before it. Foreign files have none of them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.spectra import given_axes, kind_of
from histogrammer.spectra.channels import Channels, channel_pieces
from histogrammer.spectra.definition import Definition
from histogrammer.spectrumfiles.saved import FileCells, Saved, define, make_axis, whole_counts

__all__ = ["read_ascii", "write_ascii"]

_VERSION = "3"
_RULE = "-" * 44
_END = "(-1 -1)"
_ESCAPES = {"\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_LETTERS = {"n": "\n", "r": "\r"}
_TO_ESCAPE = re.compile(r'\\(?=["\\nr\n\r]|\Z)|["\n\r]')
_ESCAPED = re.compile(r'\\(["\\nr])')

_HEADING = re.compile(r'\s*"(?P<name>.*)"\s*\((?P<numbers>[\s0-9]*)\)\s*')
_GROUP = re.compile(r"\s*\(")
_NAME = re.compile(r'\s*"((?:\\["\\nr]|[^"\\]|\\(?!["\\nr])|"(?![\s)]))*)"(?=[\s)])')
_GROUP_END = re.compile(r"\s*\)")
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_LIMITS = re.compile(rf"\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)")
_CHANNEL = re.compile(rf"\s*\(\s*(-?[0-9]{{1,10}})(?:\s+(-?[0-9]{{1,10}}))?\s*\)\s*({_NUMBER})?\s*")
_LONGEST_NUMBER = 10
_NO_Y = -(10**_LONGEST_NUMBER)
"""Below all numbers of channels."""


def write_ascii(spectra: Iterable[Saved], written_ns: int) -> str:
    """Return a file of spectra, in the form of Rustogramer.

    Args:
        spectra: In order; their values are cut to integers.
        written_ns: Time that stands in it, ns since 1970.
    """
    seconds, nanoseconds = divmod(written_ns, 10**9)
    when = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{nanoseconds:09d} +00:00"
    return "".join(line + "\n" for saved in spectra for line in _block(saved, when))


def _block(saved: Saved, when: str) -> Iterator[str]:
    definition = saved.definition
    axes = given_axes(definition)
    kind = kind_of(definition.kind)
    numbers = " ".join(str(axis.bins) for axis in axes)
    if definition.y_axis is not None and len(axes) == 1:  # a summary has no number of x channels
        numbers = f" {numbers} "
    groups = (
        definition.groups if kind.nested or definition.kind == "m2" else (definition.parameters,)
    )
    yield f'"{_escaped(definition.name)}" ({numbers}) '
    yield when
    yield _VERSION
    yield f"{definition.kind} long"
    yield "".join(
        "(" + "".join(f'"{_escaped(name)}" ' for name in group) + ") " for group in groups
    )
    yield "".join(f"({_decimal(axis.low)} {_decimal(axis.high)}) " for axis in axes)
    yield _RULE
    for piece in channel_pieces(definition, saved.cells, flow=False):
        if lines := "\n".join(_channel_lines(piece, is_flat=definition.y_axis is None)):
            yield lines
    yield _END


def _channel_lines(channels: Channels, *, is_flat: bool) -> Iterator[str]:
    counts = whole_counts(channels.values)
    rows = zip(
        channels.x_numbers.tolist(), channels.y_numbers.tolist(), counts.tolist(), strict=True
    )
    for x, y, count in rows:
        if count:
            yield f"({x}) {count}" if is_flat else f"({x} {y}) {count}"


def _escaped(name: str) -> str:
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], name)


def _unescaped(name: str) -> str:
    return _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), name)


def _decimal(value: float) -> str:
    """Return the shortest decimal form without exponent: `0`, `-12.5`."""
    return np.format_float_positional(value, trim="-")


class _Places:
    """Channels, their counts, and their lines. As columns: a spectrum may have millions.

    Attributes:
        x: Numbers along x.
        y: Numbers along y; `_NO_Y`: it has none.
        counts: Their counts.
        lines: Numbers of their lines.
    """

    def __init__(self) -> None:
        self.x, self.y, self.lines = array("q"), array("q"), array("q")
        self.counts = array("d")

    def add(self, x: int, y: int, counts: float, line: int) -> None:
        """Add one."""
        self.x.append(x)
        self.y.append(y)
        self.counts.append(counts)
        self.lines.append(line)


class _Lines:
    """Lines of a file, one after the other."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.number = 0

    @property
    def where(self) -> str:
        """Place of the last line that was taken."""
        return f"line {self.number}"

    def skip_blank(self) -> bool:
        """Skip blank lines; tell whether there is a line after them."""
        while self._at < len(self._text):
            line, at = self._next()
            if line.strip():
                return True
            self._at = at
            self.number += 1
        return False

    def _next(self) -> tuple[str, int]:
        """Return the next line, and where the one after it begins."""
        end = self._text.find("\n", self._at)
        if end < 0:
            end = len(self._text)
        return self._text[self._at : end].removesuffix("\r"), end + 1

    def take(self, what: str) -> str:
        """Return the next line, which holds something."""
        if self._at >= len(self._text):
            raise SpectrumFileError(
                f"line {self.number + 1}", f"the file ends where {what} should be"
            )
        self.number += 1
        line, self._at = self._next()
        return line

    def wrong(self, what: str, line: str) -> SpectrumFileError:
        """Return the error of the last line."""
        return SpectrumFileError(self.where, f"{line[:80]!r} is not {what}")


def read_ascii(text: str) -> list[Saved]:
    """Read a file of spectra, of Rustogramer or SpecTcl of any age.

    Raises:
        SpectrumFileError: It is none, or ends within a spectrum; says the line.
    """
    lines = _Lines(text)
    cells = FileCells()
    spectra: list[Saved] = []
    while lines.skip_blank():
        spectra.append(_read_block(lines, cells))
    return spectra


def _read_block(lines: _Lines, file_cells: FileCells) -> Saved:
    what = 'a name and numbers of channels, "NAME" (X Y)'
    line = lines.take(what)
    heading = _HEADING.fullmatch(line)
    if heading is None:
        raise lines.wrong(what, line)
    first = lines.where
    words = heading["numbers"].split()
    if any(len(word) > _LONGEST_NUMBER for word in words):
        raise lines.wrong(what, line)
    lines.take("a date")
    version = lines.take("the version of the format").strip()
    if version != _VERSION:
        raise lines.wrong(f"a version that can be read, {_VERSION}", version)
    letters, *_ = [*lines.take("a type of spectra").split(), ""]
    type_line = lines.where
    groups = _read_groups(lines)
    limits = _read_limits(lines)
    rule = lines.take("a line of hyphens").strip()
    if not rule or rule.strip("-"):
        raise lines.wrong("a line of hyphens", rule)
    places, is_spectcl = _read_channels(lines)
    numbers = [int(word) for word in words]
    axes = _axes(first, numbers, limits, places if is_spectcl else None)
    definition = define(type_line, letters, _unescaped(heading["name"]), groups, axes)
    cells = file_cells.make(first, definition)
    _fill(cells, definition, places)
    return Saved(definition, cells)


def _read_groups(lines: _Lines) -> list[list[str]]:
    """Read groups of names in quotes."""
    what = 'names of parameters, ("NAME" ... )'
    line = lines.take(what)
    groups: list[list[str]] = []
    at = 0
    while found := _GROUP.match(line, at):
        at = found.end()
        names: list[str] = []
        while name := _NAME.match(line, at):
            names.append(_unescaped(name[1]))
            at = name.end()
        if (end := _GROUP_END.match(line, at)) is None:
            raise lines.wrong(what, line)
        at = end.end()
        groups.append(names)
    if line[at:].strip() or not groups:
        raise lines.wrong(what, line)
    return groups


def _read_limits(lines: _Lines) -> list[tuple[float, float]]:
    """Read limits of axes."""
    what = "limits of axes, (LOW HIGH) ..."
    line = lines.take(what)
    limits: list[tuple[float, float]] = []
    at = 0
    while found := _LIMITS.match(line, at):
        limits.append((float(found[1]), float(found[2])))
        at = found.end()
    if line[at:].strip() or not 1 <= len(limits) <= 2:
        raise lines.wrong(what, line)
    return limits


def _read_channels(lines: _Lines) -> tuple[_Places, bool]:
    """Read channels and counts up to an end mark; tell whether it is SpecTcl's.

    Rustogramer writes underflow as channel -1, too, with counts that are not -1.
    """
    what = f"a channel and its counts, (X) COUNTS or (X Y) COUNTS, or the end mark {_END}"
    places = _Places()
    while True:
        line = lines.take(what)
        found = _CHANNEL.fullmatch(line)
        if found is None:
            raise lines.wrong(what, line)
        x, y = int(found[1]), _NO_Y if found[2] is None else int(found[2])
        counts = -1.0 if found[3] is None else float(found[3])
        if x == -1 and counts == -1:
            return places, found[3] is not None
        if not 0 <= counts <= 2.0**64:
            raise lines.wrong(what, line)
        places.add(x, y, counts, lines.number)


def _axes(
    where: str,
    numbers: Sequence[int],
    limits: Sequence[tuple[float, float]],
    places: _Places | None,
) -> list[Axis]:
    """Return the axes that users gave; the last numbers of channels are theirs.

    Args:
        where: Line of the numbers.
        numbers: Numbers of channels.
        limits: Limits of the axes.
        places: Channels of a file of SpecTcl, where the numbers may count flow channels, too; None:
            it is not SpecTcl's.
    """
    if len(numbers) < len(limits):
        raise SpectrumFileError(
            where, f"{len(numbers)} numbers of channels, but limits of {len(limits)} axes"
        )
    numbers = list(numbers[-len(limits) :])
    if places is not None:
        largest = [max(places.x, default=-1), max(-1, max(places.y, default=-1))]
        is_flat = all(y == _NO_Y for y in places.y)
        used = largest if len(limits) == 2 else largest[:1] if is_flat else largest[1:]
        numbers = [
            _without_flow(number, most, high - low)
            for number, most, (low, high) in zip(numbers, used, limits, strict=True)
        ]
    return [
        make_axis(where, low, high, number)
        for number, (low, high) in zip(numbers, limits, strict=True)
    ]


def _without_flow(number: int, largest: int, length: float) -> int:
    """Return a number of channels without two of flow, if these were counted: then the channels
    have a width that somebody may have chosen, and none is used that would not be there."""
    if number <= 2 or largest >= number - 2 or _is_round(length / number):
        return number
    return number - 2 if _is_round(length / (number - 2)) else number


def _is_round(width: float) -> bool:
    """Tell whether a width has six digits at most."""
    return float(f"{width:.6g}") == width


def _fill(cells: npt.NDArray[np.float64], definition: Definition, places: _Places) -> None:
    """Put counts into cells."""
    x_cells = definition.x_axis.cells
    y_cells = 0 if definition.y_axis is None else definition.y_axis.cells
    x, y = np.array(places.x), np.array(places.y)
    is_there = (x >= -1) & (x < x_cells - 1)
    if y_cells:
        is_there &= (y >= -1) & (y < y_cells - 1)
    else:
        is_there &= y == _NO_Y
    if not is_there.all():
        first = int(is_there.argmin())
        shape = f"{x_cells - 2} x {y_cells - 2}" if y_cells else f"{x_cells - 2}"
        said = f"({x[first]})" if y[first] == _NO_Y else f"({x[first]} {y[first]})"
        raise SpectrumFileError(
            f"line {places.lines[first]}",
            f"channel {said} is none of the {shape} channels of the spectrum",
        )
    at = (y + 1) * x_cells + x + 1 if y_cells else x + 1
    np.add.at(cells.reshape(-1), at, np.array(places.counts))  # a channel may be there twice
