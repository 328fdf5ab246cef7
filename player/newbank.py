"""New distributions with a kind of Bank of one's own, from the template: `player new-bank`.

Imports no Bank: the names are checked against what is installed, and the files are texts.
"""

from __future__ import annotations

import keyword
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

from player.errors import NewBankError

__all__ = ["MAX_NAME_CHARACTERS", "BankNames", "write_distribution"]

MAX_NAME_CHARACTERS = 30
"""So that no line of the template gets too long."""
TEMPLATE, SUFFIX = "template", ".tmpl"
_FORM = re.compile(r"[a-z][a-z0-9]+(?:-[a-z0-9]+)*\Z")
_HOLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class BankNames:
    """Names in a new distribution, all made from that of the kind.

    Attributes:
        kind: As the configuration names it: `weather-mast`.
    """

    kind: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the names that belong to a kind.

        Raises:
            ValueError: Not a name of a kind, or its package could not be imported.
        """
        if not _FORM.match(text) or len(text) > MAX_NAME_CHARACTERS:
            raise ValueError(
                f"{text!r:.80} is not a name of a kind; write 2 to {MAX_NAME_CHARACTERS} small letters "
                "and digits, with hyphens between words, as weather-mast"
            )
        names = cls(text)
        if keyword.iskeyword(names.package):
            raise ValueError(f"{text!r} is a word of Python; add another word, as {text}-unit")
        if names.package in sys.stdlib_module_names:
            raise ValueError(
                f"{text!r} is a module of Python's library; add another word, as {text}-unit"
            )
        return names

    @property
    def package(self) -> str:
        """Name of the Python package."""
        return self.kind.replace("-", "_")

    def holes(self) -> dict[str, str]:
        """Return what stands for each name in the template."""
        return {
            "kind": self.kind,
            "package": self.package,
            "Class": "".join(word.capitalize() for word in self.kind.split("-")),
            "BANK": self.package.upper(),
            "title": self.kind.replace("-", " ").capitalize(),
        }


def write_distribution(names: BankNames, into: Path) -> Path:
    """Write a distribution into a folder of its own, and return that folder.

    Args:
        names: Of what is written; the folder gets the kind's.
        into: Folder that exists, in which the new one is made.

    Raises:
        NewBankError: The kind, its package or the folder is there already, or it cannot be written;
            then nothing is left of it.
    """
    _refuse_installed(names)
    target = into / names.kind
    try:
        target.mkdir()
    except FileExistsError as error:
        raise NewBankError(
            f"{target} is there already and is not touched; take another name, or --into DIR"
        ) from error
    except FileNotFoundError as error:
        raise NewBankError(f"{into} is not a folder; make it first: mkdir -p {into}") from error
    except OSError as error:
        raise NewBankError(f"{target} cannot be made: {error.strerror}") from error
    try:
        for place, text in _filled(names):
            path = target / place
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, OSError):
            raise NewBankError(f"{target} cannot be written: {error.strerror}") from error
        raise
    return target


def _refuse_installed(names: BankNames) -> None:
    from player.kinds import kind_names

    if names.kind in kind_names():
        raise NewBankError(f"a kind {names.kind} is installed here; take another name")
    found = PathFinder.find_spec(names.package)
    if found is not None and found.origin is not None:  # a folder of that name has no origin
        raise NewBankError(
            f"a package {names.package} is installed here, {found.origin}; take another name"
        )


def _filled(names: BankNames) -> Iterator[tuple[Path, str]]:
    """Yield path, below the new folder, and text of each file."""
    holes = names.holes()
    for place, file in _templates(files("player") / TEMPLATE, Path()):
        renamed = Path(*(_renamed(part, names) for part in place.parts))
        text = file.read_text(encoding="utf-8")
        yield renamed, _HOLE.sub(lambda hole: holes[hole[1]], text)


def _templates(folder: Traversable, at: Path) -> Iterator[tuple[Path, Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _templates(each, at / each.name)
        elif each.name.endswith(SUFFIX):
            yield at / each.name.removesuffix(SUFFIX), each


def _renamed(part: str, names: BankNames) -> str:
    return {"package": names.package, "kind.toml": f"{names.kind}.toml"}.get(part, part)
