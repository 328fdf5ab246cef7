"""Places of the readers: an environment for each in `.readers/`, or the present one; and a question
to one of them.

A reader is asked by a child process of its own environment, which has a time limit and whose exit
status is looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Answer", "Reader", "ReaderError", "ask", "readers"]

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent / ".readers"
LIMIT_S = 300.0


class ReaderError(Exception):
    """A reader that refused a file, or ended otherwise than well; the text is the last line that it
    said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A program that reads some kinds of our files."""

    name: str
    kinds: tuple[str, ...]
    licence: str
    package: str = ""
    also: tuple[str, ...] = ()
    python: str = ""
    """Least version that it takes; empty: that of this project."""
    debian: str = ""
    program: str = ""

    @property
    def own_python(self) -> Path:
        """Of its own environment."""
        return ENVIRONMENTS / self.name / "bin" / "python"

    @property
    def is_installed_here(self) -> bool:
        """The present environment has the very version."""
        name, _, pinned = self.package.partition("==")
        try:
            found = version(name.partition(">=")[0])
        except PackageNotFoundError:
            return False
        return not self.python and pinned in ("", found)

    @property
    def command(self) -> list[str]:
        """Words that run it, before the file; empty: it is not to be had here."""
        if self.program:
            found = shutil.which(self.program)
            return [] if found is None else [found]
        child = str(HERE / "children" / f"read_{self.name}.py")
        if self.own_python.exists():
            return [str(self.own_python), child]
        return [sys.executable, child] if self.is_installed_here else []

    @property
    def why_not(self) -> str:
        """Remedy: the way to have it."""
        if self.debian:
            return f"{self.name} is not installed: apt-get install {self.debian}"
        return f"{self.name} is not installed: make readers"

    def set_up(self) -> str:
        """Make its environment; empty, or why that cannot be."""
        if self.debian:
            return "" if self.command else self.why_not
        interpreter = _interpreter(self.python)
        if interpreter is None:
            return f"{self.name} takes Python {self.python} or later, and there is none here"
        if not self.own_python.exists():
            subprocess.run([interpreter, "-m", "venv", self.own_python.parent.parent], check=True)
        words = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            self.package,
            *self.also,
        ]
        done = subprocess.run(
            [self.own_python, *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(self.own_python.parent.parent)
            return f"{self.package} cannot be installed: {_last(done.stderr)}"
        return ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Numbers and arrays that a reader found in a file."""

    numbers: dict[str, Any]
    arrays: dict[str, Any]


@lru_cache(maxsize=1)
def readers() -> dict[str, Reader]:
    """All readers, by name."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(
        (HERE / "readers.toml").read_text(encoding="utf-8")
    )
    for table in tables.values():
        table.update({key: tuple(value) for key, value in table.items() if isinstance(value, list)})
    return {name: Reader(name=name, **table) for name, table in tables.items()}


def ask(reader: Reader, file: Path) -> Answer:
    """Let a reader read a file.

    Raises:
        ReaderError: It did not.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "answer.npz")
        words = [*reader.command, str(file)] + ([] if reader.program else [str(out)])
        environment = {**os.environ, "MPLBACKEND": "Agg", "NUMBA_DISABLE_PERFORMANCE_WARNINGS": "1"}
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
                cwd=folder,
                env=environment,
            )
        except subprocess.TimeoutExpired as error:
            raise ReaderError(f"no answer within {LIMIT_S:g} s") from error
        if reader.program:  # it says all there is
            words = done.stdout.split()
            return Answer(
                {"status": done.returncode, "version": words[1] if len(words) > 1 else ""}, {}
            )
        if done.returncode:
            raise ReaderError(
                _last(done.stderr) or _last(done.stdout) or f"exit status {done.returncode}"
            )
        with np.load(out) as arrays:
            return Answer(json.loads(_last(done.stdout)), dict(arrays))


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _interpreter(least: str) -> str | None:
    """A Python of at least this version; the present one if it will do."""
    if not least or tuple(map(int, least.split("."))) <= sys.version_info[:2]:
        return sys.executable
    minor = int(least.partition(".")[2])
    names = [f"python3.{number}" for number in range(minor + 4, minor - 1, -1)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [str(path) for name in names for path in sorted(pyenv.glob(f"*/bin/{name}"))]
    for candidate in (*names, *found):
        with tempfile.TemporaryFile() as nowhere:
            try:  # a shim may be there without an interpreter behind it
                done = subprocess.run(
                    [candidate, "-c", ""], stdout=nowhere, stderr=nowhere, check=False
                )
            except OSError:
                continue
        if done.returncode == 0:
            return candidate
    return None
