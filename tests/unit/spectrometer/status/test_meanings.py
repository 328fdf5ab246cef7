"""Meanings of status keys, and the units with which they begin."""

from __future__ import annotations

import pytest

from spectrometer.status.meanings import unit_of


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("EXPOSURE", "s"),
        ("M_STTOFF", "s"),
        ("_SBLK_03", "s"),
        ("CAL_FREQ", "Hz"),
        ("CHAN_DM", "pc/cm3"),
        ("ANT_X", "m"),
        ("NCHAN", ""),
        ("BACKEND", ""),
        ("OWN", ""),
    ],
)
def test_a_key_has_the_unit_of_its_meaning(key: str, unit: str) -> None:
    assert unit_of(key) == unit
