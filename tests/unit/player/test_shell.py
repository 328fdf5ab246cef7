"""Errors at the prompt of `player shell`."""

from __future__ import annotations

from player.errors import BankStartError
from player.shell import explained
from spectrometer.errors import ParameterError
from zmqjsonproxy.errors import RefusedError


def test_what_a_bank_refuses_is_one_line_and_what_is_a_mistake_has_its_traceback() -> None:
    assert (
        explained(ParameterError({"exposure": "-1 is below 0"}))
        == "ParameterError: exposure: -1 is below 0"
    )
    assert explained(RefusedError("a scan runs")) == "RefusedError: a scan runs"
    assert explained(BankStartError("it is open already")) == "BankStartError: it is open already"
    for other in (ZeroDivisionError("x"), KeyboardInterrupt(), None):
        assert explained(other) is None
