"""GUPPI raw files: the real ones, and damaged ones made of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.recordings import recording

from readers.scans import line_scan, pulsar_scan
from spectrometer.daq.errors import SourceError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.protocol.guppiraw import HeaderError, read_header
from spectrometer.daq.scansetup import read_setup, safe_name
from spectrometer.status.protocol.cards import write_cards


def make_file(
    path: Path,
    blocks: int,
    *,
    overlap: int = 4,
    packets: list[int] | None = None,
    length: int = 32,
    **more: object,
) -> np.ndarray:
    """Write a recording whose overlap does repeat; returns its samples, each once: (2 channels,
    time, 4)."""
    total = blocks * (length - overlap) + overlap
    stream = np.random.default_rng(3).integers(-9, 9, (2, total, 4), dtype=np.int8)
    with path.open("wb") as file:
        for number in range(blocks):
            at = number * (length - overlap)
            header = {
                "BLOCSIZE": length * 8,
                "OBSNCHAN": 2,
                "NPOL": 4,
                "NBITS": 8,
                "OVERLAP": overlap,
                "TBIN": 1e-3,
                "OBSFREQ": 300.0,
                "OBSBW": -0.002,
                "PKTSIZE": 8,
                "PKTIDX": packets[number] if packets else number * (length - overlap),
                **more,
            }
            file.write(
                write_cards(header) + np.ascontiguousarray(stream[:, at : at + length]).tobytes()
            )
    return stream


def test_real_recording_is_read_as_its_headers_say() -> None:
    replayed = GuppiFile(recording("sample_puppi.raw"))
    header = replayed.header
    assert (header.header_bytes, header.channels, header.polarizations, header.samples) == (
        6400,
        4,
        2,
        1024,
    )
    assert (replayed.block_count, replayed.samples, replayed.longest_run()) == (4, 3904, 3904)
    assert any("CHAN_BW = 3.125 MHz contradicts TBIN = 0.004 s" in s for s in replayed.notes)
    assert any("does not repeat" in s for s in replayed.notes)
    replayed.close()


def test_recording_cut_after_its_header_says_expected_and_found() -> None:
    with pytest.raises(SourceError, match="cut short, expected 132186112 bytes, found 7920"):
        GuppiFile(recording("sample_vegas.raw"))


@pytest.mark.parametrize("piece", [10, 32, 60, 1000])
def test_overlap_is_removed_however_pieces_are_cut(tmp_path: Path, piece: int) -> None:
    stream = make_file(tmp_path / "a.raw", 3)
    recording = GuppiFile(tmp_path / "a.raw", piece_samples=piece)
    pieces = list(recording.pieces())
    np.testing.assert_array_equal(np.concatenate([p.samples for p in pieces], axis=1), stream)
    assert [p.follows for p in pieces] == [False] + [True] * (len(pieces) - 1)
    assert recording.samples / recording.block_samples == pytest.approx(3)
    assert len(recording.notes) == 1
    recording.close()


def test_missing_samples_are_counted_and_break_the_run(tmp_path: Path) -> None:
    make_file(tmp_path / "a.raw", 3, packets=[0, 28, 84])
    recording = GuppiFile(tmp_path / "a.raw", piece_samples=1000)
    assert recording.missing == 56 - 28 - 4  # the overlap is there
    assert [p.follows for p in recording.pieces()] == [False, False]
    assert recording.longest_run() == 60
    recording.close()


def test_last_block_cut_short_is_left_out(tmp_path: Path) -> None:
    make_file(tmp_path / "a.raw", 3)
    (tmp_path / "a.raw").write_bytes((tmp_path / "a.raw").read_bytes()[:-5])
    recording = GuppiFile(tmp_path / "a.raw")
    assert recording.block_count == 2
    assert "cut short, expected 256 bytes, found 251 (block 2" in recording.notes[1]
    recording.close()


def test_a_header_that_cannot_be_ends_a_recording_and_its_notes_say_so(tmp_path: Path) -> None:
    make_file(tmp_path / "a.raw", 3)
    (tmp_path / "a.raw").write_bytes((tmp_path / "a.raw").read_bytes() + b"x" * 900)
    recording = GuppiFile(tmp_path / "a.raw")
    assert recording.block_count == 3
    assert "no GUPPI raw header" in recording.notes[1]
    assert "the rest of the file is left out" in recording.notes[1]
    recording.close()


def test_a_gap_that_no_observation_has_is_refused_with_its_block(tmp_path: Path) -> None:
    make_file(tmp_path / "a.raw", 4, packets=[0, 28, 56, 10**12])
    with pytest.raises(
        SourceError, match=r"block 3: PKTIDX 1000000000000 leaves a gap of 1e\+09 s; cut the file"
    ):
        GuppiFile(tmp_path / "a.raw")


@pytest.mark.parametrize(
    "status", [{"OBS_MODE": "SEARCH"}, {"OBS_MODE": "RAW"}, {"BACKEND": "VEGAS", "NCHAN": 16}]
)
def test_what_no_card_can_hold_is_left_out_and_the_scan_goes_on(
    tmp_path: Path, status: dict[str, object]
) -> None:
    source = tmp_path / f"{'a' * 70}'é.raw"
    make_file(source, 40, SRC_NAME="bad", TELESCOP="GBT", STT_IMJD=math.inf, CHAN_BW="odd")
    source.write_bytes(source.read_bytes().replace(b"'bad", b"'b\1d").replace(b"'odd", b"'o\xe9d"))
    make = pulsar_scan if "OBS_MODE" in status else line_scan
    more = {"OBSNCHAN": 2, "TBIN": 2e-3, "SCANLEN": 0.5, "EXPOSURE": 0.5, "RECTEL": None, **status}
    path = make(tmp_path, source=source, taps=2, **more)
    if path.suffix == ".raw":
        assert read_header(path.read_bytes()).values["DATASRC"] == f"{'a' * 62}??.raw"
        return
    with fits.open(path) as units:
        header = units[0].header
        assert (header["DATASRC"], header["RECTEL"]) == (f"{'a' * 62}??.raw", "GBT")
        assert "RECSRC" not in header
        assert "CHAN_BW: expected a number" in str(header["HISTORY"]).replace("\n", "")


def test_a_block_that_has_nothing_new_is_passed_over(tmp_path: Path) -> None:
    """Its PKTIDX is that of the block before but for less than half a sample, and it stands between
    long blocks."""
    packets = [0, 1000, 2000, 2001, 3001, 4001]
    make_file(tmp_path / "a.raw", 6, overlap=0, packets=packets, PIPERBLK=1000)
    recording = GuppiFile(tmp_path / "a.raw", piece_samples=8)
    pieces = list(recording.pieces())
    assert [(p.first_sample, p.samples.shape[1], p.follows) for p in pieces] == [
        (at, 8, at > 0) for at in range(0, 5 * 32, 8)
    ]
    recording.close()


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"\0" * 100])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.raw").write_bytes(content)
    with pytest.raises(SourceError):
        GuppiFile(tmp_path / "a.raw")


@pytest.mark.parametrize(
    "change",
    [
        {"NBITS": 2},
        {"NPOL": 3},
        {"TBIN": 0.0},
        {"OVERLAP": 32},
        {"OBSFREQ": "x"},
        {"TBIN": 1e-320},
        *(
            {key: number}
            for key in ("TBIN", "OBSFREQ", "OBSBW", "PKTIDX", "PIPERBLK", "NBITS", "BLOCSIZE")
            for number in (math.inf, math.nan, 1e300)
        ),
        {"PKTIDX": 10**58},
    ],
)
def test_header_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {
        "BLOCSIZE": 256,
        "OBSNCHAN": 2,
        "NPOL": 4,
        "OVERLAP": 0,
        "TBIN": 1e-3,
        "OBSFREQ": 1.0,
        "OBSBW": 1.0,
    }
    assert read_header(write_cards(good)).samples == 32
    with pytest.raises(HeaderError, match=next(iter(change))):
        read_header(write_cards({**good, **change}))


def test_setup_reads_numbers_stored_as_text() -> None:
    setup = read_setup(
        {
            "NCHAN": "1024",
            "EXPOSURE": "0.5",
            "SCANLEN": "unspecified",
            "SWPERIOD": "0.1",
            "_SPHS_01": "0.0",
            "_SPHS_02": "0.5",
            "_SCAL_01": "1",
            "_SCAL_02": "0",
            "_SSRF_01": 0,
            "PROJID": "../x y",
        }
    )
    assert (setup.nchan, setup.exposure, setup.scan_length, setup.project) == (
        1024,
        0.5,
        None,
        "_x_y",
    )
    assert (setup.cycle.starts, setup.cycle.cal, setup.cycle.period) == ((0.0, 0.5), (1, 0), 0.1)
    assert safe_name("..") == "unspecified"
