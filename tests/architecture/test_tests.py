"""Tests wait for events and judge no speed: they pass on a machine that does other things, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from support.player_run import ROOT

MAX_LINES = 600
MIN_LIMIT_S = 20.0
"""Less is a verdict on speed; more finds what hangs."""
_CLOCKS = {"monotonic", "perf_counter", "time"}
_FOLDERS = ("tests/unit", "tests/integration", "tests/browser")


def _is_call(node: ast.AST, module: str, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == module
        and node.func.attr in names
    )


def sleeps(source: str) -> Iterator[int]:
    """Yield the lines on which somebody sleeps; `asyncio.sleep(0)` only lets others have their
    turn."""
    if "sleep(" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if _is_call(node, "time", {"sleep"}) or _is_call(node, "asyncio", {"sleep"}):
            assert isinstance(node, ast.Call)
            argument = node.args[0] if node.args else None
            if not (isinstance(argument, ast.Constant) and argument.value == 0):
                yield node.lineno


def _is_elapsed(node: ast.AST, names: set[str]) -> bool:
    """Tell whether it is time that has passed: a difference of clock readings, or a name for one."""
    if isinstance(node, ast.Name):
        return node.id in names
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and any(_is_call(each, "time", _CLOCKS) for each in ast.walk(node))
    )


def timed_verdicts(source: str, least: float) -> Iterator[int]:
    """Yield the lines that assert that something took less than `least` seconds."""
    if not any(f"time.{clock}()" in source for clock in _CLOCKS):
        return
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and _is_elapsed(node.value, set()):
                names |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        for node in ast.walk(function):
            if not isinstance(node, ast.Assert):
                continue
            for compare in ast.walk(node.test):
                if not isinstance(compare, ast.Compare):
                    continue
                values = [compare.left, *compare.comparators]
                for low, operator, high in zip(values, compare.ops, values[1:], strict=False):
                    if not isinstance(operator, ast.Lt | ast.LtE) or not _is_elapsed(low, names):
                        continue
                    limit = high.value if isinstance(high, ast.Constant) else None
                    if isinstance(limit, int | float) and limit < least:
                        yield compare.lineno


def _found(folder: str, least: float) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in timed_verdicts(path.read_text(encoding="utf-8"), least)
    ]


def test_unit_tests_do_not_sleep() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests" / "unit").rglob("*.py"))
        for line in sleeps(path.read_text(encoding="utf-8"))
    ] == []


def test_unit_tests_set_no_limit_of_time() -> None:
    assert _found("tests/unit", float("inf")) == []


@pytest.mark.parametrize("folder", ["tests/integration", "tests/browser"])
def test_limits_of_time_only_find_what_hangs(folder: str) -> None:
    assert _found(folder, MIN_LIMIT_S) == []


@pytest.mark.parametrize("folder", _FOLDERS)
def test_no_module_of_tests_is_too_long_to_be_read(folder: str) -> None:
    assert [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / folder).rglob("*.py"))
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    ] == []


def test_sleeping_and_verdicts_on_time_are_found() -> None:
    source = (
        "async def test() -> None:\n"
        "    begun = time.monotonic()\n"
        "    await asyncio.sleep(0)\n"
        "    time.sleep(0.1)\n"
        "    took = time.monotonic() - begun\n"
        "    assert 0 <= took < 5\n"
        "    assert time.perf_counter() - begun <= 60\n"
        "    assert took > 1\n"
    )
    assert list(sleeps(source)) == [4]
    assert list(timed_verdicts(source, 20.0)) == [6]
    assert list(timed_verdicts(source, float("inf"))) == [6, 7]
