"""Counts of a scan as status keys and in a header."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.io import fits

from spectrometer.daq.account import (
    CLOSING,
    ClosingRemarks,
    FileState,
    ScanAccount,
    account_cards,
    close_header,
    rounded,
    update_header,
)
from spectrometer.daq.writer import ScanFile, build_headers


def account(**counts: float) -> ScanAccount:
    return ScanAccount(
        **{"planned": 10, "recorded": 10, "lost_blocks": 0.0, "lost_s": 0.0, **counts}
    )  # type: ignore[arg-type]


def cards_of(path: Path) -> dict[str, object]:
    with fits.open(path) as units:
        units.verify("exception")
        header = units[0].header
        return {key: header[key] for key in header if key in {card[0] for card in account_cards(0)}}


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0, 0), (3.0, 3), (1e-12, 1e-6), (0.5000000001, 0.5), (0.37, 0.37), (86400.25, 86400.25)],
)
def test_a_loss_is_never_rounded_to_none(number: float, shown: float) -> None:
    assert repr(rounded(number)) == repr(shown)
    assert account(lost_blocks=number).status["DAQDROP"] == shown


def test_nothing_may_be_missing_of_what_is_complete() -> None:
    assert account().is_complete
    for missing in ({"recorded": 9}, {"lost_blocks": 1e-9}, {"lost_s": 1e-9}):
        assert not account(**missing).is_complete


def test_a_file_says_that_it_is_unfinished_until_it_is_closed_in_order(tmp_path: Path) -> None:
    primary, table = build_headers(
        4, {"OBSERVER": "me"}, [("A", 1, ""), *account_cards(10), ("Z", 2, "")]
    )
    file = ScanFile(tmp_path, "a.fits", 4, primary, table)
    empty = {
        "DAQEND": "unfinished",
        "DAQPLAN": 10,
        "DAQNINT": 0,
        "DAQDROP": 0.0,
        "DAQLOST": 0.0,
        "CLKSTEP": 0.0,
        "ARRAYST": "unknown",
    }
    assert cards_of(file.path) == empty
    update_header(file, account(recorded=4, lost_blocks=1 / 3, lost_s=1e-5))
    assert cards_of(file.path) == empty | {"DAQNINT": 4, "DAQDROP": 0.333333, "DAQLOST": 1e-5}
    before = file.path.read_bytes()
    close_header(
        file,
        account(recorded=9),
        FileState.INCOMPLETE,
        ClosingRemarks(array="it's " + "x" * 90, clock_step=-3600.25),
    )
    assert cards_of(file.path) == empty | {
        "DAQEND": "incomplete",
        "DAQNINT": 9,
        "CLKSTEP": -3600.25,
        "ARRAYST": "it s " + "x" * 55,
    }
    file.close()
    after = file.path.read_bytes()
    assert len(before) == len(after)
    cards = [after[at : at + 80] for at in range(0, len(primary), 80)]
    changed = [
        card[:8].decode().strip()
        for card, was in zip(
            cards, [before[at : at + 80] for at in range(0, len(primary), 80)], strict=True
        )
        if card != was
    ]
    assert set(changed) == {
        "DAQEND",
        "DAQNINT",
        "DAQDROP",
        "DAQLOST",
        "CLKSTEP",
        "ARRAYST",
        "CHECKSUM",
        "DATASUM",
    }


def test_a_file_without_a_remark_keeps_that_the_array_is_unknown(tmp_path: Path) -> None:
    primary, table = build_headers(4, {}, account_cards(10))
    file = ScanFile(tmp_path, "a.fits", 4, primary, table)
    close_header(file, account(planned=3), FileState.STOPPED, CLOSING)
    file.close()
    assert [cards_of(file.path)[key] for key in ("ARRAYST", "DAQEND", "DAQPLAN")] == [
        "unknown",
        "stopped",
        3,
    ]
