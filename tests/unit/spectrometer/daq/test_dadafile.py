"""DADA files: the real ones read independently, and headers that cannot be."""

from __future__ import annotations

import string
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import recording

from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.dadafile import HALF_BAND_TAPS, DadaFile
from spectrometer.daq.errors import SourceError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.protocol.dada import DadaHeaderError, looks_like_dada, read_header
from spectrometer.daq.recordings import open_recording
from spectrometer.daq.run import ScanRun
from spectrometer.status import Value

GOOD = {
    "HEADER": "DADA",
    "HDR_VERSION": "1.0",
    "HDR_SIZE": "4096",
    "NBIT": "8",
    "NDIM": "2",
    "NPOL": "2",
    "NCHAN": "3",
    "TSAMP": "0.5",
    "FREQ": "1420.0",
    "BW": "-6.0",
    "OBS_OFFSET": "12000000",
    "UTC_START": "2022-01-17-06:17:50.5",
}
FFT = 256


def header(changes: dict[str, str | None] | None = None, size: int = 4096) -> bytes:
    merged: dict[str, str | None] = {**GOOD, **(changes or {})}
    lines = [
        f"{key:<12} {value}   # a comment" for key, value in merged.items() if value is not None
    ]
    return "\n".join([*lines, "# end of header", ""]).encode("latin-1").ljust(size, b"\0")


