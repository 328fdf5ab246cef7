"""Docstrings begin with a noun or an imperative, as a search for the plain word expects them to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from support.packages import PACKAGES
from support.player_run import ROOT

REFUSED = {"What", "Who", "Whether", "How", "As", "Nor"}
FOLDERS = (*PACKAGES, "benchmarks", "compat", "examples", "tests", "tools")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def misbegun(source: str) -> Iterator[str]:
    """Yield line and first line of the docstrings that begin with a refused word."""
    for node in ast.walk(ast.parse(source)):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        if text and text.split()[0].strip(",.:'`") in REFUSED:
            yield f"{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_begin_with_a_noun_or_an_imperative(folder: str) -> None:
    assert [
        f"{path.relative_to(ROOT)}:{found}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for found in misbegun(path.read_text(encoding="utf-8"))
    ] == []


def test_a_docstring_that_begins_otherwise_is_found() -> None:
    source = '"""What it is."""\n\ndef f():\n    """Whether.\n\n    Always.\n    """\n'
    assert list(misbegun(source)) == ["1: What it is.", "3: Whether."]
