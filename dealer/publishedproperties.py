"""Properties that words of the command line mean: Banks are asked what they publish, and called."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from commandline import argument
from dealer.commands import QUESTION_TIMEOUT, banks_named, kept_control
from dealer.fanout import fan_out
from dealer.outcome import Outcome, Outcomes
from dealer.players import find_players
from dealer.propertynames import found_names, lacking_names, names_by_bank, read_properties
from dealer.services import open_hub
from dealer.shownvalues import shown
from groundwork.printable import printable
from zmqjsonproxy import NoSuchMethodError, ThreadHub

__all__ = ["BANKS", "PublishedProperties", "published_by"]

BANKS = argument(
    "--banks BANKS", "whose, where no Bank is named, as BANKA,BANKB; default: all", default="all"
)
"""The option that says which Banks are meant."""


@dataclass(slots=True, kw_only=True)
class PublishedProperties:
    """Properties of the Banks that words of the command line mean.

    Attributes:
        hub: Asks.
        urls: Of all Banks.
        timeout: Of one question, s.
        words: Word -> Bank -> names and patterns that it means there.
        properties: Bank -> name -> what it says of the property; of Banks that answered.
        failed: Bank -> why it did not.
    """

    hub: ThreadHub
    urls: Mapping[str, str]
    timeout: float
    words: Mapping[str, Mapping[str, Sequence[str]]]
    properties: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    failed: dict[str, Outcome] = field(default_factory=dict)

    def ask(self) -> None:
        """Ask the Banks what they publish; one that has no properties publishes nothing."""
        urls = {bank: self.urls[bank] for by_bank in self.words.values() for bank in by_bank}
        told = fan_out(self.hub, urls, "list_properties", (), {}, self.timeout)
        for bank, outcome in told.items():
            if outcome.error is None:
                self.properties[bank] = read_properties(outcome.value)
            elif isinstance(outcome.error, NoSuchMethodError):
                self.properties[bank] = {}
            else:
                self.failed[bank] = outcome

    def names(self, *kinds: str) -> dict[str, list[str]]:
        """Return what is meant of each Bank that has any of it: properties of some kinds, none:
        all, and those that are named letter by letter."""
        found: dict[str, dict[str, None]] = {}
        for by_bank in self.words.values():
            for bank, patterns in by_bank.items():
                there = self.properties.get(bank, {})
                for name in found_names(patterns, list(there)):
                    if not kinds or there[name].get("kind") in kinds or name in patterns:
                        found.setdefault(bank, {})[name] = None
        return {bank: list(found[bank]) for bank in self.properties if bank in found}

    def lacking(self) -> list[str]:
        """Return a sentence for each word that means nothing."""
        return lacking_names(self.words, {b: list(there) for b, there in self.properties.items()})

    def call(
        self, method: str, arguments: Mapping[str, tuple[Sequence[Any], Mapping[str, Any]]]
    ) -> Outcomes:
        """Call a method of Banks, each with arguments of its own; those that could not even be
        asked what they publish are among the outcomes."""
        calls = {
            bank: self.hub.begin(self.urls[bank], "bank", method, args, kwargs, self.timeout)
            for bank, (args, kwargs) in arguments.items()
        }
        return Outcomes(self.failed).await_all(calls)

    def rows(self, values: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
        """Return the rows of a table: Bank, name, value, unit."""
        return [
            (bank, printable(name), shown(value), self.text_of(bank, name, "unit"))
            for bank, some in values.items()
            for name, value in some.items()
        ]

    def text_of(self, bank: str, name: str, key: str) -> str:
        """Return one of the texts that a Bank says of a property; empty: it says none."""
        told = self.properties.get(bank, {}).get(name, {}).get(key, "")
        return printable(str(told))


@contextmanager
def published_by(
    options: argparse.Namespace, words: Sequence[str]
) -> Iterator[PublishedProperties]:
    """Ask the Banks that words mean what they publish; the connections are open within the block.

    Args:
        options: Of the command line, with those of all commands and `banks`.
        words: `[BANK.]NAME` or patterns; none: everything.
    """
    urls = find_players(None, options.config)
    known, chosen = list(urls), banks_named(options.banks, list(urls))
    by_word = {word: names_by_bank([word], known, chosen) for word in words or ["*"]}
    within = options.timeout or QUESTION_TIMEOUT
    with open_hub() as hub:
        for url, credential in kept_control().credentials().items():
            if url in urls.values():
                hub.set_control(url, credential)
        published = PublishedProperties(hub=hub, urls=urls, timeout=within, words=by_word)
        published.ask()
        yield published
