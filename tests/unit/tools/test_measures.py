"""Sizes of source texts whose counts are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.measures import Sizes, cell, paths_table, sizes_of, sizes_of_tree, sizes_table

TEXT = '''"""Text of a module."""

from os import path
import sys as _sys

__all__ = ["LIMIT", "Thing", "made", "path"]

LIMIT: int = 3
"""Text of a value."""
left, right = 1, 2


class Thing:
    """Text of a class."""

    def method(self) -> int:
        """Text of a method."""
        if LIMIT: return 1
        elif left: return 2
        return 3


if left:
    def made(): pass
else:
    made = None
'''


def test_statements_are_counted_at_any_depth_and_texts_are_not() -> None:
    imports, values, kind, method, choice = 2, 3, 1, 6, 4
    assert sizes_of(TEXT).statements == imports + values + kind + method + choice


def test_the_layout_of_the_text_does_not_matter() -> None:
    assert sizes_of("a = 1; b = 2\nif a: c = 3\n") == sizes_of(
        "a = 1\nb = 2\nif a:\n    c = (\n 3)\n"
    )


@pytest.mark.parametrize(
    ("text", "name", "public"),
    [
        (TEXT, "module", 3),  # LIMIT, Thing, made; `path` is of another module
        (TEXT.replace("__all__", "_names"), "module", 5),  # left and right as well
        (TEXT, "_module", 0),
        (TEXT, "__init__", 3),
        ("_a = 1\ndef b(): c = 1\n", "module", 1),
        ("__all__ = []\na = 1\n", "module", 0),
    ],
)
def test_public_names_are_those_that_a_module_defines(text: str, name: str, public: int) -> None:
    assert sizes_of(text, name).public == public


@pytest.mark.parametrize(("inner", "count"), [(58, 0), (59, 1), (60, 2)])
def test_statements_of_an_inner_function_count_for_both(inner: int, count: int) -> None:
    lines = [
        "def outer():",
        "    '''Text.'''",
        "    def inner():",
        *["        a = 1"] * (inner + 1),
    ]
    assert sizes_of("\n".join(lines)).long_functions == count


@pytest.mark.parametrize(("lines", "count"), [(600, 0), (601, 1)])
def test_a_module_is_long_by_its_lines(lines: int, count: int) -> None:
    assert sizes_of("\n" * lines).long_modules == count


def _write(tree: Path, **files: str) -> Path:
    for name, text in files.items():
        (tree / name).mkdir(parents=True)
        (tree / name / "__init__.py").write_text(text, encoding="utf-8")
    names = ", ".join(f'"{name}"' for name in files)
    project = f"[tool.hatch.build.targets.wheel]\npackages = [{names}]\n"
    (tree / "pyproject.toml").write_text(project, encoding="utf-8")
    return tree


def test_packages_are_those_of_the_project_file_and_the_sum_leaves_one_out(tmp_path: Path) -> None:
    _write(tmp_path, one="__all__ = ['a', 'b']\na = 1\n", spectrometer="a = 1\n", two="c = 1\n")
    (tmp_path / "one" / "inner").mkdir()
    (tmp_path / "one" / "inner" / "part.py").write_text("def d(): pass\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text("a = 1\n", encoding="utf-8")
    assert sizes_of_tree(tmp_path) == {
        "one": Sizes(statements=4, modules=2, public=2, exported=2),
        "two": Sizes(statements=1, modules=1, public=1),
        "all but spectrometer": Sizes(statements=5, modules=3, public=3, exported=2),
        "spectrometer": Sizes(statements=1, modules=1, public=1),
    }


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (16_776, None, "16,776"),
        (9_000, 10_000, "10,000 → 9,000 (-10.0 %)"),
        (3, 3, "3 → 3"),
        (3, 0, "0 → 3"),
        (0, 2, "2 → 0 (-100.0 %)"),
    ],
)
def test_a_cell_says_the_change_in_percent(now: int, before: int | None, text: str) -> None:
    assert cell(now, before) == text


def test_a_package_that_was_split_off_counts_from_nothing() -> None:
    before = {"old": Sizes(statements=8, modules=1)}
    lines = sizes_table({"new": Sizes(statements=4, modules=1)}, before).splitlines()
    assert [line.split(" | ")[1].strip() for line in lines[2:]] == ["0 → 4", "8 → 0 (-100.0 %)"]
    assert len({len(line) for line in lines}) == 1


def test_paths_are_shown_by_their_distinct_functions_and_files() -> None:
    a, b, c = ("a.py", "f", 1), ("a.py", "g", 2), ("b.py", "f", 1)
    before = {"Dealer": {"d.get()": ([a, b, c], 9)}}
    now = {"Dealer": {"d.get()": ([a, b], 8)}}
    row = paths_table(now, before).splitlines()[2]
    assert [each.strip() for each in row.strip("|").split("|")] == [
        "`d.get()`",
        "Dealer",
        "3 → 2 (-33.3 %)",
        "2 → 1 (-50.0 %)",
        "8",
    ]
