"""Newest spectra of Banks for the hand-over sheet: few of each, within a bounded time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec

from dealer.fanout import fan_out
from dealer.propertynames import read_properties
from dealer.services import Services
from dealer.sheetpictures import PIXELS, SheetPicture, read_picture
from zmqjsonproxy import ThreadHub
from zmqjsonproxy.channels.protocol.patterns import LONGEST_PATTERN, is_wild
from zmqjsonproxy.rights import ClientKeys

__all__ = ["NOW_S", "last_pictures"]

NOW_S = 60.0
"""Longest time since the end of a shift whose last spectra are those of now, s."""
MAX_OF_A_BANK, MAX_ALL = 4, 24
"""Pictures of one Bank, and of all."""
_WITHIN_S = 3.0
"""Deadline of the question which pipes there are, and of all frames together."""


def last_pictures(
    hub: ThreadHub, urls: Mapping[str, str], keys: ClientKeys | None, until: float
) -> list[SheetPicture] | None:
    """Return pictures of the newest frames of the first pipes of each Bank, in the order of Banks.

    Args:
        hub: To ask with.
        urls: Bank -> URL.
        keys: To subscribe with; None: without.
        until: End of the shift, UTC, unix seconds.

    Returns:
        None: the shift ended before, and nothing is kept of the frames of then; or there is no numpy
        to read them.
    """
    if time.time() - until > NOW_S or find_spec("numpy") is None:
        return None
    wanted: dict[str, dict[str, str]] = {}
    for bank, outcome in fan_out(hub, urls, "list_properties", (), {}, _WITHIN_S).items():
        if outcome.error is None:
            told = read_properties(outcome.value).items()
            pipes = [
                (name, str(one.get("unit") or ""))
                for name, one in told
                if one.get("kind") == "pipe" and _is_subscribable(name)
            ]
            left = MAX_ALL - sum(map(len, wanted.values()))
            if pipes and left > 0:
                wanted[bank] = dict(pipes[: min(MAX_OF_A_BANK, left)])
    found = _frames({bank: urls[bank] for bank in wanted}, wanted, keys)
    return [
        found[bank, name]
        for bank, units in wanted.items()
        for name in units
        if (bank, name) in found
    ]


def _is_subscribable(name: str) -> bool:
    """Tell whether a name can be subscribed to, and means no other property."""
    return 0 < len(name) <= LONGEST_PATTERN and not is_wild(name)


def _frames(
    urls: Mapping[str, str], wanted: Mapping[str, Mapping[str, str]], keys: ClientKeys | None
) -> dict[tuple[str, str], SheetPicture]:
    """Return a picture of each pipe that has a frame and curves, by Bank and name."""
    from zmqjsonproxy.channels.subscription import SubscriptionEndedError  # not for other commands
    from zmqjsonproxy.subscriptions import Subscriptions

    found: dict[tuple[str, str], SheetPicture] = {}
    missing = {(bank, name) for bank, units in wanted.items() for name in units}
    if not missing:
        return found
    end = time.monotonic() + _WITHIN_S
    with closing(Subscriptions(Services(keys).resolvers, keys=keys)) as subscriptions:
        patterns = {bank: list(units) for bank, units in wanted.items()}
        with subscriptions.begin(urls, "bank", patterns, width=PIXELS, rate=1.0) as subscription:
            while missing and (left := end - time.monotonic()) > 0:
                try:
                    update = subscription.next(left)
                except (TimeoutError, SubscriptionEndedError):
                    break
                key = update.source, update.name
                if key not in missing:
                    continue
                missing.discard(key)
                unit = wanted[update.source][update.name]
                label = f"{update.source} {update.name}"
                picture = read_picture(label, update.time, unit, update.value)
                if picture is not None:
                    found[key] = picture
    return found
