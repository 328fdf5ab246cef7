"""The commands `dealer get`, `set` and `properties`: present values, and what there is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from commandline import DONE, FAILED, argument, command, flag, json_text, render_rows, say, tell
from dealer.commands import complain, described, read_value
from dealer.errors import ConfigurationError, PlayersError
from dealer.outcome import Outcomes
from dealer.publishedproperties import BANKS, PublishedProperties, published_by
from groundwork.printable import printable
from zmqjsonproxy.channels.declarations import CANNOT_BE_READ
from zmqjsonproxy.channels.protocol.patterns import is_wild

__all__ = ["COMMANDS"]

HEAD = ("Bank", "property", "kind", "type", "unit", "set", "what it is")


def _assignment(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name, read_value(value)


def _get(options: argparse.Namespace) -> int:
    with published_by(options, options.names) as published:
        names = published.names("result")
        by_name = not all(map(is_wild, options.names))  # then one that cannot be read is an error
        asked: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
            bank: (some if by_name else (), {}) for bank, some in names.items()
        }
        outcomes = published.call("get_properties", asked)
    lacking = published.lacking() if options.names else []
    if not by_name:
        lacking += _leave_wanted(outcomes, names)
    is_one = len(options.names) == 1 and [len(some) for some in names.values()] == [1]
    return _report("get_properties", published, outcomes, lacking, options.json, is_one)


def _leave_wanted(outcomes: Outcomes, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Leave the wanted ones of the values of all results; return a sentence for each of them that
    could not be read."""
    said = []
    for bank, outcome in outcomes.items():
        if outcome.error is None and isinstance(outcome.value, dict):
            unread = outcome.value.get(CANNOT_BE_READ, {})
            there = [name for name in names[bank] if name in outcome.value]
            outcome.value = {name: outcome.value[name] for name in there}
            said += [
                printable(f"{bank}.{name} could not be read: {unread[name]['reason']}")
                for name in names[bank]
                if name in unread
            ]
    return said


def _set(options: argparse.Namespace) -> int:
    words = [word for word, _ in options.values]
    if wild := [word for word in words if is_wild(word)]:
        raise ConfigurationError("set", [f"{wild[0]} is a pattern; name what is to be set"])
    with published_by(options, words) as published:
        if lacking := published.lacking():
            raise ConfigurationError("set", [f"{each}; nothing was set" for each in lacking])
        values: dict[str, dict[str, Any]] = {}
        for word, value in options.values:
            for bank, (name,) in published.words[word].items():
                if name in values.get(bank, {}) or words.count(word) > 1:
                    raise ConfigurationError("set", [f"{word} is given twice; nothing was set"])
                if name in published.properties.get(bank, {}):
                    values.setdefault(bank, {})[name] = value
        outcomes = published.call("set_properties", {b: ((), some) for b, some in values.items()})
    return _report("set_properties", published, outcomes, [], options.json, False)


def _report(
    method: str,
    published: PublishedProperties,
    outcomes: Outcomes,
    lacking: Sequence[str],
    as_json: bool,
    alone: bool,
) -> int:
    """Print values by Bank, and what went wrong; the exit status."""
    values = {bank: each.value for bank, each in outcomes.items() if each.error is None}
    told = {
        bank: {"value": each.value} if each.error is None else described(each)
        for bank, each in outcomes.items()
    }
    if alone and any(values.values()):
        ((value,),) = (some.values() for some in values.values())
        text = printable(value if isinstance(value, str) else json_text(value, None, strict=False))
    else:
        text = render_rows(("Bank", "property", "value", "unit"), published.rows(values))
    if as_json or values:
        tell(as_json, told, text)
    for sentence in lacking:
        say("dealer", sentence)
    if failed := len(values) < len(outcomes):
        complain(PlayersError(method, outcomes))
    return FAILED if failed or lacking else DONE


def _list(options: argparse.Namespace) -> int:
    with published_by(options, options.names) as published:
        pass
    names = published.names()
    told: dict[str, Any] = {
        bank: {"value": [published.properties[bank][name] for name in names.get(bank, ())]}
        for bank in published.properties
    }
    told |= {bank: described(outcome) for bank, outcome in published.failed.items()}
    pairs = [(bank, name) for bank, some in names.items() for name in some]
    if options.only_names:
        text = "\n".join(f"{bank}.{printable(name)}" for bank, name in pairs)
    else:
        text = render_rows(HEAD, [_row(published, bank, name) for bank, name in pairs])
    if options.json or pairs:
        tell(options.json, told, text)
    lacking = published.lacking() if options.names else []
    for sentence in lacking:
        say("dealer", sentence)
    if published.failed:
        complain(PlayersError("list_properties", Outcomes(published.failed)))
    return FAILED if published.failed or lacking else DONE


def _row(published: PublishedProperties, bank: str, name: str) -> tuple[str, ...]:
    kind, unit, annotation, doc = (
        published.text_of(bank, name, key) for key in ("kind", "unit", "annotation", "doc")
    )
    is_writable = published.properties[bank][name].get("writable") is True
    return bank, printable(name), kind, annotation, unit, "yes" if is_writable else "no", doc


_WHICH = "[BANK.]NAME, or a pattern as 'status.*'; without a Bank: of all that have it"
COMMANDS = (
    command(
        "get",
        _get,
        "print present values of properties",
        argument("names PROPERTY", f"{_WHICH}; default: all results", nargs="*"),
        BANKS,
    ),
    command(
        "set",
        _set,
        "set writable properties, all of a Bank or none, and print what holds now",
        argument(
            "values PROPERTY=VALUE",
            "[BANK.]NAME=VALUE, the value as of `dealer call`; without a Bank: at all that have it",
            nargs="+",
            type=_assignment,
        ),
        BANKS,
    ),
    command(
        "properties",
        _list,
        "list what Banks publish: kind, unit, type, whether it can be set, documentation",
        argument("names PROPERTY", f"{_WHICH}; default: all", nargs="*"),
        flag("--names", "one BANK.NAME a line, and nothing else", dest="only_names"),
        BANKS,
    ),
)
