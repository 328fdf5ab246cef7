"""The TOML files of a configuration as one document, with the file and line of every key. Knows not
what keys mean.

tomli does all the parsing. It keeps no positions, so the lines are found by giving it the document
statement by statement: a statement ends with a line, outside of strings and brackets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli

from arrayconfig.files import (
    FilesError,
    KeyPath,
    check_depth,
    config_files,
    config_text,
    dotted,
    merged,
    substitute,
    toml_fault,
)
from player.errors import ConfigError, Fault

MAX_TWICE = 20
_STRINGS = (
    r'"""(?:[^\\]|\\.)*?""""{0,2}',
    r"'''.*?''''{0,2}",
    r'"(?:[^"\\\n]|\\.)*"',
    r"'[^'\n]*'",
    r"#[^\n]*",
)
_PIECE = re.compile(
    rf"{'|'.join(_STRINGS)}|(?P<open>[\[{{])|(?P<close>[\]}}])|(?P<end>\n)", re.DOTALL
)
"""Of a valid document: strings and comments as a whole, brackets outside of them, ends of lines."""

__all__ = ["KeyPath", "TomlFile", "key_lines", "parse_toml", "put_over", "read_toml"]


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed configuration, of one file or of several.

    Attributes:
        path: The file or directory, as it was given.
        tables: The document, with variables replaced.
        files: The files, in the order in which they were merged.
        places: File and line (from 1) of each key and table header. Of a value that stands in
            several files the last place, which is the one that counts; of a table the first.
        variables: Names of the variables in each text.
        unresolved: What is wrong with the variables of a text.
        warnings: What should be written differently, though tomli reads it.
    """

    path: Path
    tables: dict[str, Any]
    files: tuple[Path, ...] = ()
    places: Mapping[KeyPath, tuple[Path, int]] = field(default_factory=dict)
    variables: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)
    unresolved: Mapping[KeyPath, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()

    def place(self, path: KeyPath) -> tuple[Path, int] | None:
        """Return file and line of a key, or of the nearest table around it; None for the
        document."""
        for length in range(len(path), 0, -1):
            if (place := self.places.get(path[:length])) is not None:
                return place
        return None

    def line(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest table around it; None for the document."""
        place = self.place(path)
        return None if place is None else place[1]

    def fault(self, path: KeyPath, text: str) -> Fault:
        """Return a fault that says where the key stands."""
        file, line = self.place(path) or (self.path, None)
        return Fault(file, line, dotted(path), text)

    def in_order(self, faults: list[Fault]) -> list[Fault]:
        """Return faults in the order of files and lines, each once."""
        order = {file: number for number, file in enumerate(self.files)}
        return sorted(
            dict.fromkeys(faults), key=lambda fault: (order.get(fault.file, -1), fault.line or 0)
        )


def _ends(text: str) -> Iterator[int]:
    """Yield where the lines end that end a statement, or are empty: not within a string, list or
    inline table."""
    depth = 0
    for found in _PIECE.finditer(text):
        kind = found.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "end" and depth <= 0:
            yield found.end()
    yield len(text)


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield (line of the first character, source, parsed alone) of each statement of a valid
    document."""
    begin, number = 0, 1
    for end in _ends(text):
        source = text[begin:end]
        if source.strip() and not source.lstrip().startswith("#"):
            with suppress(tomli.TOMLDecodeError):  # a fault of its own, of a document with others
                yield (
                    number,
                    source if source.endswith("\n") else f"{source}\n",
                    tomli.loads(source),
                )
        begin, number = end, number + source.count("\n")


def _leaf(parsed: Any) -> Iterator[KeyPath]:
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


def parse_toml(text: str, path: Path, environment: Mapping[str, str] | None = None) -> TomlFile:
    """Parse the document of one file.

    Args:
        text: The document.
        path: Where it stands.
        environment: Of `${VAR}`; variables that are missing are in `unresolved`.

    Raises:
        ConfigError: Not TOML; what stands twice each with its line, of anything else the first.
    """
    try:
        tables = tomli.loads(text)
        check_depth(tables)
    except (ValueError, RecursionError) as error:
        raise ConfigError(_syntax_faults(text, path, error)) from error
    lines = key_lines(text)
    found = substitute(tables, environment or {})
    return TomlFile(
        path,
        found.value,
        (path,),
        {key: (path, line) for key, line in lines.items()},
        found.used,
        found.faults,
        _not_toml_1_0(text, tables, path),
    )


def _syntax_faults(text: str, path: Path, error: ValueError | RecursionError) -> list[Fault]:
    """Return the faults of a document that tomli refuses.

    A parser stops at the first fault. A key or table that stands twice is known well enough to go
    on without it.
    """
    faults: list[Fault] = []
    lines = text.split("\n")
    renamed: dict[
        str | int, KeyPath
    ] = {}  # tables that stood twice: what is in them is looked at all the same
    while (
        len(faults) < MAX_TWICE
        and (twice := _twice(lines, toml_fault(path, "\n".join(lines), error))) is not None
    ):
        key, number, first, size = twice
        key = (*renamed.get(key[0], key[:1]), *key[1:])
        faults.append(Fault(path, number, dotted(key), f"is there twice; first in line {first}"))
        is_header = lines[number - 1].lstrip().startswith("[")
        lines[number - 1 : number - 1 + size] = [
            f"[twice-{number}]" if is_header else "",
            *[""] * (size - 1),
        ]
        renamed[f"twice-{number}"] = key
        try:
            tomli.loads("\n".join(lines))
        except (ValueError, RecursionError) as another:
            error = another
        else:
            return faults
    return [*faults, toml_fault(path, "\n".join(lines), error)]


def _twice(lines: list[str], fault: Fault) -> tuple[KeyPath, int, int, int] | None:
    """Return (key, its line, the line where it stood first, lines that it takes) if the fault is a
    key set twice."""
    if fault.line is None or not any(text in fault.text for text in ("overwrite", "twice")):
        return None
    known: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for begin, source, parsed in _statements("\n".join(lines)):
        is_header = source.lstrip().startswith("[")
        keys = list(_leaf(parsed)) if not is_header else [max(_leaf(parsed), key=len, default=())]
        ends = [key if is_header else (*table, *key) for key in keys]
        size = source.count("\n")
        if begin <= fault.line < begin + size:
            clash = max((key for key in ends if key in known), key=len, default=None)
            return None if clash is None else (clash, begin, known[clash], size)
        table = ends[-1] if is_header and ends else table
        known |= {key: begin for key in ends if key not in known}
    return None


def _not_toml_1_0(text: str, tables: dict[str, Any], path: Path) -> tuple[Fault, ...]:
    """Return a warning if tomllib, which a Dealer reads the file with, does not read the same."""
    try:
        if repr(tomllib.loads(text)) == repr(tables):  # as text, because NaN is not equal to itself
            return ()
        line, reason = None, "other values"
    except (ValueError, RecursionError) as error:
        fault = toml_fault(path, text, error)
        line, reason = fault.line, fault.text.removeprefix("not TOML: ")
    return (
        Fault(
            path, line, "", f"this is TOML 1.1; write TOML 1.0, which every reader knows ({reason})"
        ),
    )


def _value(tables: Any, path: KeyPath) -> Any:
    for part in path:
        if isinstance(tables, dict) and part in tables:
            tables = tables[part]
        else:
            return None
    return tables


def put_over(under: TomlFile, over: TomlFile) -> TomlFile:
    """Return two files merged; what stands in both is the later one's, as `merged` has it."""
    places, variables, unresolved = every = (
        dict(under.places),
        dict(under.variables),
        dict(under.unresolved),
    )
    for path, place in over.places.items():
        stays = isinstance(_value(under.tables, path), dict) and isinstance(
            _value(over.tables, path), dict
        )
        if path in places and not stays:
            for told in every:
                for known in [known for known in told if known[: len(path)] == path]:
                    del told[known]
        places.setdefault(path, place)
    return TomlFile(
        under.path,
        merged(under.tables, over.tables),
        (*under.files, *over.files),
        places,
        {**variables, **over.variables},
        {**unresolved, **over.unresolved},
        (*under.warnings, *over.warnings),
    )


def read_toml(path: Path, environment: Mapping[str, str] | None = None) -> TomlFile:
    """Read and parse a file and what is merged into it, or the files of a directory.

    Args:
        path: File or directory.
        environment: Of `${VAR}`; variables that are missing are in `unresolved`.

    Raises:
        ConfigError: Files cannot be read, are not UTF-8 or no TOML; a fault for each.
    """
    faults: list[Fault] = []
    source = TomlFile(path, {})
    try:
        for file in config_files(path):
            try:
                source = put_over(source, parse_toml(config_text(file), file, environment))
            except (ConfigError, FilesError) as error:
                faults += error.faults
    except FilesError as error:
        faults += error.faults
    if faults:
        raise ConfigError(faults)
    return source
