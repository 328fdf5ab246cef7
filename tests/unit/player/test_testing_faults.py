"""The faults of the kit for tests, and what it says of wrong use."""

from __future__ import annotations

import pytest

from player.bank import Bank
from player.testing import Faults, HostedBank
from zmqjsonproxy.interface import query


class Plain(Bank):
    """Has a method of each sort."""

    @query
    def own(self) -> str:
        """Its own."""
        return type(self).__name__

    @staticmethod
    @query
    def static(word: str) -> str:
        """Of nobody."""
        return word

    @classmethod
    @query
    def of_class(cls, word: str) -> str:
        """Of the class."""
        return word


def test_faults_meet_methods_of_all_sorts() -> None:
    faults = Faults()
    kind = faults.into(Plain)
    bank = kind.__new__(kind)
    assert (bank.own(), bank.static("a"), bank.of_class("b")) == ("Plain", "a", "b")
    for method in ("own", "static", "of_class"):
        faults.fail(method, ZeroDivisionError(method))
        with pytest.raises(ZeroDivisionError, match=method):
            getattr(bank, method)("word")
    faults.clear()
    assert bank.static("a") == "a"


def test_a_fault_of_a_method_that_is_not_there_is_told() -> None:
    faults = Faults()
    faults.fail("onw", RuntimeError())
    with pytest.raises(ValueError, match=r"no marked method onw; there are .*own"):
        faults.into(Plain)
    faults.clear()
    faults.into(Plain)
    with pytest.raises(ValueError, match="no marked method close"):
        faults.hang("close")


def test_a_class_that_no_file_could_name_is_refused() -> None:
    class Local(Bank):
        """Inside a function."""

    with pytest.raises(
        ValueError, match=r"Local is inside test_a_class_that_.*: define it in its module"
    ):
        HostedBank(Local)