def test_real_headers_are_read_as_they_are_written() -> None:
    first = DadaFile(recording("sample.dada"))
    assert (first.samples, first.band.channels, first.band.polarizations) == (16000, 1, 2)
    assert (first.band.center_frequency, first.band.bandwidth, first.band.sample_time) == (
        320.0,
        16.0,
        6.25e-8,
    )
    # 6.4e9 bytes of 4 bytes each at 16 MHz are 100 s after UTC_START
    assert first.header.first_sample_time == datetime(2013, 7, 2, 1, 39, 20, tzinfo=UTC)
    second = DadaFile(recording("sample_meerkat.dada"))
    assert (second.header.is_complex, second.band.sample_time, second.band.bandwidth) == (
        False,
        2.5e-9,
        400.0,
    )
    assert second.samples == (28672 // 2 - HALF_BAND_TAPS + 2) // 2
    assert len(first.notes) == len(second.notes) == 1
    first.close()
    second.close()


def test_picoseconds_belong_to_the_start() -> None:
    changes = {"UTC_START": "2022-01-17-06:17:50", "PICOSECONDS": "250000000000", "OBS_OFFSET": "0"}
    found = read_header(header(changes)).first_sample_time
    assert found == datetime(2022, 1, 17, 6, 17, 50, 250_000, tzinfo=UTC)


def test_a_start_that_no_calendar_has_is_none() -> None:
    changes = {"TSAMP": "1e9", "OBS_OFFSET": str(1 << 53)}
    assert read_header(header(changes)).first_sample_time is None


def test_the_kind_of_a_file_is_found_by_its_beginning(tmp_path: Path) -> None:
    for name, kind in (("sample.dada", DadaFile), ("sample_puppi.raw", GuppiFile)):
        source = open_recording(recording(name))
        assert isinstance(source, kind)
        source.close()
    with pytest.raises(SourceError, match="No such file"):
        open_recording(tmp_path / "none.dada")


def scan(
    tmp_path: Path, name: str, nchan: int, taps: int
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """One pass through a recording as a scan: its mean spectrum per polarization, and the cards."""
    values: dict[str, Value] = {"NCHAN": nchan, "EXPOSURE": 1.0, "SCANLEN": 1.0, "PROJID": "DADA"}
    run = ScanRun(
        RunOptions(source=recording(name), fast=True, taps=taps, window="boxcar"), values, tmp_path
    )
    run.begin(time.time())
    while not run.pacing.over:
        run.step(time.time())
    run.end()
    assert run.path is not None
    with fits.open(run.path) as units:
        units.verify("exception")
        return np.array(units[1].data["DATA"], float), {**units[0].header, **units[1].header}


def test_a_scan_of_complex_samples_is_an_fft_of_the_file(tmp_path: Path) -> None:
    found, cards = scan(tmp_path, "sample.dada", FFT, 1)
    raw = np.fromfile(recording("sample.dada"), np.int8)[4096:].reshape(-1, 2, 2).astype(float)
    voltages = (raw[..., 0] + 1j * raw[..., 1])[: 16000 // FFT * FFT].reshape(-1, FFT, 2)
    power = (np.abs(np.fft.fft(voltages, axis=1)) ** 2).mean(axis=0) / FFT
    np.testing.assert_allclose(found, np.fft.fftshift(power, axes=0).T, rtol=1e-4)
    assert (cards["DATASRC"], cards["SIMULATE"], cards["RECSRC"]) == (
        "sample.dada",
        True,
        "2016+28",
    )
    assert cards["RECDATE"] == "2013-07-02T01:39:20.000000"
    assert (cards["CRVAL1"], cards["CDELT1"]) == (312e6, 16e6 / FFT)


def test_a_scan_of_real_samples_is_the_upper_half_of_an_fft(tmp_path: Path) -> None:
    found, cards = scan(tmp_path, "sample_meerkat.dada", FFT, 1)
    raw = np.fromfile(recording("sample_meerkat.dada"), np.int8)[4096:].reshape(-1, 2).astype(float)
    count = found.shape[1]
    used = ((len(raw) - HALF_BAND_TAPS + 2) // 2) // FFT * FFT
    middle = (HALF_BAND_TAPS - 1) // 2
    blocks = raw[middle : middle + 2 * used].reshape(-1, 2 * FFT, 2)
    power = (np.abs(np.fft.rfft(blocks, axis=1)) ** 2).mean(axis=0)[:count] / (2 * FFT)
    inner = slice(round(0.05 * FFT), round(0.95 * FFT))
    for polarization in range(2):
        expected, ours = power[inner, polarization], found[polarization, inner]
        # the same signal through another window at the blocks' ends: alike channel by channel, not
        # to the last digit
        assert np.corrcoef(expected, ours)[0, 1] > 0.999
        assert ours.sum() / expected.sum() == pytest.approx(1.0, abs=0.01)
        assert int(ours.argmax()) == int(expected.argmax())
    assert (cards["CRVAL1"], cards["CDELT1"]) == (1200e6, 400e6 / FFT)


def test_samples_do_not_depend_on_how_pieces_are_cut() -> None:
    for name in ("sample.dada", "sample_meerkat.dada"):
        whole, cut = (
            DadaFile(recording(name), piece_samples=1 << 20),
            DadaFile(recording(name), piece_samples=999),
        )
        (expected,) = whole.pieces()
        pieces = list(cut.pieces())
        joined = np.concatenate([piece.samples for piece in pieces], axis=1)
        np.testing.assert_allclose(joined, expected.samples, atol=1e-3)
        assert [piece.follows for piece in pieces] == [False] + [True] * (len(pieces) - 1)
        whole.close()
        cut.close()


def test_channels_and_polarizations_come_in_the_order_of_the_standard(tmp_path: Path) -> None:
    stored = np.arange(5 * 3 * 2 * 2, dtype=np.int8)
    (tmp_path / "a.dada").write_bytes(header() + stored.tobytes())
    source = DadaFile(tmp_path / "a.dada")
    (piece,) = source.pieces()
    for sample in range(5):
        for channel in range(3):
            for number in range(4):
                assert (
                    piece.samples[channel, sample, number]
                    == stored[(sample * 3 + channel) * 4 + number]
                )
    assert source.band.coarse_width == -2e6
    assert not source.notes[1:]
    source.close()


def test_a_header_longer_than_usual_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.dada").write_bytes(header({"HDR_SIZE": "16384"}, 16384) + bytes(12 * 7 + 5))
    source = DadaFile(tmp_path / "a.dada")
    assert source.samples == 7
    assert "the last 5 bytes are no whole sample" in source.notes[1]
    source.close()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"NBIT": "2"}, "NBIT is 2; only recordings of 8 bits can be read"),
        ({"NDIM": "3"}, "NDIM is 3; expected 1 to 2"),
        ({"NPOL": None}, "NPOL is missing"),
        ({"NCHAN": "many"}, "NCHAN is 'many'; expected a whole number"),
        ({"TSAMP": "-1"}, "TSAMP is -1; expected more than 0 microseconds"),
        ({"TSAMP": "nan"}, "TSAMP is 'nan'; expected a number"),
        ({"TSAMP": "1e-320"}, "expected more than 0 microseconds"),
        ({"FREQ": "1e300"}, "FREQ is '1e300'; expected a number"),
        ({"OBS_OFFSET": "-4"}, "OBS_OFFSET is -4; expected 0 to"),
        (
            {"PICOSECONDS": "1000000000000"},
            "PICOSECONDS is 1000000000000; expected 0 to 999999999999",
        ),
        ({"ORDER": "FTP"}, "ORDER is FTP; only TFP can be read, with one channel also FTP"),
        ({"UTC_START": "yesterday"}, "UTC_START is 'yesterday'; expected yyyy-mm-dd-hh:mm:ss"),
        ({"HDR_SIZE": "8192"}, "HDR_SIZE is 8192, but there are only 4100 bytes"),
        ({"HDR_SIZE": "0"}, "HDR_SIZE is 0; expected 1 to 1048576"),
    ],
)
def test_a_damaged_header_says_what_is_wrong(
    tmp_path: Path, changes: dict[str, str | None], text: str
) -> None:
    (tmp_path / "a.dada").write_bytes(header(changes) + bytes(4))
    with pytest.raises(SourceError) as caught:
        DadaFile(tmp_path / "a.dada")
    assert text in str(caught.value)


