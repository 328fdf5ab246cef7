"""GUPPI raw files that we write, read back by our own reader."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.full_disk import room_for

from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.protocol.guppiraw import read_header, write_header
from spectrometer.daq.rawfile import (
    BlockCutter,
    BlockSize,
    RawBlock,
    RawFile,
    choose_block,
    to_bytes,
)


def band(channels: int = 4, polarizations: int = 2) -> RecordedBand:
    return RecordedBand(
        channels=channels,
        polarizations=polarizations,
        sample_time=1e-5,
        center_frequency=400.0,
        bandwidth=-0.1 * channels,
    )


def write(
    directory: Path,
    the_band: RecordedBand,
    samples: np.ndarray,
    overlap: int,
    longest: int,
    cuts: list[int],
) -> RawFile:
    size = choose_block(the_band, 0, overlap, longest)
    cutter, file = BlockCutter(size), RawFile(directory, "a.raw")
    edges = sorted({0, samples.shape[1], *(cut % samples.shape[1] for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        for block in cutter.add(samples[:, begin:end], begin):
            assert not block.lost_packets
            header = write_header(
                the_band,
                samples=block.samples.shape[1],
                overlap=overlap,
                packet_index=block.number * block.packets,
                packet_bytes=size.packet_bytes,
                others={"SRC_NAME": "X", "STT_IMJD": 60000},
            )
            file.append(header, block.samples)
    file.close()
    return file


@settings(max_examples=30)
@given(
    st.integers(1, 5),
    st.integers(1, 2),
    st.integers(0, 40),
    st.integers(1, 300),
    st.lists(st.integers(0, 5000), max_size=5),
)
def test_what_is_written_is_read_back_bit_for_bit(
    channels: int, polarizations: int, overlap: int, longest: int, cuts: list[int]
) -> None:
    samples = (
        np.random.default_rng(3)
        .integers(-127, 128, (channels, 3000, 2 * polarizations))
        .astype(np.int8)
    )
    with tempfile.TemporaryDirectory() as directory:
        file = write(
            Path(directory), band(channels, polarizations), samples, overlap, longest, cuts
        )
        reader = GuppiFile(file.path)
        pieces = list(reader.pieces())
        found = np.concatenate([piece.samples for piece in pieces], axis=1)
        size = choose_block(band(channels, polarizations), 0, overlap, longest)
        assert reader.block_count == file.rows > 0
        assert (reader.unlike_overlaps, reader.missing) == (0, 0)
        assert 3000 - found.shape[1] < size.new + overlap
        assert np.array_equal(found, samples[:, : found.shape[1]])
        assert reader.band == band(channels, polarizations)
        assert all(piece.follows for piece in pieces[1:])
        reader.close()


def cut(size: BlockSize, samples: np.ndarray, pieces: list[tuple[int, int]]) -> list[RawBlock]:
    """Blocks of pieces from so many samples to so many."""
    cutter = BlockCutter(size)
    blocks = [block for begin, end in pieces for block in cutter.add(samples[:, begin:end], begin)]
    return [*blocks, *cutter.finish(samples.shape[1])]


def test_a_block_has_its_place_whatever_is_lost_before_it() -> None:
    """Pieces of 5000 samples, of which 9 to 11 are lost: the first one after them is shorter than
    the way to the next block."""
    samples = np.random.default_rng(3).integers(1, 128, (4, 150_000, 4)).astype(np.int8)
    pieces = [(at, at + 5000) for at in range(0, 150_000, 5000) if not 45_000 <= at < 60_000]
    blocks = cut(BlockSize(24576, 64, 8192), samples, pieces)
    assert [(block.number, block.packets) for block in blocks] == [(n, 48) for n in range(6)]
    assert [block.lost_packets for block in blocks] == [0, 9, 22, 0, 0, 0]
    expected = samples.copy()
    expected[:, 45_000:60_000] = 0
    for block in blocks:
        begin = block.number * 24576
        assert np.array_equal(block.samples, expected[:, begin : begin + 24640])


@given(
    st.integers(1, 40),
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=40),
)
def test_lost_samples_are_zeros_and_the_others_are_where_they_were(
    new: int, overlap: int, parts: list[tuple[int, bool]]
) -> None:
    total = sum(length for length, _ in parts)
    samples = np.arange(1, total + 1, dtype=np.int64) % 126 + 1
    stream = np.broadcast_to(samples[None, :, None], (1, total, 2)).astype(np.int8)
    expected, pieces, at = stream.copy(), [], 0
    for length, is_lost in parts:
        if is_lost:
            expected[:, at : at + length] = 0
        else:
            pieces.append((at, at + length))
        at += length
    size = BlockSize(new, overlap, 2)  # a sample is a packet
    blocks = cut(size, stream, pieces)
    assert [block.number for block in blocks] == list(range(len(blocks)))
    assert len(blocks) <= size.blocks_of(total)
    for block in blocks:
        begin = block.number * new
        assert np.array_equal(block.samples, expected[:, begin : begin + new + overlap])
        missing = int((expected[0, begin : begin + new, 0] == 0).sum())
        assert (block.packets, block.lost_packets, block.is_lost) == (new, missing, missing == new)
    if not any(is_lost for _, is_lost in parts):
        assert len(blocks) == size.blocks_of(total)
    for number in range(
        len(blocks), size.blocks_of(total)
    ):  # what is not there would be empty but for an overlap
        assert not expected[:, number * new + overlap : number * new + new].any()


def test_headers_are_not_padded_as_dspsr_takes_padding_for_samples() -> None:
    for samples in (512, 500, 3):
        header = write_header(
            band(), samples=samples, overlap=0, packet_index=7, packet_bytes=16, others={}
        )
        found = read_header(header)
        assert found.header_bytes == len(header) == (len(found.values) + 1) * 80
        assert (found.samples, found.packet_index, found.values["DIRECTIO"]) == (samples, 7, 0)


def test_headers_have_all_cards_that_dspsr_asks_for_and_nothing_at_which_blimpy_ends() -> None:
    wanted = {
        "NBITS",
        "OBSBW",
        "OBSFREQ",
        "OBSNCHAN",
        "NPOL",
        "PKTFMT",
        "PKTSIZE",
        "TBIN",
        "OVERLAP",
        "BLOCSIZE",
        "STT_IMJD",
        "STT_SMJD",
        "STT_OFFS",
        "PKTIDX",
        "TELESCOP",
        "SRC_NAME",
        "BACKEND",
        "FD_POLN",
        "RA_STR",
        "DEC_STR",
        "FRONTEND",
    }
    others = {"OBSERVER": "a=b, O'Neill / x", "SCANLEN": 30.0, "STTVALID": 1, "OVERLAP": 512}
    header = write_header(
        band(), samples=512, overlap=0, packet_index=7, packet_bytes=16, others=others
    )
    cards = [header[at : at + 80].decode() for at in range(0, len(header) - 80, 80)]
    assert wanted <= {card[:8].rstrip() for card in cards}
    assert len(cards) == len({card[:8] for card in cards})
    for card in cards:
        assert card.count("=") == 1
        value = card.partition("=")[2].strip()
        assert value.startswith("'") or float(value) is not None  # no comment, no T or F
    assert read_header(header).values["OBSERVER"] == "a:b, O'Neill / x"


def test_a_bandwidth_that_contradicts_the_sample_time_is_not_passed_on() -> None:
    wrong = RecordedBand(
        channels=4, polarizations=2, sample_time=1e-5, center_frequency=400.0, bandwidth=-0.001
    )
    found = read_header(
        write_header(wrong, samples=8, overlap=0, packet_index=0, packet_bytes=16, others={})
    )
    assert (found.bandwidth, found.values["CHAN_BW"]) == pytest.approx((-0.4, -0.1))


def test_blocks_are_no_larger_than_the_mode_says_nor_than_may_be_waited_for() -> None:
    assert choose_block(band(), 1 << 20, 0, 10**9).new * 16 == 1 << 20
    assert choose_block(band(), 33554432, 512, 1000).new == 2048
    assert choose_block(band(3), 33554432, 0, 100).packet_bytes == 12


def test_voltages_that_were_computed_are_rounded() -> None:
    assert to_bytes(np.array([[[0.4, -3.6, 900.0, -200.0]]], np.float32)).tolist() == [
        [[0, -4, 127, -127]]
    ]


@pytest.mark.parametrize("kind", [np.int8, np.float32])
def test_one_polarization_is_written_as_two_of_which_b_is_zeros(kind: type) -> None:
    assert to_bytes(np.array([[[3, -4], [5, 6]]], kind)).tolist() == [[[3, -4, 0, 0], [5, 6, 0, 0]]]


def test_a_full_disk_leaves_whole_blocks_and_nothing_is_overwritten(tmp_path: Path) -> None:
    samples = np.zeros((4, 4096, 4), np.int8)
    first = write(tmp_path, band(), samples, 0, 512, [])
    room = first.path.stat().st_size // first.rows * 5 // 2
    with room_for(room):
        with pytest.raises(OSError, match="File too large"):
            write(tmp_path, band(), samples, 0, 512, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.raw", "a_2.raw"]
    reader = GuppiFile(tmp_path / "a_2.raw")
    assert (reader.block_count, first.rows) == (2, 8)
    reader.close()


def test_a_file_that_is_removed_while_it_is_written_is_an_error(tmp_path: Path) -> None:
    file = RawFile(tmp_path, "scan.raw")
    file.flush(sync=True)
    file.path.unlink()
    with pytest.raises(FileNotFoundError, match="was removed while it was written"):
        file.flush(sync=True)
    with pytest.raises(FileNotFoundError):
        file.close()
    file.close()
