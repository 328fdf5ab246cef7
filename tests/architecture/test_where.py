"""Pages about the code are true: what they name exists, and docs/where.md misses no module."""

from __future__ import annotations

import re
import tomllib
from itertools import product
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["root_packages"]
_SPAN = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[\w.*-]|\{[\w.,*-]+\})+(?:/(?:[\w.*-]|\{[\w.,*-]+\})*)*")
_SUFFIXES = (".py", ".md", ".toml", ".ini", ".service", ".conf", ".txt")


def named_paths(text: str) -> list[str]:
    """The code spans that are paths of the repository: with a slash, or with the suffix of a
    file."""
    spans = [span for span in _SPAN.findall(text) if _PATH.fullmatch(span)]
    return [
        path for span in spans if "/" in span or span.endswith(_SUFFIXES) for path in expanded(span)
    ]


def expanded(path: str) -> list[str]:
    """`a/{b,c}.py` is `a/b.py` and `a/c.py`."""
    parts = [
        part[1:-1].split(",") if part.startswith("{") else [part]
        for part in re.split(r"(\{[^}]*\})", path)
    ]
    return ["".join(choice) for choice in product(*parts)]


def where() -> str:
    return (ROOT / "docs" / "where.md").read_text(encoding="utf-8")


def test_paths_are_found_in_text() -> None:
    text = "| a call | `zmqjsonproxy/rpc/{server,client}.py`, `x/` | `d.start()` | `MODE1` | `README.md` | `a b/c` |"
    assert named_paths(text) == [
        "zmqjsonproxy/rpc/server.py",
        "zmqjsonproxy/rpc/client.py",
        "x/",
        "README.md",
    ]


@pytest.mark.parametrize("page", ["docs/where.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_exists(page: str) -> None:
    paths = named_paths((ROOT / page).read_text(encoding="utf-8"))
    assert len(paths) > 20
    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []


def test_every_module_is_named_itself_or_by_its_folder() -> None:
    named = {
        str(found.relative_to(ROOT))
        for path in named_paths(where())
        for found in ROOT.glob(path.rstrip("/"))
    }
    modules = [
        PurePosixPath(module.relative_to(ROOT))
        for package in PACKAGES
        for module in sorted((ROOT / package).rglob("*.py"))
        if module.name != "__init__.py"
    ]
    assert [str(m) for m in modules if str(m) not in named and str(m.parent) not in named] == []
