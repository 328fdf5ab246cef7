"""Recordings with gaps, or in other units: what comes after a gap has its time in every kind of
file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.pulsar_scans import centroid, par_file, psrfits, raw_voltages

from readers.scans import PULSAR, pulsar_scan, run_to_end
from readers.voltages import Volts, stored_bytes, write_raw
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.runs import Run, run_for

START = 1.7e9
TBIN, CHANNELS = 1e-4, 4
BLOCK = 2000
LOST = (10, 11, 12)
PERIOD, PHASE = 0.25, 0.05
LENGTH = 6.0


def pulses(samples: int, period: float = PERIOD, width: float = 0.02) -> Volts:
    """Noise that is three times as strong at phase 0.05 of each period."""
    rng = np.random.default_rng(5)
    times = np.arange(samples) * TBIN
    off = np.abs((times / period - PHASE + 0.5) % 1 - 0.5)
    amplitude = 8 * (1 + 2 * (off < width / 2))
    noise = rng.normal(size=(CHANNELS, samples, 2)) + 1j * rng.normal(size=(CHANNELS, samples, 2))
    return noise * amplitude[None, :, None]


def run_of(folder: Path, source: Path, **status: Any) -> Run:
    """A scan of a recording at its own rate."""
    values = {
        **PULSAR,
        "PARFILE": str(folder / "x.par"),
        "SCANLEN": LENGTH,
        "TBIN": 1e-3,
        "OBSNCHAN": 4,
        **status,
    }
    run = run_for(RunOptions(source=source, rate=1 / TBIN, fast=True, taps=4), values, folder)
    run_to_end(run)
    return run


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blocks of 0.2 s, of which three are lost; as if of 7 s."""
    folder = tmp_path_factory.mktemp("gappy")
    return write_raw(folder / "in.raw", pulses(35 * BLOCK), sample_time=TBIN, blocks=35, lost=LOST)


def turns_at(times: np.ndarray, power: np.ndarray) -> float:
    """Phase of the pulses, by samples at their times."""
    above = power - np.median(power)
    return float(np.angle((above * np.exp(2j * np.pi * times / PERIOD)).sum()) / (2 * np.pi)) % 1


def check_loss(run: Run, header: fits.Header) -> None:
    assert run.account.lost_s == pytest.approx(0.6)
    assert run.account.lost_blocks == pytest.approx(3.0)
    assert run.note.startswith("0.6 s are missing in the recording")
    assert (header["DAQLOST"], header["DAQDROP"], header["DAQEND"]) == (
        pytest.approx(0.6),
        3.0,
        "incomplete",
    )
    history = " ".join(header["HISTORY"]).replace("\n", "")
    assert "0.6 s are missing in 1 gap of the recording" in history


def test_pulses_after_a_gap_are_in_the_samples_of_their_time(tmp_path: Path, gappy: Path) -> None:
    run = run_of(tmp_path, gappy, OBS_MODE="SEARCH")
    assert run.path is not None
    found = psrfits(run.path)
    power = found.values.reshape(-1, 4, CHANNELS)[:, 0].mean(axis=1)
    times = found.primary["STT_OFFS"] + (np.arange(len(power)) + 0.5) * found.table["TBIN"]
    for first, last in ((0.0, 2.0), (2.7, LENGTH)):
        chosen = (times > first) & (times < last)
        assert turns_at(times[chosen], power[chosen]) == pytest.approx(PHASE, abs=0.015)
    check_loss(run, found.primary)


@pytest.mark.parametrize("nchan", [4, 16])
def test_profiles_after_a_gap_have_their_pulse_where_those_before_have_it(
    tmp_path: Path, gappy: Path, nchan: int
) -> None:
    par_file(tmp_path, period=PERIOD)
    run = run_of(tmp_path, gappy, OBS_MODE="FOLD", TFOLD=1.0, OBSNCHAN=nchan, TBIN=2e-3)
    assert run.path is not None
    found = psrfits(run.path)
    assert len(found.rows) == run.account.recorded == run.account.planned == 6
    epochs = found.primary["STT_OFFS"] + found.rows["OFFS_SUB"]
    phases = [centroid(profile) for profile in found.values[:, 0].mean(axis=1)]
    assert (epochs / PERIOD + phases) % 1 == pytest.approx(PHASE, abs=0.01)
    assert found.rows["DAT_WTS"][:, 0] == pytest.approx(
        [1.0, 1.0, 0.4, 1.0, 1.0, 1.0], abs=0.03
    )  # 2.0 to 2.6 is lost
    check_loss(run, found.primary)


