"""Accounts of sources, for people."""

from __future__ import annotations

from collections import Counter

from histogrammer.events.accounts import Account, Drop, Oddity


def test_account_is_told_in_lines() -> None:
    account = Account(
        "run.evt",
        bytes=480,
        events=3,
        values=9,
        used=7,
        dropped=Counter({Drop.UNDEFINED: 2, Drop.REPEATED: 0}),
        definitions=1,
        skipped=Counter({20: 4, 33000: 1}),
        oddities=Counter({Oddity.TRAILING: 1}),
    )
    assert account.items == 9
    assert account.lines() == [
        "run.evt: 480 bytes, 3 events, 7 of 9 values used",
        "  2 values dropped: id not defined",
        "  4 items without events: scalers",
        "  1 items without events: type 33000",
        "  1 times: bytes behind the values of an event",
    ]
