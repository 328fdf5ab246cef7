"""The command `dealer why`: the chain from a Bank that is not ready to the first cause."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from commandline import DONE, FAILED, argument, command, tell
from dealer.commands import banks_named, kept_control
from dealer.players import find_players
from dealer.services import open_hub
from dealer.shownvalues import age_text
from dealer.timearguments import utc_text
from dealer.why import ArrayQuestion, ask_why, installation_of
from dealer.whychain import Cause, Why

__all__ = ["COMMAND", "why_lines"]

WITHIN_S = 3.0


def _why(options: argparse.Namespace) -> int:
    urls = find_players(None, options.config)
    words = options.banks or ["all"]
    chosen = list(dict.fromkeys(bank for word in words for bank in banks_named(word, list(urls))))
    leases = kept_control().leases()
    question = ArrayQuestion(
        urls={bank: urls[bank] for bank in chosen},
        installation=installation_of(options.config),
        timeout=options.timeout or WITHIN_S,
        leases={bank: leases[urls[bank]] for bank in chosen if urls[bank] in leases},
    )
    with open_hub() as hub:
        found = ask_why(hub, question)
    texts = ["\n".join(why_lines(why)) for why in found.values()]
    tell(options.json, {bank: why.describe() for bank, why in found.items()}, "\n".join(texts))
    return DONE if all(why.is_ready for why in found.values()) else FAILED


def why_lines(why: Why) -> list[str]:
    """Return a chain as a person reads it: the symptom, and its causes deeper and deeper."""
    if why.is_ready:
        return [f"{why.bank}: ready"]
    return [f"{why.bank}: not ready", *_below(why.causes, why.asked, "  ", ())]


def _below(links: Sequence[Cause], asked: float, indent: str, told: tuple[Cause, ...]) -> list[str]:
    lines: list[str] = []
    for link in links:
        trouble = link.trouble
        since = ""
        if trouble.since is not None:
            when = utc_text(trouble.since).partition(".")[0]
            since = f"; since {when} UTC ({age_text(asked - trouble.since)})"
        lines.append(f"{indent}<- {trouble.text}")
        if link in told:  # it is a cause of several
            continue
        lines.append(f"{indent}     evidence: {trouble.evidence}{since}")
        if trouble.remedy:
            lines.append(f"{indent}     remedy:   {trouble.remedy}")
        lines += _below(link.causes, asked, indent + "  ", told)
        told = (*told, link)
    return lines


COMMAND = command(
    "why",
    _why,
    "why is a Bank not ready: from the symptom to the first cause, with what puts it right",
    argument("banks BANK", "whose, several as A B or A,B; default: all", nargs="*"),
)
