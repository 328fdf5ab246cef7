"""Completion at a prompt: items, attributes behind them, parameters."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from dealer import Dealer
from groundwork.prompt import _matcher, completions


class Remote:
    """Stand-in for a Dealer that knows what its Banks take; a call would fail."""

    def __init__(self) -> None:
        self.part = types.SimpleNamespace(get_mode=self.set_param, url="tcp://x")

    def __getitem__(self, key: str) -> Remote:
        if key != "BANKA":
            raise KeyError(key)
        return self

    def _ipython_key_completions_(self) -> list[str]:
        return ["BANKA", "BANKB"]

    def _keywords_of(self, method: str) -> list[str]:
        assert method == "set_param"
        return ["exposure", "scan_length"]

    def set_param(self, **kvpairs: Any) -> None:
        raise AssertionError("it was called")

    def set_mode(self, mode: str, *, force: bool = False, _timeout: float = 1.0) -> None:
        raise AssertionError("it was called")


class Dangerous:
    """Anybody's object, which is not to be asked for a key."""

    def __getitem__(self, key: str) -> None:
        raise AssertionError("it was asked")


NAMES = {"d": Remote(), "x": Dangerous(), "exposed": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('d["', ("", ['BANKA"]', 'BANKB"]'])),
        ("print(d['BANKB", ("BANKB", ["BANKB']"])),
        ('d["BANKX"].se', ("se", [])),
        ('d["BANKA"].set_m', ("set_m", ["set_mode("])),
        ('y = d["BANKA"].part.u', ("u", ["url"])),
        ("d.set_param(exp", ("exp", ["exposure="])),
        ("d.set_param(", ("", ["exposure=", "scan_length="])),
        ("d.set_param(exposure=max(1, 2), ", ("", ["scan_length="])),
        ("d.set_param(source='a(b', sc", ("sc", ["scan_length="])),
        ('d["BANKA"].set_param(exp', ("exp", ["exposure="])),
        ("d.set_mode('MODE1', ", ("", ["mode=", "force="])),
        ("d.set_mode('MODE1', _t", ("_t", ["_timeout="])),
        ("print(d.set_mode(fo", ("fo", ["force="])),
        ("d.set_param(exposure=exp", None),
        ("d.set_param([exp", None),
        ("d.set_param(y.exp", None),
        ("print(exp", None),
        ("nothing(exp", None),
        ("x['a'].b", ("b", [])),
        ("x['a", None),
        ("f('d[", None),
        ("d.set_m", None),
        ("exp", None),
        ("", None),
        (")]}", None),
    ],
)
def test_what_a_line_may_go_on_with(text: str, expected: tuple[str, list[str]] | None) -> None:
    assert completions(text, NAMES) == expected


def test_a_player_that_is_away_completes_what_is_known_without_it() -> None:
    with Dealer({"BANKA": "tcp://127.0.0.1:1", "BANKB": "tcp://127.0.0.1:1"}) as d:
        assert completions('d["BANKA"].call_l', {"d": d}) == ("call_l", ["call_later("])
        assert completions('d["BANKX"].call_l', {"d": d}) == ("call_l", [])
        assert completions("d.set_param(ex", {"d": d}) is None
        assert d.BANKB is d["BANKB"]
        assert "BANKB" in dir(d)


@pytest.fixture
def completer() -> Iterator[Any]:
    """IPython's module of completion; the real one, where it is installed."""
    yield pytest.importorskip("IPython.core.completer")
    shell = sys.modules["IPython.core.interactiveshell"].InteractiveShell
    shell.clear_instance()


@pytest.mark.filterwarnings("ignore")
def test_ipython_completes_the_same(completer: Any) -> None:
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shell.user_ns.update(NAMES)
    shell.Completer.use_jedi = False
    shell.Completer.custom_matchers.append(_matcher(completer, shell.user_ns))
    found = {}
    for line in ('d["BANKA"].set_m', "d.set_param(exp"):
        with completer.provisionalcompleter():
            found[line] = {
                line[: c.start] + c.text for c in shell.Completer.completions(line, len(line))
            }
    assert 'd["BANKA"].set_mode' in found['d["BANKA"].set_m']
    assert "d.set_param(exposure=" in found["d.set_param(exp"]
