"""Methods that a kind of Bank may export."""

from __future__ import annotations

from typing import Any

import pytest

from player.bank import Bank
from player.findings import Finding
from zmqjsonproxy.channels.properties import published
from zmqjsonproxy.interface import Interface, MethodKind, command, marked_methods, operation, query

HOOKS = [
    "open",
    "close",
    "watchdog",
    "parts",
    "check",
    "diagnose",
    "config_model",
    "instrument_sections",
    "composed",
    "name",
    "context",
    "log",
]


@pytest.mark.parametrize("mark", [query, command, operation, command(urgent=True)])
@pytest.mark.parametrize("name", HOOKS)
def test_what_the_host_uses_itself_is_not_exported(name: str, mark: Any) -> None:
    def method(self: Any) -> None:
        """For callers, as its author thought."""

    with pytest.raises(
        TypeError, match=f"Shutter.{name} is marked for callers, but the host itself uses {name}"
    ):
        type("Shutter", (Bank,), {name: mark(method)})


def test_hooks_are_overridden_as_ever() -> None:
    class Shutter(Bank):
        def open(self) -> None: ...

        def close(self) -> None: ...

        @classmethod
        def diagnose(cls, config: Any, bank_name: str, around: Any) -> list[Finding]:
            return []

        @command
        def open_it(self) -> None: ...

    assert set(marked_methods(Shutter)) - set(marked_methods(Bank)) == {"open_it"}


@pytest.mark.parametrize("name", ["operations", "log", "subscribers", "host_load"])
def test_no_kind_declares_what_the_player_publishes(name: str) -> None:
    with pytest.raises(
        TypeError, match=f"the Player itself publishes {name}: give it another name"
    ):
        type("Shutter", (Bank,), {name: published(0)})


@pytest.mark.parametrize("name", ["open", "parts", "context", "name"])
def test_no_kind_declares_a_property_in_the_place_of_what_the_player_uses(name: str) -> None:
    with pytest.raises(TypeError, match=f"the Player itself uses {name}: give it another name"):
        type("Shutter", (Bank,), {name: published(0)})


def test_what_the_host_asks_stays_a_query_whether_it_is_marked_again_or_not() -> None:
    class Renamed(Bank):
        def get_bank_name(self) -> str:
            return "the name on the door"

    class RenamedTwice(Renamed):
        @query
        def get_bank_name(self) -> str:
            return "another"

    for kind in (Renamed, RenamedTwice):
        assert (
            Interface.of("bank", kind.__new__(kind)).methods["get_bank_name"].kind
            is MethodKind.QUERY
        )
    for lost in (None, "a text", command(lambda self: "x"), property(lambda self: "x")):
        with pytest.raises(TypeError, match="get_bank_name is"):
            type("Lost", (Bank,), {"get_bank_name": lost})
