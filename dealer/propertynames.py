"""Names of properties as words of a command line: `[BANK.]NAME`, or a pattern. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dealer.commands import as_named
from groundwork.errors import did_you_mean
from groundwork.printable import printable
from groundwork.values import RemoteValue
from zmqjsonproxy.channels.protocol.patterns import is_wild, matches

__all__ = ["found_names", "lacking_names", "names_by_bank", "read_properties"]


def names_by_bank(
    words: Iterable[str], known: Sequence[str], chosen: Sequence[str]
) -> dict[str, list[str]]:
    """Return the names and patterns that words mean of each Bank.

    Args:
        words: `BANK.NAME`; without a Bank it is meant of all that are chosen.
        known: Banks of the array.
        chosen: Banks that words without one mean.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        head, dot, name = word.partition(".")
        bank = as_named(head, known)
        is_of_bank = bool(dot and name) and bank in known
        for each in (bank,) if is_of_bank else chosen:
            found.setdefault(each, []).append(name if is_of_bank else word)
    return found


def read_properties(answer: RemoteValue) -> dict[str, Mapping[str, Any]]:
    """Return name -> what is said of a property, from an answer of `list_properties`; what is not
    as it should be is left out."""
    told = answer if isinstance(answer, list) else []
    return {str(one["name"]): one for one in told if isinstance(one, dict) and "name" in one}


def found_names(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """Return the names that patterns mean, each once."""
    return list(
        dict.fromkeys(name for pattern in patterns for name in names if matches(pattern, name))
    )


def lacking_names(
    wanted: Mapping[str, Mapping[str, Iterable[str]]], there: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return a sentence for each word that means no property.

    Args:
        wanted: Word -> Bank -> names and patterns, as of `names_by_bank`.
        there: Bank -> names of its properties; Banks that could not be asked are left out.
    """
    sentences: list[str] = []
    for word, by_bank in wanted.items():
        if any(
            bank not in there or found_names(patterns, there[bank])
            for bank, patterns in by_bank.items()
        ):
            continue
        name = next((pattern for patterns in by_bank.values() for pattern in patterns), word)
        known = [name for bank in by_bank for name in there[bank]]
        hint = "" if is_wild(name) else did_you_mean(name, known)
        hint = hint or "; `dealer properties` lists what there is"
        sentences.append(printable(f"no property {name[:80]} at {', '.join(by_bank)}{hint}"))
    return sentences