def test_raw_blocks_hold_zeros_for_a_gap(tmp_path: Path, gappy: Path) -> None:
    run = run_of(tmp_path, gappy, OBS_MODE="RAW", BLOCSIZE=BLOCK * 8)
    assert run.path is not None
    found, source = raw_voltages(run.path), GuppiFile(gappy)
    expected = np.zeros((CHANNELS, 35 * BLOCK, 4), np.int8)
    for piece in source.pieces():
        expected[:, piece.first_sample : piece.first_sample + piece.samples.shape[1]] = (
            piece.samples
        )
    assert np.array_equal(found, expected[:, : found.shape[1]])
    assert not found[:, LOST[0] * BLOCK : (LOST[-1] + 1) * BLOCK].any()
    assert run.account.lost_s == pytest.approx(0.6)
    source.close()


@pytest.mark.parametrize("lost", [LOST, (0, 1), (3,), (33, 34)])
def test_lost_blocks_are_gaps_whether_they_are_left_out_or_zeros_as_recorders_write_them(
    tmp_path: Path, lost: tuple[int, ...]
) -> None:
    """Blocks as guppi_daq and hpguppi_daq write them, and we: NPKT is 0, NDROP not."""
    volts = pulses(35 * BLOCK)
    whole = stored_bytes(volts, falling=False).reshape(CHANNELS, -1, 4)
    zeros = write_raw(tmp_path / "zeros.raw", volts, sample_time=TBIN, blocks=35, dropped=lost)
    source = GuppiFile(zeros)
    there = np.zeros(35 * BLOCK, bool)
    for piece in source.pieces():
        span = slice(piece.first_sample, piece.first_sample + piece.samples.shape[1])
        assert np.array_equal(piece.samples, whole[:, span])
        there[span] = True
    gone = np.repeat(np.isin(np.arange(35), lost), BLOCK)
    assert np.array_equal(there, ~gone)
    inner = [number for number in lost if number < 33]
    assert (source.missing, source.samples) == (
        len(inner) * BLOCK,
        35 * BLOCK - (len(lost) - len(inner)) * BLOCK,
    )
    source.close()


def test_packets_that_were_lost_within_a_block_are_gaps_when_it_is_replayed(tmp_path: Path) -> None:
    raw = pulsar_scan(tmp_path, OBS_MODE="RAW", SCANLEN=1.0, late=(0.43, 0.64))
    voltages = raw_voltages(raw)
    came = voltages.any(axis=(0, 2))
    source = GuppiFile(raw)
    there = np.zeros(len(came), bool)
    for piece in source.pieces():
        span = slice(piece.first_sample, piece.first_sample + piece.samples.shape[1])
        assert np.array_equal(piece.samples, voltages[:, span])
        assert piece.follows == (span.start > 0 and there[span.start - 1])
        there[span] = True
    packet = source.header.packet_bytes // (CHANNELS * 4)
    assert (there | ~came).all()
    assert 0 <= np.count_nonzero(~came) - source.missing < 2 * packet
    assert source.missing == np.count_nonzero(~there) > 0.1 * len(came)
    assert 0 < source.longest_run() < len(came) * 0.7
    source.close()


@pytest.mark.parametrize(
    ("silent", "dropped", "spans"),
    [
        ([2, 3, 9], 3, [(0, 2), (4, 9), (10, 40)]),
        ([0, 1, 39], 3, [(2, 39)]),
        ([2, 3, 9], 5, [(0, 2), (4, 9), (10, 40)]),  # two are not found
        (
            [2, 3, 9],
            2,
            [(0, 40)],
        ),  # more zeros than packets were lost: they may be what was received
        ([], 3, [(0, 40)]),
    ],
)
def test_zeros_are_gaps_if_the_header_says_that_so_many_packets_were_lost(
    tmp_path: Path, silent: list[int], dropped: int, spans: list[tuple[int, int]]
) -> None:
    volts = np.full((CHANNELS, 40, 2), 5 + 5j)
    volts[:, silent] = 0
    counts = {"NPKT": 40 - dropped, "NDROP": dropped}
    source = GuppiFile(write_raw(tmp_path / "in.raw", volts, blocks=1, more=counts))
    pieces = [
        (piece.first_sample, piece.first_sample + piece.samples.shape[1])
        for piece in source.pieces()
    ]
    assert pieces == spans
    left = dropped - len(silent) if 0 < len(silent) <= dropped else dropped
    assert any(f"{left} packets were lost" in note for note in source.notes) == (left > 0)
    source.close()


def test_what_was_lost_when_it_was_recorded_is_in_no_spectrum_and_no_profile(
    tmp_path: Path,
) -> None:
    par_file(tmp_path, period=PERIOD)
    source = write_raw(
        tmp_path / "in.raw", pulses(35 * BLOCK), sample_time=TBIN, blocks=35, dropped=LOST
    )
    run = run_of(tmp_path, source, OBS_MODE="FOLD", TFOLD=1.0)
    assert run.path is not None
    rows = psrfits(run.path).rows
    assert rows["TSUBINT"] == pytest.approx(np.array([1.0, 1.0, 0.4, 1.0, 1.0, 1.0]), abs=2e-3)
    assert rows["DAT_WTS"][:, 0] == pytest.approx(
        np.array([1.0, 1.0, 0.4, 1.0, 1.0, 1.0]), abs=2e-3
    )
    assert run.account.lost_s == pytest.approx(0.6)
    assert "0.6 s are missing in 1 gap" in " ".join(fits.getheader(run.path)["HISTORY"]).replace(
        "\n", ""
    )


