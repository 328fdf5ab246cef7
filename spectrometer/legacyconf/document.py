"""A migrated file as TOML text: the order of tables, what stands in one line, comments before what
they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import Comment, Item, Table, Trivia

from arrayconfig.files import has_key
from player.tomlfile import KeyPath
from spectrometer.legacyconf.part import Result
from spectrometer.legacyconf.values import Hex

__all__ = ["write"]

WIDTH = 118
SUB_TABLES = frozenset({"roach", "synth", "phases", "coherent"})
"""Tables below a Bank or mode that have a header of their own; others stand in one line if they are
short."""
LISTENING = [
    '# bind = "0.0.0.0"    # the original\'s Players listened so; Dealers on other hosts need it, and keys'
]
MASTER_SLAVE = [
    "# master int/int, int/ext, ext/ext, slave int/int, int/ext, ext/ext (switching / blanking source)"
]


def _text(value: str) -> str:
    """Text that stays as it is: ours replaces `${NAME}` in it."""
    return value.replace("${", "$${")


def _plain(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, Hex) and value >= 0:
        return f"0x{int(value):0{2 if value < 256 else 4}X}"
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_plain(item)}" for key, item in value.items())
        return "{ " + inside + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, str):
        return tomlkit.item(_text(value)).as_string()
    return tomlkit.item(int(value) if isinstance(value, Hex) else value).as_string()


def _comment(line: str) -> str:
    """Return a line of comment, of which `;` and `rem` are signs in the old file, as one of
    TOML."""
    return line if line.startswith("#") else f"#{line[1:]}" if line.startswith(";") else f"# {line}"


def _key(name: str) -> str:
    return tomlkit.key(name).as_string()


def _wrapped(name: str, value: Any) -> Item:
    """Return a value, a long list of it in several lines."""
    plain = _plain(value)
    indent = len(_key(name)) + 4
    if isinstance(value, list) and indent + len(plain) > WIDTH:
        lines: list[str] = []
        line = ""
        for item in map(_plain, value):
            if line and indent + len(line) + len(item) + 2 > WIDTH:
                lines.append(line)
                line = ""
            line += f"{', ' if line else ''}{item}"
        plain = "[" + f",\n{' ' * indent}".join([*lines, line]) + "]"
    return tomlkit.value(plain)


class _Writer:
    def __init__(self, result: Result) -> None:
        self._comments = dict(result.comments)
        self._tables = result.tables
        self.document = tomlkit.document()
        for lines in (result.head,):
            self._say(self.document, lines)
        self._tail = result.tail

    def whole(self) -> str:
        self._lost()
        for name, table in self._tables.items():
            if name in ("banks", "mode_defaults", "modes"):
                above = tomlkit.table(is_super_table=True)
                for inner, content in table.items():
                    above.append(tomlkit.key(inner), self._table((name, inner), content))
                self.document.append(name, above)
            else:
                self.document.append(name, self._table((name,), table))
        if self._tail:
            self.document.add(tomlkit.nl())
            self._say(self.document, self._tail)
        return "\n".join(line.rstrip() for line in tomlkit.dumps(self.document).split("\n"))

    def _say(self, where: Container | Table, lines: list[str]) -> None:
        for line in lines:
            shown = "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
            where.add(Comment(Trivia(comment_ws="", comment=_comment(shown))))

    def _lost(self) -> None:
        """Let comment of a key that is not there go to the table around it."""
        for path in list(self._comments):
            if not path or not has_key(self._tables, path):
                lines = self._comments.pop(path)
                while path and not has_key(self._tables, path):
                    path = path[:-1]
                if path:
                    self._comments[path] = [*self._comments.get(path, []), *lines]
                else:
                    self._tail = [*self._tail, *lines]

    def _below(self, path: KeyPath) -> list[str]:
        """Return comment of keys inside a table that stands in one line."""
        return [
            line
            for known, lines in self._comments.items()
            if known[: len(path)] == path
            for line in lines
        ]

    def _table(self, path: KeyPath, content: Mapping[str, Any]) -> Table:
        table = tomlkit.table()
        self._say(table, self._comments.get(path, []))
        if path == ("instrument",) and "bind" not in content:
            self._say(table, LISTENING)
        headed: dict[str, Any] = {}
        for name, value in content.items():
            if isinstance(value, dict) and self._needs_header(path, name, value):
                headed[name] = value
                continue
            self._say(table, self._below((*path, name)))
            if name == "master_slave_sel":
                self._say(table, MASTER_SLAVE)
            table.append(tomlkit.key(name), _wrapped(name, value))
        for name, value in headed.items():
            table.append(tomlkit.key(name), self._table((*path, name), value))
        return table

    def _needs_header(self, path: KeyPath, name: str, value: dict[str, Any]) -> bool:
        if len(path) == 1:  # a row of [hpc_macs]
            return False
        inner = any(
            len(known) > len(path) + 1 and known[: len(path) + 1] == (*path, name)
            for known in self._comments
        )
        return name in SUB_TABLES or inner or len(name) + 3 + len(_plain(value)) > WIDTH


def write(result: Result) -> str:
    """Return the text of a file."""
    return _Writer(result).whole()
