"""Spectra of Banks as products: their bands, parts, blocks and means."""

from __future__ import annotations

import numpy as np
import pytest

from gateways.difx.protocol.bankspectra import BankFrame, BankSpectra, read_frame

DAY = 86400.0


def value(rows: list[str], data: list[list[float]], **more: object) -> dict[str, object]:
    """Return a frame as the spectrometer publishes it, of channels of 1 MHz from 100 MHz on."""
    found = {"rows": rows, "data": np.array(data, np.float32), "x_start": 100e6, "x_delta": 1e6}
    return {**found, "x_starts": [100e6] * len(rows), "integration": 0, **more}


def frame(number: int = 0, time: float = 0.0, level: float = 1.0) -> BankFrame:
    """Return a frame of one power."""
    found = read_frame(value(["XX"], [[level, level]], integration=number), time)
    assert found is not None
    return found


def test_powers_and_cross_spectrum_of_two_polarizations_are_three_products() -> None:
    rows = ["XX", "YY", "REXY", "IMXY"]
    found = read_frame(value(rows, [[1, 2], [3, 4], [5, 6], [7, 8]]), 0.0)
    assert found is not None
    assert [band[0] for band in found.bands] == [0, 3, 1]
    assert {band[1:] for band in found.bands} == {(100.5, 2.0, 2)}
    np.testing.assert_allclose(found.spectra[2], [5 + 7j, 6 + 8j])


def test_sub_bands_have_their_own_frequencies() -> None:
    rows = ["XX of sub-band 0", "XX of sub-band 1", "REXY of sub-band 1", "IMXY of sub-band 1"]
    data = [[1.0, 1.0]] * 4
    found = read_frame(value(rows, data, x_starts=[100e6, 200e6, 200e6, 200e6]), 0.0)
    assert found is not None
    assert [band[:2] for band in found.bands] == [(0, 100.5), (0, 200.5), (1, 200.5)]


def test_inverted_band_is_turned_so_that_frequencies_rise() -> None:
    found = read_frame(value(["XX"], [[1, 2, 3]], x_delta=-1e6), 0.0)
    assert found is not None
    np.testing.assert_allclose(found.spectra[0], [3, 2, 1])
    assert found.bands == ((0, 99.0, 3.0, 3),)


def test_wide_spectrum_is_averaged_to_4096_channels() -> None:
    found = read_frame(value(["XX"], [list(range(10_000))]), 0.0)
    assert found is not None
    (band,) = found.bands
    assert band[2:] == (9999.0, 3333)
    np.testing.assert_allclose(found.spectra[0][:2], [1, 4])


def test_frame_of_any_pipe_is_a_power_and_holes_are_zeros() -> None:
    found = read_frame({"data": np.array([1.0, np.nan, np.inf]), "x_delta": 2.0}, 0.0)
    assert found is not None
    np.testing.assert_allclose(found.spectra[0], [1, 0, 0])


def test_rows_without_names_are_powers_each() -> None:
    found = read_frame({"data": np.ones((3, 4)), "x_delta": 1.0}, 0.0)
    assert found is not None
    assert len(found.spectra) == 3


@pytest.mark.parametrize(
    "strange",
    [
        None,
        5,
        {},
        {"data": [1, 2]},
        {"data": np.zeros((2, 2, 2))},
        {"data": np.zeros(0)},
        {"data": np.array(["a"])},
        {"data": np.zeros(3), "x_delta": 0.0},
        {"data": np.zeros((1, 3)), "rows": ["IMXY"]},
    ],
)
def test_what_is_no_spectrum_is_passed_over(strange: object) -> None:
    assert read_frame(strange, 0.0) is None


def test_integrations_have_seconds_of_their_day_and_the_time_between_them() -> None:
    spectra = BankSpectra(["BANKA"], "bank:BANKA")
    first = spectra.take("BANKA", frame(0, 5 * DAY + 86390.0))
    second = spectra.take("BANKA", frame(2, 5 * DAY + 86405.0))
    assert first is not None
    assert second is not None
    assert (first.second, second.second) == (86390, 86405)
    assert second.integration_s == 7.5
    assert second.number > first.number
    assert spectra.products is not None
    assert spectra.products.job == "bank:BANKA"
    assert [scan.identifier for scan in spectra.products.scans] == ["live"]
    assert [one.telescopes for one in spectra.products.products] == [("BANKA", "BANKA")]


def test_means_are_of_one_scan() -> None:
    spectra = BankSpectra(["BANKA"], "j")
    means = []
    for number, level in ((0, 2.0), (1, 4.0), (0, 10.0)):
        block = spectra.take("BANKA", frame(number, 0.0, level))
        assert block is not None
        means.append(block.means[0][0].real)
    assert means == [2, 3, 10]


def test_block_of_several_banks_comes_when_each_has_a_new_integration() -> None:
    spectra = BankSpectra(["A", "B"], "j")
    assert spectra.take("A", frame(0)) is None
    assert spectra.products is None
    assert spectra.missing == ["B"]
    block = spectra.take("B", frame(0, level=3.0))
    assert block is not None
    assert [each[0].real for each in block.spectra] == [1, 3]
    assert spectra.take("A", frame(1)) is None
    assert spectra.take("B", frame(1)) is not None


def test_bank_that_has_fallen_silent_does_not_hold_the_others_up() -> None:
    spectra = BankSpectra(["A", "B"], "j")
    spectra.take("A", frame(0))
    spectra.take("B", frame(0))
    assert spectra.take("A", frame(1, level=5.0)) is None
    late = spectra.take("A", frame(2, level=6.0))
    assert late is not None
    assert late.spectra[0][0].real == 5


def test_spectra_of_another_kind_are_told_apart() -> None:
    spectra = BankSpectra(["A"], "j")
    spectra.take("A", frame(0))
    other = read_frame(value(["XX"], [[1, 2, 3]]), 1.0)
    assert other is not None
    assert spectra.take("A", other) is None
    assert spectra.has_changed