def test_all_faults_of_a_header_are_told_at_once() -> None:
    with pytest.raises(DadaHeaderError) as caught:
        read_header(header({"NBIT": "2", "NPOL": None, "FREQ": "x"}))
    assert str(caught.value).count(";") >= 3
    for key in ("NBIT", "NPOL", "FREQ"):
        assert key in str(caught.value)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dada").write_bytes(header())
    with pytest.raises(
        SourceError, match="too few samples: 4096 bytes, of which the header takes 4096"
    ):
        DadaFile(tmp_path / "a.dada")


WORDS = st.text(string.ascii_letters + string.digits + ":+-_.", min_size=1, max_size=20)


@given(st.dictionaries(st.from_regex(r"X[A-Z0-9_]{0,8}", fullmatch=True), WORDS, max_size=20))
def test_unknown_keys_are_kept_and_disturb_nothing(others: dict[str, str]) -> None:
    read = read_header(header(dict(others)))
    assert {key: read.values[key] for key in others} == others
    assert (read.channels, read.band.sample_time, read.offset_bytes) == (3, 5e-7, 12000000)


@given(
    st.integers(1, 64),
    st.integers(1, 2),
    st.booleans(),
    st.floats(1e-3, 1e6),
    st.integers(0, 1 << 40),
)
def test_what_is_written_is_read(
    channels: int, pols: int, is_complex: bool, sample_us: float, offset: int
) -> None:
    read = read_header(
        header(
            {
                "NCHAN": str(channels),
                "NPOL": str(pols),
                "NDIM": "2" if is_complex else "1",
                "TSAMP": repr(sample_us),
                "OBS_OFFSET": str(offset),
                "UTC_START": "unset",
            }
        )
    )
    assert (read.channels, read.polarizations, read.is_complex) == (channels, pols, is_complex)
    assert read.offset_bytes == offset
    assert read.sample_time == pytest.approx(sample_us * 1e-6)
    assert read.sample_bytes == channels * pols * (2 if is_complex else 1)
    assert read.first_sample_time is None


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 60))
def test_bytes_in_the_way_are_an_error_of_the_header_or_harmless(
    noise: bytes, at: int, cut: int
) -> None:
    good = header()
    damaged = good[:at] + noise + good[at + cut :]
    try:
        read = read_header(damaged)
    except DadaHeaderError:
        return
    assert looks_like_dada(damaged)
    assert read.channels >= 1
    assert read.sample_time > 0
