"""The prompt: what is shown instead of a traceback."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from dealer import Dealer
from dealer.errors import PlayersError
from dealer.outcome import Outcome
from dealer.shell import explained, run
from zmqjsonproxy.errors import PeerLostError, RefusedError, RemoteError

ADVICE = "\n`dealer doctor` says what puts it right"


def raised_by(do: Any) -> BaseException:
    try:
        do()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_that_explains_itself_is_shown_in_its_own_words() -> None:
    lost = PeerLostError("tcp://127.0.0.1:1", "bank.get_mode", "connection refused")
    at_one = PlayersError("get_mode", {"A": Outcome("A", "MODE1"), "B": Outcome("B", None, lost)})
    assert explained(RefusedError("20 s is too long")) == "RefusedError: 20 s is too long"
    refused = RemoteError("ParameterError", "exposure: -1 is below 0", peer="tcp://h:1")
    assert explained(refused) == "ParameterError: exposure: -1 is below 0"
    assert explained(lost) == f"PeerLostError: {lost}{ADVICE}"
    assert explained(at_one) == f"PlayersError: {at_one}{ADVICE}"
    assert "d.stop() ends a scan" in (explained(KeyboardInterrupt()) or "")
    for nothing in (None, ZeroDivisionError(), AttributeError("x"), raised_by(lambda: (1).nothing)):  # type: ignore[attr-defined]  # none
        assert explained(nothing) is None


def test_a_name_that_a_bank_has_not_and_a_bank_that_is_away_need_no_traceback() -> None:
    with Dealer({"BANKA": "tcp://127.0.0.1:1"}) as d:
        shown = explained(raised_by(lambda: d["BANKA"].get_mode()))
    assert shown is not None
    assert shown.startswith("PeerLostError: ")
    assert shown.endswith(ADVICE)


class FakeIPython:
    """The part of IPython that the prompt uses."""

    def __init__(self) -> None:
        self.TerminalIPythonApp = self.shell = self
        self.user_ns: dict[str, Any] = {}
        self.tracebacks = 0

    def instance(self, config: Any) -> FakeIPython:
        assert not config.TerminalInteractiveShell.confirm_exit
        return self

    def initialize(self, argv: list[str]) -> None:
        assert argv == []

    def set_custom_exc(self, kinds: tuple[type[BaseException], ...], show: Any) -> None:
        self.kinds, self.show = kinds, show

    def showtraceback(self, _error: Any, tb_offset: int | None) -> None:
        self.tracebacks += 1

    def start(self) -> None:
        for error in (RefusedError("too long"), AttributeError("x"), KeyboardInterrupt()):
            assert isinstance(error, self.kinds)
            self.show(self, type(error), error, None, tb_offset=1)


def test_ipython_shows_refusals_as_the_plain_prompt_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeIPython()
    settings = types.SimpleNamespace(TerminalInteractiveShell=types.SimpleNamespace())
    monkeypatch.setitem(
        sys.modules, "traitlets.config", types.SimpleNamespace(Config=lambda: settings)
    )
    monkeypatch.setitem(sys.modules, "IPython.terminal.ipapp", fake)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "IPython")
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    with Dealer({"BANKA": "tcp://127.0.0.1:1"}) as d:
        run(d)
        assert fake.user_ns["d"] is d
    shown = capsys.readouterr().err
    assert shown.startswith("RefusedError: too long\n")
    assert "KeyboardInterrupt: the wait is over" in shown
    assert fake.tracebacks == 1
