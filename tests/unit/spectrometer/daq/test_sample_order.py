"""Orders of the samples in GUPPI raw files: followed where they are known, refused by name where
not.

Raw files that are written are of two polarizations and two or more channels: there is no header for
others that all readers take alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.pulsar_scans import psrfits

from readers.scans import PULSAR, run_to_end
from readers.voltages import Volts, write_raw
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.errors import ScanSetupError, SourceError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.runs import run_for

CHANNELS, TBIN, CENTRE = 4, 1e-5, 1400.0
TONE = 1399.97


def tone(samples: int) -> Volts:
    """A carrier at 1399.97 MHz, in noise; coarse channels of 0.1 MHz."""
    rng = np.random.default_rng(1)
    volts = rng.normal(0, 2, (CHANNELS, samples, 2)) + 1j * rng.normal(0, 2, (CHANNELS, samples, 2))
    place = (TONE - CENTRE) * TBIN * 1e6 + CHANNELS / 2
    channel, offset = int(place), place % 1 - 0.5
    volts[channel] += 40 * np.exp(2j * np.pi * offset * np.arange(samples))[:, None]
    return volts


def run_to_file(folder: Path, source: Path, **status: Any) -> Path:
    values = {**PULSAR, "SCANLEN": 0.2, **status}
    run = run_for(RunOptions(source=source, rate=1 / TBIN, fast=True), values, folder)
    return run_to_end(run)


@pytest.mark.parametrize("overlap", [0, 100])
@pytest.mark.parametrize("time_first", [False, True])
def test_a_tone_is_where_it_was_in_either_order(
    tmp_path: Path, time_first: bool, overlap: int
) -> None:
    source = write_raw(
        tmp_path / "in.raw",
        tone(20_000 + overlap),
        centre_mhz=CENTRE,
        sample_time=TBIN,
        time_first=time_first,
        overlap=overlap,
    )
    path = run_to_file(tmp_path, source, BACKEND="VEGAS", OBS_MODE="HBW", NCHAN=400, EXPOSURE=0.1)
    with fits.open(path) as units:
        table, rows = units["SPECTRA"].header, units["SPECTRA"].data
        peak = int(rows["DATA"].mean(axis=0).argmax())
        found = (table["CRVAL1"] + (peak + 1 - table["CRPIX1"]) * table["CDELT1"]) / 1e6
    assert found == pytest.approx(TONE, abs=0.0005)

    searched = psrfits(run_to_file(tmp_path, source, OBS_MODE="SEARCH", OBSNCHAN=40))
    powers = searched.values[:, :, 0].mean(axis=(0, 1))
    assert searched.rows["DAT_FREQ"][0][powers.argmax()] == pytest.approx(TONE, abs=0.005)


@pytest.mark.parametrize("time_first", [False, True])
def test_raw_voltages_are_written_channel_by_channel_whatever_order_they_came_in(
    tmp_path: Path, time_first: bool
) -> None:
    volts = tone(20_000)
    source = write_raw(
        tmp_path / "in.raw", volts, centre_mhz=CENTRE, sample_time=TBIN, time_first=time_first
    )
    reader = GuppiFile(run_to_file(tmp_path, source, OBS_MODE="RAW"))
    assert reader.header.values["PKTFMT"] == "1SFA"
    found = np.concatenate([piece.samples for piece in reader.pieces()], axis=1)
    expected = np.stack([volts.real, volts.imag], axis=-1).reshape(CHANNELS, 20_000, 4)
    assert np.array_equal(found, np.clip(np.rint(expected), -127, 127)[:, : found.shape[1]])
    reader.close()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"PKTFMT": "VDIF"},
            "PKTFMT is VDIF: the order of its samples is not known; expected 1SFA, GUPPI, SIMPLE",
        ),
        ({"PKTFMT": "FAST4K"}, "PKTFMT is FAST4K"),
        ({"PKTFMT": "OTHER"}, "PKTFMT is OTHER"),
        ({"CHANMAJ": 1}, "CHANMAJ is 1: samples in another order cannot be read"),
        ({"NANTS": 3}, "NANTS is 3: several antennas cannot be read"),
    ],
)
def test_an_order_that_is_not_known_is_refused_by_name(
    tmp_path: Path, more: dict[str, Any], says: str
) -> None:
    source = write_raw(tmp_path / "in.raw", tone(400), more=more)
    with pytest.raises(SourceError, match=says):
        GuppiFile(source)


@pytest.mark.parametrize(
    "more", [{"PKTFMT": None}, {"PKTFMT": "GUPPI"}, {"PKTFMT": ""}, {"CHANMAJ": 0, "NANTS": 1}]
)
def test_what_says_nothing_else_is_read_channel_by_channel(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    reader = GuppiFile(write_raw(tmp_path / "in.raw", tone(400), more=more))
    assert (reader.samples, reader.header.is_time_first) == (400, False)
    reader.close()


def test_raw_voltages_of_one_polarization_have_zeros_for_the_other_and_say_so(
    tmp_path: Path,
) -> None:
    volts = tone(20_000)[:, :, :1]
    more = {"NPOL": 1, "PKTSIZE": CHANNELS * 2}
    source = write_raw(tmp_path / "in.raw", volts, centre_mhz=CENTRE, sample_time=TBIN, more=more)
    values = {**PULSAR, "SCANLEN": 0.2, "OBS_MODE": "RAW"}
    run = run_for(RunOptions(source=source, rate=1 / TBIN, fast=True), values, tmp_path)
    assert "one polarization: B is all zeros" in run.note
    path = run_to_end(run)
    assert run.account.is_complete
    reader = GuppiFile(path)
    header = reader.header
    assert (header.values["NPOL"], header.values["NPKT"]) == (4, header.packets)
    found = np.concatenate([piece.samples for piece in reader.pieces()], axis=1)
    reader.close()
    a = np.concatenate([volts.real, volts.imag], axis=2)[:, : found.shape[1]]
    assert np.array_equal(found[:, :, :2], np.clip(np.rint(a), -127, 127))
    assert not found[:, :, 2:].any()


def test_raw_voltages_of_one_channel_are_refused_with_what_to_do(tmp_path: Path) -> None:
    source = write_raw(tmp_path / "in.raw", tone(4000)[:1], centre_mhz=CENTRE, sample_time=TBIN)
    values = {**PULSAR, "SCANLEN": 0.02, "OBS_MODE": "RAW"}
    with pytest.raises(
        ScanSetupError, match="raw: 1 channel would be read as real samples; 2 or more are needed"
    ):
        run_for(RunOptions(source=source), values, tmp_path)
