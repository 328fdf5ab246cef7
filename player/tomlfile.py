"""A TOML file with the line of every key. Knows TOML, and nothing of what the keys mean.

tomli does all the parsing. It keeps no positions, so the lines are found by giving it the
document statement by statement: the shortest run of lines that tomli accepts is a statement.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli

from player.errors import ConfigError, Fault

__all__ = ["KeyPath", "TomlFile", "dotted", "key_lines", "parse_toml", "read_toml"]

KeyPath = tuple[str | int, ...]

MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed file.

    Attributes:
        path: The file, as it was given.
        tables: The document.
        lines: Line (from 1) of each key and table header.
        warnings: What should be written differently, though tomli reads it.
    """

    path: Path
    tables: dict[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()

    def line(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest table around it; None for the document."""
        for length in range(len(path), 0, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return line
        return None

    def fault(self, path: KeyPath, text: str) -> Fault:
        """Return a fault that says where the key stands."""
        return Fault(self.path, self.line(path), dotted(path), text)


def dotted(path: KeyPath) -> str:
    """Return a path as text: `modes.MODE1.phases.arm[2]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield (line of the first character, source, parsed alone) of each statement of a valid document."""
    begin, chunk = 0, ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not chunk:
            begin = number
            if not line.strip() or line.lstrip().startswith("#"):
                continue
        chunk += line
        try:
            parsed = tomli.loads(chunk)
        except tomli.TOMLDecodeError:
            continue  # a value that goes on in the next line
        yield begin, chunk, parsed
        chunk = ""


def _leaf(parsed: Any, stop_at_arrays: bool = True) -> Iterator[KeyPath]:
    """Yield every key path of a parsed statement, tables before what is in them."""
    if isinstance(parsed, dict):
        for key, value in parsed.items():
            yield (key,)
            for rest in _leaf(value):
                yield (key, *rest)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) at which each key of a valid document first stands."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}  # entries seen of each array of tables
    table: KeyPath = ()
    for number, source, parsed in _statements(text):
        if source.lstrip().startswith("["):
            is_array = source.lstrip().startswith("[[")
            names: list[str] = []
            inner: Any = parsed
            while isinstance(inner, dict) and inner:
                name, inner = next(iter(inner.items()))
                names.append(name)
            path: KeyPath = ()
            for index, name in enumerate(names):
                path = (*path, name)
                lines.setdefault(path, number)
                if is_array and index == len(names) - 1:
                    counts[path] = counts.get(path, 0) + 1
                if path in counts:
                    path = (*path, counts[path] - 1)
                    lines.setdefault(path, number)
            # A header that comes after its sub-tables is still the place of the table itself.
            lines[path] = number
            table = path
        else:
            for rest in _leaf(parsed):
                lines.setdefault((*table, *rest), number)
    return lines


def parse_toml(text: str, path: Path) -> TomlFile:
    """Parse a document.

    Raises:
        ConfigError: Not TOML; one fault with the line.
    """
    try:
        tables = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ConfigError([Fault(path, error.lineno, "", f"not TOML: {error.msg}")]) from error
    warnings: tuple[Fault, ...] = ()
    try:
        different = tomllib.loads(text) != tables
        reason = "other values"
    except tomllib.TOMLDecodeError as error:
        different, reason = True, str(error)
    if different:
        warnings = (Fault(path, None, "", f"this is TOML 1.1; write TOML 1.0, which every reader knows ({reason})"),)
    return TomlFile(path, tables, key_lines(text), warnings)


def read_toml(path: Path) -> TomlFile:
    """Read and parse a file.

    Raises:
        ConfigError: It cannot be read, is not UTF-8, or is not TOML.
    """
    try:
        is_other = path.exists() and not (path.is_file() or path.is_dir())
        if is_other or (path.is_file() and path.stat().st_size > MAX_BYTES):
            what = f"a regular file of up to {MAX_BYTES >> 20} MiB"  # /dev/zero has no end, and nobody writes to a FIFO
            raise ConfigError([Fault(path, None, "", f"cannot be read: expected {what}")])
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError([Fault(path, None, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([Fault(path, line, "", "not UTF-8 text")]) from error
    return parse_toml(text.replace("\r\n", "\n"), path)
