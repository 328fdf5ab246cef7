"""The original's INI file as its own reader took it, Python 2's ConfigParser, but with lines and
comments kept.

The rules are not those of today's configparser: a value ends at ` ;`, blank lines do not end it,
options and sections may stand twice. What keys mean is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from spectrometer.legacyconf.findings import MigrationFinding, Sort

__all__ = ["IniFile", "IniOption", "Section", "read_ini"]

_SECTION = re.compile(r"\[(?P<header>[^\]]+)\]")
_OPTION = re.compile(r"(?P<option>[^:=\s][^:=]*?)\s*(?P<sign>[:=])\s*(?P<value>.*)$", re.DOTALL)
_REFERENCE = re.compile(r"%\((?P<name>[^)]*)\)s|%(?P<escaped>%)")
MAX_DEPTH = 10  # of `%(name)s` in each other, as in the original
MAX_VALUE = 1 << 16  # characters; they could grow without end
HOLDS_FOR_ALL = (
    "DEFAULT"  # ConfigParser's own name; the original's file has [DEFAULTS], which is another
)


@dataclass(slots=True)
class IniOption:
    """One option.

    Attributes:
        name: In small letters, as it is looked up.
        spelled: As it stands in the file.
        line: Where, from 1; of one that stands several times the last.
        lines: Its text, and the lines that continue it.
        comments: Lines of comment before it, and behind it.
        earlier: What stood before, if it is there several times.
    """

    name: str
    spelled: str
    line: int
    lines: list[str]
    comments: list[str] = field(default_factory=list)
    earlier: list[IniOption] = field(default_factory=list)

    @property
    def value(self) -> str:
        """The text as it stands."""
        return "\n".join(self.lines)


@dataclass(slots=True)
class Section:
    """One section, with the options in the order of the file."""

    name: str
    line: int
    comments: list[str] = field(default_factory=list)
    options: dict[str, IniOption] = field(default_factory=dict)


@dataclass(slots=True)
class IniFile:
    """The file.

    Attributes:
        sections: By name, in the order of the file.
        common: `[DEFAULT]`, whose options every section has.
        head: Comment before everything.
        tail: Comment after everything.
        findings: What the original would have refused, or read without a word.
    """

    sections: dict[str, Section] = field(default_factory=dict)
    common: Section = field(default_factory=lambda: Section(HOLDS_FOR_ALL, 0))
    head: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    findings: list[MigrationFinding] = field(default_factory=list)

    def find(self, section: Section, name: str) -> IniOption | None:
        """Return an option of a section, or of all sections, in any spelling."""
        name = name.strip().lower()
        return section.options.get(name) or self.common.options.get(name)

    def value(self, section: Section, option: IniOption) -> str:
        """Return the text of an option with `%(name)s` replaced, without blanks and quotes around
        it.

        Raises:
            ValueError: It names an option that is not there, or itself.
        """
        text = option.value
        for _ in range(MAX_DEPTH):
            if "%(" not in text:
                return text.strip(' \t\r\n\f\v"')
            text = "".join(self._replaced(section, text))
            if len(text) > MAX_VALUE:
                break
        raise ValueError(
            f"the %(...)s in it have no end: more than {MAX_DEPTH} in each other, or too long a text"
        )

    def _replaced(self, section: Section, text: str) -> Iterator[str]:
        end = 0
        for match in _REFERENCE.finditer(text):
            yield text[end : match.start()]
            end = match.end()
            if match["escaped"]:
                yield "%"
                continue
            other = self.find(section, match["name"])
            if other is None:
                raise ValueError(f"it names %({match['name']})s, which is no option of the section")
            yield other.value
        if "%(" in (rest := text[end:]):
            raise ValueError("it has a %( that is not %(name)s; write %%( for the characters")
        yield rest


class _Reader:
    """Takes the file line by line."""

    def __init__(self) -> None:
        self.file = IniFile()
        self._section: Section | None = None
        self._option: IniOption | None = None
        self._blocks: list[list[str]] = [
            []
        ]  # of comment, parted by blank lines, that wait for what they belong to

    def take(self, number: int, line: str) -> None:
        if not line.strip():
            self._blocks.append([])
        elif line[0] in "#;" or re.match(r"rem(\s|$)", line, re.IGNORECASE):
            self._blocks[-1].append(line.rstrip())
        elif line[0].isspace() and self._section is not None and self._option is not None:
            self._option.lines.append(line.strip())
        elif header := _SECTION.match(line):
            self._begin(number, header["header"])
        elif self._section is None:
            self._say(number, "", "stands before the first section; the original stops here")
        elif option := _OPTION.match(line):
            self._set(number, option["option"], option["value"])
        else:
            text = f"neither section nor option, the original stops here: {line.strip()[:60]!r}"
            self._say(number, self._section.name, text)

    def _say(self, number: int, section: str, text: str) -> None:
        self.file.findings.append(MigrationFinding(number, section, "", Sort.DROPPED, text))

    def _waiting(self) -> list[str]:
        blocks, self._blocks = self._blocks, [[]]
        return [line for block in blocks for line in block]

    def _begin(self, number: int, name: str) -> None:
        self._option = None
        if self._section is None:  # a block of its own above the first section is about the file
            self.file.head = [line for block in self._blocks[:-1] for line in block]
            self._blocks = self._blocks[-1:]
        if name == HOLDS_FOR_ALL:
            self._section = self.file.common
            self._section.line = self._section.line or number
        elif name in self.file.sections:
            self._section = self.file.sections[name]
            text = f"the section stands twice, first in line {self._section.line}; both are taken together"
            self.file.findings.append(MigrationFinding(number, name, "", Sort.DOUBTFUL, text))
        else:
            self._section = self.file.sections[name] = Section(name, number)
        self._section.comments += self._waiting()

    def _set(self, number: int, spelled: str, value: str) -> None:
        assert self._section is not None
        comments = self._waiting()
        at = value.find(";")
        if at > 0 and value[at - 1].isspace():  # only the first one counts, as in the original
            comments.append(value[at:].rstrip())
            value = value[:at]
        self._look_at(number, spelled.strip(), value.strip())
        option = IniOption(
            spelled.strip().lower(), spelled.strip(), number, [value.strip()], comments
        )
        if (before := self._section.options.pop(option.name, None)) is not None:
            option.earlier, before.earlier = before.earlier, []
            option.earlier.append(before)
            option.comments, before.comments = before.comments, []
            option.comments += comments
        self._section.options[option.name] = self._option = option

    def _look_at(self, number: int, spelled: str, value: str) -> None:
        """Tell of what looks like something else than it was to the original."""
        assert self._section is not None
        text = ""
        if re.search(r"\s#", value):
            text = (
                f"a # behind a value began no comment in the original: the value is {value[:60]!r}"
            )
        elif len(value) > 1 and value[0] == value[-1] == "'":
            text = f"single quotes are a part of the value in the original: it is {value[:60]!r}"
        elif value.count('"') % 2:
            text = f"has a quote without its partner: {value[:60]!r}; the original took quotes off both ends"
        if text:
            self.file.findings.append(
                MigrationFinding(number, self._section.name, spelled, Sort.DOUBTFUL, text)
            )

    def end(self) -> IniFile:
        self.file.tail = self._waiting()
        for section in (self.file.common, *self.file.sections.values()):
            for option in section.options.values():
                if option.earlier:
                    others = ", ".join(
                        f"{other.value[:60]!r} in line {other.line}"
                        for other in option.earlier
                        if other.value != option.value
                    )
                    lines = ", ".join(str(other.line) for other in option.earlier)
                    text = (
                        f"the last one holds, not {others}"
                        if others
                        else f"the same as in line {lines}"
                    )
                    text = f"is given {len(option.earlier) + 1} times; {text}"
                    place = (option.line, section.name, option.spelled)
                    self.file.findings.append(MigrationFinding(*place, Sort.DOUBTFUL, text))
        return self.file


def read_ini(text: str) -> IniFile:
    """Read the text of a file; whatever it is, there is a result, and `findings` says what was left
    out."""
    reader = _Reader()
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if re.search(r"\r(?!\n)", text):
        said = (
            "has lines that end in CR alone, which the original did not part; taken for lines here"
        )
        reader.file.findings.append(MigrationFinding(1, "", "", Sort.DOUBTFUL, said))
    for number, line in enumerate(lines, start=1):
        reader.take(number, line)
    return reader.end()
