"""Recorded paths of calls through two small files."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tools.callpaths import Function, Recorder, most_common

OUTER = """
class Desk:
    def ask(self):
        return [self.each(n) for n in range(2)]

    def each(self, n):
        return below(n) if n else self.first()

    def first(self):
        return sum(n for n in steps())

def steps():
    yield 1
    yield 2
"""
BELOW = """
import threading

def below(n):
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    helper()
    return sorted([n], key=lambda m: m)

def work():
    helper()

def helper():
    return len("text")
"""
PATH = [
    (file, name, int(line))
    for file, name, line in map(
        str.split,
        """\
desk/outer.py Desk.ask 3
desk/outer.py Desk.each 6
desk/outer.py Desk.first 9
desk/outer.py steps 12
desk/below.py below 4
desk/below.py helper 14
desk/below.py below.<locals>.<lambda> 9
desk/below.py work 11
""".splitlines(),
    )
]


def _code(tree: Path, file: str, text: str) -> CodeType:
    path = tree / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return compile(text, str(path), "exec")


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[], Any]:
    """A method of one file that calls functions of another, one of them in a thread."""
    names: dict[str, Any] = {}
    exec(_code(tmp_path, "desk/below.py", BELOW), names)
    exec(_code(tmp_path, "desk/outer.py", OUTER), names)
    method: Callable[[], Any] = names["Desk"]().ask
    return method


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    before = sys.getprofile(), threading.getprofile()
    recorder = Recorder(tmp_path, ["desk"])
    recorder.install()
    yield recorder
    recorder.remove()
    sys.setprofile(before[0])
    threading.setprofile(before[1])


def test_a_path_is_its_distinct_functions_thread_by_thread(
    recorder: Recorder, ask: Callable[[], Any]
) -> None:
    for _ in range(2):  # the second time as the first
        recorder.begin()
        assert ask() == [3, [1]]
        assert recorder.end() == PATH


def test_calls_before_and_after_are_left_out(recorder: Recorder, ask: Callable[[], Any]) -> None:
    ask()
    recorder.begin()
    assert recorder.end() == []
    ask()
    assert recorder.end() == []


def test_functions_of_other_packages_are_left_out(recorder: Recorder, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(_code(tmp_path, "other/below.py", BELOW), names)
    recorder.begin()
    assert names["below"](1) == [1]
    assert recorder.end() == []


def test_the_path_that_most_rounds_took_is_told_in_the_order_of_the_first() -> None:
    a, b, c = (Function("a.py", name, 1) for name in "abc")
    assert most_common([[a, b, c], [b, a], [a, b], [c]]) == ([b, a], 2)
