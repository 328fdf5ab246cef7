"""The synthesizer's frames, register fields and frequencies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.derive.synthesizer import (
    FrameCommand,
    Options,
    Pll,
    SynthesizerFrameError,
    Tuning,
    checksum,
    frequency_range,
    read_frame,
    reference_mhz,
    tune,
    write_frame,
)

VCO = (2200, 4400)
EMPTY = Pll((0,) * 6)


@pytest.mark.parametrize(
    ("frame", "hexadecimal"),
    [
        (write_frame(FrameCommand.REFERENCE_SELECT, 0, b"\1"), "06 01 07"),
        (
            write_frame(FrameCommand.REFERENCE, 0, (10_000_000).to_bytes(4, "big")),
            "01 00 98 96 80 af",
        ),
        (write_frame(FrameCommand.VCO_RANGE, 0, bytes.fromhex("08981130")), "03 08 98 11 30 e4"),
        (read_frame(FrameCommand.REGISTERS, 8), "88"),
        (read_frame(FrameCommand.REFERENCE_SELECT, 0), "86"),
    ],
)
def test_frames_are_the_references(frame: bytes, hexadecimal: str) -> None:
    assert frame.hex(" ") == hexadecimal


@pytest.mark.parametrize(
    ("frequency", "spacing", "divider", "n", "frac", "mod", "reg0", "reg1", "reg4"),
    [
        (1500, 10, 2, 300, 0, 1, 0x00960000, 0x8, 0x100000),
        (1440, 10, 2, 288, 0, 1, 0x00900000, 0x8, 0x100000),
        (800, 10, 4, 320, 0, 1, 0x00A00000, 0x8, 0x200000),
        (500, 10, 8, 400, 0, 1, 0x00C80000, 0x8, 0x300000),
        (1440.25, 0.5, 2, 288, 1, 20, 0x00900008, 0xA0, 0x100000),
        (1433.5, 0.01, 2, 286, 175, 250, 0x008F0578, 0x7D0, 0x100000),
    ],
)
def test_frequencies_are_the_references(
    frequency: float,
    spacing: float,
    divider: int,
    n: int,
    frac: int,
    mod: int,
    reg0: int,
    reg1: int,
    reg4: int,
) -> None:
    tuning = tune(frequency, spacing, 10.0, VCO)
    assert tuning == Tuning(n, frac, mod, divider)
    words = EMPTY.with_tuning(tuning).words
    assert (words[0], words[1], words[4]) == (reg0, reg1, reg4)
    assert tuning.frequency(10.0) == pytest.approx(frequency)


def test_the_originals_spacing_gives_another_frequency() -> None:
    # Its default of 10.0 was documented as 10 Hz and taken as 10 MHz.
    assert tune(1433.5, 10.0, 10.0, VCO).frequency(10.0) == 1435.0


@given(st.floats(*frequency_range(VCO)), st.sampled_from([0.01, 0.1, 0.5, 1.0, 10.0]))
def test_any_frequency_is_met_within_the_spacing(frequency: float, spacing: float) -> None:
    tuning = tune(frequency, spacing, 10.0, VCO)
    assert EMPTY.with_tuning(tuning).tuning.frequency(10.0) == tuning.frequency(10.0)
    assert abs(tuning.frequency(10.0) - frequency) <= spacing / tuning.divider * 0.5001 + 1e-9
    assert tuning.frac < tuning.mod or tuning.mod == 1


def test_a_spacing_that_does_not_divide_the_reference_gives_the_nearest_frequency_there_is() -> (
    None
):
    """0.003 MHz of 10 MHz: steps of 10/3333 MHz; 2102 of them would be 1.95 kHz off, 2101 are 1.05
    kHz."""
    tuning = tune(3896.30468, 0.003, 10.0, VCO)
    assert tuning == Tuning(389, 2101, 3333, 1)
    assert tuning.frequency(10.0) == pytest.approx(3896.303630, abs=1e-6)


@given(st.floats(*frequency_range(VCO)), st.floats(0.0025, 10.0), st.floats(1.0, 10.0))
def test_no_neighbouring_fraction_is_nearer(
    frequency: float, spacing: float, reference: float
) -> None:
    tuning = tune(frequency, spacing, reference, VCO)
    modulus = max(int(reference / spacing + 0.5), 1)
    off = abs(tuning.frequency(reference) - frequency)
    assert off <= reference / modulus / tuning.divider / 2 + 1e-9


@pytest.mark.parametrize("frequency", [137.4, 4400.1, -1500.0, 0.0])
def test_out_of_range_names_the_range(frequency: float) -> None:
    with pytest.raises(ValueError, match=r"out of the synthesizer's range, 137\.5 to 4400 MHz"):
        tune(frequency, 0.01, 10.0, VCO)


def test_spacing_that_the_pll_cannot_make_names_the_least() -> None:
    with pytest.raises(ValueError, match=r"at least 0\.002442 MHz"):
        tune(1500, 0.001, 10.0, VCO)


@given(
    st.tuples(*[st.integers(0, 2**32 - 1)] * 6),
    st.booleans(),
    st.booleans(),
    st.integers(1, 1023),
    st.booleans(),
    st.sampled_from([-4, -1, 2, 5]),
)
def test_a_changed_field_leaves_the_others(
    words: tuple[int, int, int, int, int, int],
    double: bool,
    half: bool,
    divider: int,
    low_spur: bool,
    level: int,
) -> None:
    options = Options(double, half, divider, low_spur)
    before = Pll(words)
    after = Pll.from_bytes(before.with_options(options).with_rf_level(level).to_bytes())
    assert (after.options, after.rf_level, after.tuning) == (options, level, before.tuning)
    touched = (0, 0, 0x63FFC000 | 0x3 << 24, 0, 0x18, 0)
    assert all(
        a & ~mask == b & ~mask
        for a, b, mask in zip(after.words, before.words, touched, strict=True)
    )


def test_reference_of_the_pll() -> None:
    assert reference_mhz(10_000_000, Options()) == 10.0
    assert reference_mhz(10_000_000, Options(double=True)) == 20.0
    assert reference_mhz(10_000_000, Options(half=True, divider=5)) == 1.0


def test_wrong_lengths_and_values_are_refused() -> None:
    with pytest.raises(SynthesizerFrameError, match="REFERENCE takes 4 bytes, not 3"):
        write_frame(FrameCommand.REFERENCE, 0, b"123")
    with pytest.raises(SynthesizerFrameError, match="23 bytes; expected 24"):
        Pll.from_bytes(bytes(23))
    with pytest.raises(ValueError, match="expected one of -4, -1, 2, 5"):
        EMPTY.with_rf_level(3)
    with pytest.raises(ValueError, match="expected 1 to 1023"):
        EMPTY.with_options(Options(divider=0))
    assert checksum(bytes([255, 2])) == 1