@pytest.mark.parametrize("exposure", [0.5, 0.7])
def test_spectra_after_a_gap_have_their_time_and_their_switching_state(
    tmp_path: Path, exposure: float
) -> None:
    """The recording is stronger in the first half of each switching period, of which the gap is no
    multiple."""
    period = 0.22
    is_on = (np.arange(35 * BLOCK) * TBIN / period) % 1 < 0.5
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(CHANNELS, 35 * BLOCK, 2)) + 1j * rng.normal(
        size=(CHANNELS, 35 * BLOCK, 2)
    )
    source = write_raw(
        tmp_path / "in.raw",
        noise * np.where(is_on, 24, 8)[None, :, None],
        sample_time=TBIN,
        blocks=35,
        lost=LOST,
    )
    run = run_of(
        tmp_path,
        source,
        BACKEND="VEGAS",
        OBS_MODE="HBW",
        NCHAN=16,
        EXPOSURE=exposure,
        SWPERIOD=period,
        _SPHS_01=0.0,
        _SPHS_02=0.5,
        _SCAL_01=1,
        _SCAL_02=0,
    )
    assert run.path is not None
    with fits.open(run.path) as units:
        header, rows = units[0].header, units["SPECTRA"].data
        power = rows["DATA"].mean(axis=1)
        assert power[rows["CAL"] == 1] / power[rows["CAL"] == 0].mean() == pytest.approx(
            9.0, rel=0.1
        )
        assert (np.diff(rows["INTEGNUM"]) >= 0).all()
        numbers, last = set(rows["INTEGNUM"].tolist()), int(np.ceil(LENGTH / exposure)) - 1
        within = {n for n in range(last) if n * exposure >= 2.0 and (n + 1) * exposure <= 2.6}
        assert numbers == set(range(last + 1)) - within
        check_loss(run, header)


@pytest.mark.parametrize(
    ("step", "more"),
    [
        (1, {"PIPERBLK": 1}),
        (2000, {"PIPERBLK": 2000}),
        (1, {}),
        (1, {"PKTSIZE": 8192}),
        (2000, {}),
        (2000, {"PKTSIZE": 0}),
    ],
)
def test_a_recording_that_counts_in_other_units_keeps_its_period(
    tmp_path: Path, step: int, more: dict[str, Any]
) -> None:
    source = write_raw(
        tmp_path / "in.raw",
        pulses(35 * BLOCK + 512),
        sample_time=TBIN,
        blocks=35,
        overlap=512,
        step=step,
        more=more,
    )
    run = run_of(tmp_path, source, OBS_MODE="SEARCH")
    assert run.account.is_complete
    assert "missing" not in run.note
    assert run.path is not None
    found = psrfits(run.path)
    power = found.values.reshape(-1, 4, CHANNELS)[:, 0].mean(axis=1)
    times = found.primary["STT_OFFS"] + (np.arange(len(power)) + 0.5) * found.table["TBIN"]
    for first in range(6):
        chosen = (times > first) & (times < first + 1)
        assert turns_at(times[chosen], power[chosen]) == pytest.approx(PHASE, abs=0.015)


def test_a_gap_at_which_a_scan_ends_is_lost_to_its_end(tmp_path: Path, gappy: Path) -> None:
    run = run_of(tmp_path, gappy, OBS_MODE="SEARCH", SCANLEN=2.3)
    assert run.account.lost_s == pytest.approx(0.3)
    assert run.pacing.is_whole
    assert run.account.recorded < run.account.planned


def test_a_looped_recording_goes_on_behind_its_last_block_each_time(tmp_path: Path) -> None:
    source = write_raw(
        tmp_path / "in.raw", pulses(10 * BLOCK), sample_time=TBIN, blocks=10, lost=(4,)
    )
    run = run_of(tmp_path, source, OBS_MODE="SEARCH")
    assert run.pacing.loops == 2
    assert run.account.lost_s == pytest.approx(0.6)
    assert run.path is not None
    found = psrfits(run.path)
    power = found.values.reshape(-1, 4, CHANNELS)[:, 0].mean(axis=1)
    times = found.primary["STT_OFFS"] + (np.arange(len(power)) + 0.5) * found.table["TBIN"]
    chosen = (times % 2.0 < 0.75) | (
        times % 2.0 > 1.0
    )  # full periods; 0.8 to 1.0 s of each pass of 2 s is filled in
    assert turns_at(times[chosen], power[chosen]) == pytest.approx(PHASE, abs=0.015)
