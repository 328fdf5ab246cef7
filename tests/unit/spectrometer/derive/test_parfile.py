"""Par files, and the phase that follows from one."""

from __future__ import annotations

from decimal import Decimal, getcontext

import pytest

from spectrometer.derive.parfile import par_value, read_par
from spectrometer.errors import PulsarSetupError

B0833 = """PSR              J0835-4510
RAJ             08:35:20.61149

F0   11.186499  1  0.000001
F1   -1.5577D-11
PEPOCH  55000.25
DM 67.99
"""


def test_what_a_scan_is_folded_with_is_read() -> None:
    found = read_par(B0833)
    assert (found.name, found.f0, found.f1, found.epoch_mjd, found.dm) == (
        "J0835-4510",
        11.186499,
        -1.5577e-11,
        55000.25,
        67.99,
    )
    assert found.left_out == ()
    assert read_par(B0833 + "F2 1e-21\n").left_out == ("F2",)


def test_a_period_is_as_good_as_a_frequency() -> None:
    found = read_par("PSRB B1937+21\nP 0.0015578\nP1 1.05e-19\nPEPOCH 52328\n")
    assert found.f0 == pytest.approx(641.93, rel=1e-5)
    assert found.f1 == pytest.approx(-1.05e-19 / 0.0015578**2)
    assert found.dm == 0.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("PEPOCH 55000\n", "has no F0"),
        ("F0 10\n", "has no PEPOCH"),
        ("F0 ten\nPEPOCH 55000\n", "F0 of the par file is 'ten'; expected a number"),
        ("F0 nan\nPEPOCH 55000\n", "expected a number"),
        ("F0 -1\nPEPOCH 55000\n", "expected more than 0"),
        ("P0 0\nPEPOCH 55000\n", "expected more than 0"),
        ("F0 1\nPEPOCH 55000\nDM -3\n", "expected 0 or more"),
        (
            "F0 173\nPEPOCH 55000\nBINARY DD\nPB 5.7\n",
            r"a binary pulsar \(BINARY, PB\).*record OBS_MODE SEARCH",
        ),
    ],
)
def test_what_cannot_be_folded_is_said(text: str, says: str) -> None:
    with pytest.raises(PulsarSetupError, match=says):
        read_par(text)


def test_the_phase_keeps_its_digits_over_twenty_years() -> None:
    getcontext().prec = 60
    f0, f1 = 641.928222127, -4.33e-14
    ephemeris = read_par(f"F0 {f0}\nF1 {f1}\nPEPOCH 52328.5\n")
    phase, frequency, _ = ephemeris.at(59633, 12345.0)
    since = (Decimal(59633) - Decimal("52328.5")) * 86400 + Decimal(12345)
    turns = Decimal(f0) * since + Decimal(f1) * since * since / 2
    assert phase == pytest.approx(float(turns % 1), abs=1e-9)
    assert frequency == pytest.approx(float(Decimal(f0) + Decimal(f1) * since), rel=1e-15)


def test_the_first_of_two_lines_counts() -> None:
    assert par_value("DM 1\nDM 2\n", "DM", 0.0) == 1.0
    assert read_par("F0 2\nF0 3\nPEPOCH 55000\n").f0 == 2.0
