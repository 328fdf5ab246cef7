"""Mixer tables against the original's words and hashes."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.derive.mixer import BLOCK_BYTES, BLOCKS, SAMPLES, nearest_oscillator
from spectrometer.errors import SubbandError

QUARTER = "7fff0000", "00007fff", "80010000", "ffff8001"


@pytest.mark.parametrize(
    ("wanted", "frequency", "periods", "actual", "block0", "block1", "block15", "sha256"),
    [
        (300e6, 1500, 1638, 299926757.8125, "7fff00009843b5062826798926a685fc", "67904b37d8218660d91179ee66fab3fe",
         "8002004b67e84abdd792868fd9a17a1b", "82d43c8233286f8a67e329dd1b50f35c29add4aae3d357d5d2837f3a2dc596e0"),
        (320e6, 1500, 1748, 320068359.375, "7fff0000dddc84a4923741cd5cb35842", "644c4f8431e28a218117ef5c11cf7ec0",
         "989cb48cd2db77c47f780b91e9268210", "6598caf7131a70902cbeb2b68eba9951273723df0cd205a61c2450a1ed83772b"),
        (750e6, 1500, 4096, 750000000.0, "7fff0000" * 4, "00007fff" * 4, "ffff8001" * 4,
         "22b4efc71d2fbdb5ca8e711bd9a717a5fb09710c23d4375ffa573aa3ad4f2dfd"),
        (300e6, 1000, 2458, 300048828.125, "7fff000098444afa2825867726a77a04", "4b376790865fd82279edd911b3fe66fb",
         "ffb57ffeb54298187971286d85e5265f", "dc0f4c3276b3d8aec3b729d4438e98877056ce8b5ed17272a87510c9c409a858"),
        (1e5, 1500, 1, 183105.46875, "7fff00007ffe00c97ffc01927ff9025b", "7ffe000c7ffe00d57ffc019e7ff90267",
         "7ffe00bc7ffc01857ff9024e7ff50317", "4e4fb4190fea667c26746a4eafcd5650e5fd7a7c7f96a63df4a69e12902a787e"),
    ],
)  # fmt: skip
def test_tables_are_the_originals(
    wanted: float,
    frequency: float,
    periods: int,
    actual: float,
    block0: str,
    block1: str,
    block15: str,
    sha256: str,
) -> None:
    oscillator = nearest_oscillator(wanted, frequency)
    assert (oscillator.periods, oscillator.frequency) == (periods, actual)
    blocks = oscillator.blocks()
    assert [len(block) for block in blocks] == [BLOCK_BYTES] * BLOCKS
    assert [blocks[i][:16].hex() for i in (0, 1, 15)] == [block0, block1, block15]
    assert hashlib.sha256(b"".join(blocks)).hexdigest() == sha256


def test_a_quarter_of_the_rate_shows_that_the_sine_is_added_not_packed() -> None:
    blocks = nearest_oscillator(750e6, 1500).blocks()
    assert [block[:4].hex() for block in blocks[:8]] == [*QUARTER, *QUARTER]


def test_halves_go_away_from_zero() -> None:
    found = [
        nearest_oscillator(f, 1500).periods for f in (91552.734375, 274658.203125, 457763.671875)
    ]
    assert found == [1, 2, 3]


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [
        (317, 317016601.5625), (306.565, 306518554.6875), (306.767, 306762695.3125), (306.969, 307006835.9375),
        (307.171, 307128906.25), (307.373, 307373046.875), (307.575, 307617187.5), (307.777, 307739257.8125),
        (307.979, 307983398.4375), (308.181, 308227539.0625), (308.383, 308349609.375), (308.585, 308593750.0),
        (308.787, 308837890.625), (308.989, 308959960.9375), (309.191, 309204101.5625), (309.393, 309448242.1875),
        (309.595, 309570312.5), (309.797, 309814453.125), (309.999, 310058593.75), (310.201, 310180664.0625),
        (310.403, 310424804.6875), (310.605, 310546875.0), (310.807, 310791015.625),
    ],
)  # fmt: skip
def test_frequencies_that_can_be_had_at_1000_mhz(wanted: float, actual: float) -> None:
    assert nearest_oscillator(wanted * 1e6, 1000).frequency == actual


def test_zero_has_the_originals_words() -> None:
    # Flaw V12: mathematically the sine of 0 Hz is 0.
    assert nearest_oscillator(0.0, 1500).blocks()[3][:4].hex() == "7fff7fff"


@pytest.mark.parametrize("wanted", [-1.0, 1500.1e6])
def test_outside_of_the_band_is_refused(wanted: float) -> None:
    with pytest.raises(SubbandError, match="outside of the sampled band, 0 to 1500 MHz"):
        nearest_oscillator(wanted, -1500)


@given(st.floats(0, 1500e6))
def test_the_nearest_one_is_found_and_is_a_unit_vector(wanted: float) -> None:
    oscillator = nearest_oscillator(wanted, 1500)
    assert abs(oscillator.frequency - wanted) <= 3e9 / SAMPLES / 2 * (1 + 1e-9)
    if oscillator.periods == 0:
        return
    for word in struct.unpack(">64i", oscillator.blocks()[5][:256]):
        sine = (word + 32768) % 65536 - 32768
        cosine = (word - sine) >> 16
        assert abs((sine**2 + cosine**2) ** 0.5 - 32767) < 2
