"""One name, one class; and constants that a search for the plain word finds."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from support.packages import PACKAGES
from support.player_run import ROOT

SHARED: dict[str, str] = {}
"""Names that several modules may have, each with its reason."""
FOLDERS = (*PACKAGES, "benchmarks", "compat", "examples", "tests", "tools")
_OLD_WORD = re.compile(r"(?:^|_)MOST(?:_|$)")


def public_classes(source: str) -> Iterator[str]:
    """Yield the names of the classes of a module that others may use."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


def badly_named_bounds(source: str) -> Iterator[str]:
    """Yield the constants whose bound is called otherwise than `MAX_...`."""
    if "MOST" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and _OLD_WORD.search(node.id)
        ):
            yield node.id


def test_every_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in public_classes(path.read_text(encoding="utf-8")):
                places[name].append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in SHARED} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_bounds_are_called_max(folder: str) -> None:
    assert [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in badly_named_bounds(path.read_text(encoding="utf-8"))
    ] == []


def test_classes_and_bounds_are_found() -> None:
    source = "class Link:\n    MOST_BYTES = 1\n\nclass _Own:\n    pass\n\nNAMES_MOST: int = 2\n"
    assert list(public_classes(source)) == ["Link"]
    assert sorted(badly_named_bounds(source)) == ["MOST_BYTES", "NAMES_MOST"]
