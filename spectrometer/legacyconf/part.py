"""One section on its way into one table: which options were taken, where each went, and what is
said about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from groundwork.errors import did_you_mean
from player.tomlfile import KeyPath
from spectrometer.config import card_fault
from spectrometer.legacyconf.findings import MigrationFinding, Sort
from spectrometer.legacyconf.inifile import IniFile, IniOption, Section
from spectrometer.legacyconf.values import is_given, status_key, status_value, whole, words

__all__ = ["MigrationPart", "Result"]

WRITTEN_BY_BACKENDS = {"MODENAME", "HWEXPOSR"}


@dataclass(slots=True)
class Result:
    """Result of a file.

    Attributes:
        tables: The document, as `tomllib` would read it.
        comments: Lines of comment that belong to a key or table.
        head, tail: Comment before and after everything.
        findings: In the order in which they were made.
    """

    tables: dict[str, Any] = field(default_factory=dict)
    comments: dict[KeyPath, list[str]] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    findings: list[MigrationFinding] = field(default_factory=list)


class MigrationPart:
    """One section.

    Args:
        ini: The file.
        section: Of it.
        result: Where findings and comments go.
        path: Of the table that the section becomes.
    """

    def __init__(
        self, ini: IniFile, section: Section, result: Result, path: tuple[str, ...]
    ) -> None:
        self.ini, self.section, self.result, self.path = ini, section, result, path
        self.table: dict[str, Any] = {}
        self._taken: set[str] = set()
        self.comment(path, section.comments)

    def comment(self, path: KeyPath, lines: list[str]) -> None:
        """Let comment go before a key or table."""
        if lines:
            self.result.comments.setdefault(path, []).extend(lines)

    def say(self, sort: Sort, key: str, text: str) -> None:
        """Add a finding about a key; about the section if it is empty."""
        option = self.ini.find(self.section, key) if key else None
        line, spelled = (option.line, option.spelled) if option else (self.section.line, key)
        self.result.findings.append(MigrationFinding(line, self.section.name, spelled, sort, text))

    def _text(self, option: IniOption) -> str:
        try:
            return self.ini.value(self.section, option)
        except ValueError as error:
            if option.name not in self._taken:
                self.say(Sort.DOUBTFUL, option.name, f"{error}; taken as it stands")
            return option.value.strip(' \t\r\n"')

    def text(self, key: str) -> str | None:
        """Take the text of an option; None if it is not given."""
        option = self.ini.find(self.section, key)
        if option is None:
            return None
        text = self._text(option)
        self._taken.add(option.name)
        return text if is_given(text) else None

    def has(self, key: str) -> bool:
        """Tell whether an option is given, without taking it."""
        option = self.ini.find(self.section, key)
        return option is not None and is_given(option.value.strip(' \t\r\n"'))

    def put(self, key: str, to: tuple[str, ...], value: Any) -> None:
        """Put the value of an option into the table; its comment goes with it."""
        table = self.table
        for name in to[:-1]:
            table = table.setdefault(name, {})
        table[to[-1]] = value
        option = self.section.options.get(key.lower())
        if option is not None:
            self.comment((*self.path, *to), option.comments)

    def copy(
        self,
        key: str,
        to: tuple[str, ...],
        read: Callable[[str], Any | None] = str,
        expected: str = "",
        *,
        needed: bool = True,
    ) -> Any | None:
        """Take an option over.

        Args:
            key: Of the section.
            to: In the table.
            read: Text -> value; None for what is none.
            expected: What the text should have been.
            needed: Without it the table is of no use.

        Returns:
            The value; None if there is none, which has been said.
        """
        text = self.text(key)
        if text is None:
            if needed:
                self.say(Sort.FAULT, key, f"is missing; the new file needs {'.'.join(to)}")
            return None
        value = read(text)
        if value is not None:
            self.put(key, to, value)
            return value
        if needed:  # stays in, so that nothing goes on without it
            self.say(Sort.FAULT, key, f"{text[:60]!r} is no {expected}")
            self.put(key, to, text)
        else:
            self.say(
                Sort.DROPPED,
                key,
                f"{text[:60]!r} is no {expected}; so it was not given for the original either",
            )
        return None

    def status(self, values: dict[str, Any] | None = None) -> None:
        """Take `shmkeys` and the keys that it names; `values` are there already."""
        status: dict[str, Any] = dict(values or {})
        named: set[str] = set()
        for name in words(self.text("shmkeys") or ""):
            text, key = self.text(name), status_key(name)
            if text is None:
                self._absent("shmkeys", name)
            elif key is None:
                self.say(
                    Sort.DROPPED, name, f"{name!r} is no status key: 1 to 8 of A-Z, 0-9, _ and -"
                )
            elif key in named:
                self.say(
                    Sort.DROPPED,
                    "shmkeys",
                    f"names {key} twice; once is enough, in whichever spelling",
                )
            elif key in WRITTEN_BY_BACKENDS:
                self.say(
                    Sort.DROPPED,
                    "shmkeys",
                    f"names {key}, which every Backend computes and writes itself",
                )
            elif fault := card_fault(key, value := status_value(text)):
                self.say(Sort.DROPPED, name, f"no status card holds the value: {fault}")
            else:
                status[key] = value
                self._comment_of(name, "status")
            named.add(key or name)
        if status:
            self.table["status"] = status

    def registers(self) -> None:
        """Take `roach_reg_keys` and the keys that it names."""
        for name in words(self.text("roach_reg_keys") or ""):
            text = self.text(name)
            if text is None:
                self._absent("roach_reg_keys", name)
                continue
            value = whole(text)
            if value is None or not -(2**31) <= value < 2**32:
                self.say(Sort.FAULT, name, f"{text[:60]!r} is no 32-bit value for a register")
            self.table.setdefault("registers", {})[name] = text if value is None else value
            self._comment_of(name, "registers")

    def _absent(self, key: str, name: str) -> None:
        self.say(
            Sort.DROPPED,
            key,
            f"names {name}, which the section does not have; the original only warned",
        )

    def _comment_of(self, name: str, table: str) -> None:
        option = self.section.options.get(name.lower())
        if option is not None and option.name not in ("backend", "modename", "hwexposr"):
            self.comment((*self.path, table), option.comments)

    def finish(self, known: Iterable[str], historic: dict[str, str]) -> None:
        """List the options that nothing took.

        Args:
            known: Keys of such a section, to guess what a misspelt one was meant to be.
            historic: Key -> why it is not needed any more.
        """
        names = sorted(known)
        for option in self.section.options.values():
            if option.name in self._taken:
                continue
            self.comment(self.path, option.comments)
            text = self._text(option)
            if option.name in historic:
                self.say(Sort.DROPPED, option.name, historic[option.name])
            elif option.name in {name.lower() for name in names}:
                if is_given(text):
                    self.say(Sort.DROPPED, option.name, "nothing uses it here")
            else:
                self.say(
                    Sort.DROPPED, option.name, f"unknown key{did_you_mean(option.spelled, names)}"
                )
