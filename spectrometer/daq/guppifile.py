"""A GUPPI raw file as a source of voltages: finds blocks, removes the overlap, hands out pieces of
a pass.

Whether the overlap repeats the end of the block before is verified. A file whose blocks were
shortened (as published samples are) keeps OVERLAP and PKTIDX of the original while nothing repeats
any more; the headers are followed then, and a sentence in `notes` says so. A block that is left out
is a gap, and so are blocks and packets of zeros that were lost by NPKT and NDROP.

Knows the file, not the rate or the time at which it is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spectrometer.daq.errors import SourceError
from spectrometer.daq.protocol.blockplaces import BlockPlace, block_places
from spectrometer.daq.protocol.guppiraw import (
    MAX_HEADER_BYTES,
    BlockHeader,
    HeaderError,
    band_disagreements,
    read_header,
)
from spectrometer.daq.recordingfile import RecordingFile
from spectrometer.daq.source import NOT_RECEIVED, Piece, SourceCard, feed_basis

Samples = npt.NDArray[np.int8]

LONGEST_GAP_S = 86400.0
"""A longer one is no gap in an observation."""
KEEP_IN_MEMORY = 64 << 20
"""A recording up to this size (bytes) is read once and kept."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive samples of a block: new ones, that came."""

    data_offset: int
    """Of the block."""
    begin: int
    end: int
    position: int
    missing: int
    """Samples that are missing before it."""
    follows: bool
    """It continues the run before."""


class GuppiFile(RecordingFile[BlockHeader]):
    """One GUPPI raw file; see `RecordingFile`.

    Attributes:
        missing: Samples per channel that are missing, blocks or packets.
        block_count: Blocks in the file of which something came.
        unlike_overlaps: Joins of blocks at which the overlap does not repeat the end of the one
            before.
    """

    _pieces: list[Piece] | None = None
    block_count = unlike_overlaps = 0

    def _look(self) -> None:
        self.header = self._header_at(0)
        self.notes = [NOT_RECEIVED, *band_disagreements(self.header)]
        self._runs = self._find_runs()
        last = self._runs[-1]
        self.missing = sum(run.missing for run in self._runs)
        self.samples = last.position + last.end - last.begin
        if self.unlike_overlaps:
            self.notes.append(
                f"the overlap of {self.header.overlap} samples does not repeat the end of the block before "
                f"at {self.unlike_overlaps} of {self.block_count - 1} joins; PKTIDX says that they follow "
                "each other, so they are joined as the headers say"
            )
        if self.missing:
            count = sum(run.missing > 0 for run in self._runs)
            gaps = "1 gap" if count == 1 else f"{count} gaps"
            seconds = self.missing * self.header.sample_time
            self.notes.append(
                f"{seconds:.6g} s are missing in {gaps} of the recording, by PKTIDX and NDROP; times go on over them"
            )

    @property
    def packets(self) -> int:
        """Packets that make a block; 0 if the header does not say."""
        return self.header.packets

    @property
    def basis(self) -> str:
        """FD_POLN of the first header."""
        return feed_basis(self.header.values.get("FD_POLN", ""))

    @property
    def cards(self) -> list[SourceCard]:
        """That it is a recording, and what its header says of the band and its origin."""
        found = self.header.values
        cards: list[SourceCard] = [
            ("SIMULATE", True, "replayed recording, no live data"),
            ("PASSLEN", self.samples, "samples per coarse channel in one pass"),
        ]
        for key, name in (("OBSBW", "RECBW"), ("CHAN_BW", "RECCHBW")):
            if key in found:
                cards.append((name, found[key], f"MHz, {key} of the recording, as found"))
        for key, name in (("SRC_NAME", "RECSRC"), ("TELESCOP", "RECTEL"), ("STT_IMJD", "RECIMJD")):
            if key in found:
                cards.append((name, found[key], f"{key} of the recording"))
        return cards

    @property
    def block_samples(self) -> float:
        """See `Source`."""
        return (self.samples - self.missing) / self.block_count

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._pieces = None

    def longest_run(self) -> int:
        """Most samples per channel without a gap: what a filter can be filled with."""
        longest = length = 0
        for run in self._runs:
            length = (length if run.follows else 0) + run.end - run.begin
            longest = max(longest, length)
        return longest

    def pieces(self) -> Iterator[Piece]:
        """One pass through the recording."""
        if self._pieces is not None:
            return iter(self._pieces)
        if self.header.block_bytes * self.block_count <= KEEP_IN_MEMORY:
            self._pieces = list(self._read_pass())
            return iter(self._pieces)
        return self._read_pass()

    def _header_at(self, offset: int) -> BlockHeader:
        self._file.seek(offset)
        try:
            return read_header(self._file.read(MAX_HEADER_BYTES))
        except HeaderError as error:
            raise SourceError(str(self.path), f"at byte {offset}: {error}") from error

    def _samples_of(self, offset: int) -> Samples:
        self._file.seek(offset)
        data = self._file.read(self.header.block_bytes)
        if len(data) < self.header.block_bytes:
            raise SourceError(
                str(self.path), f"cut short while it was read, at byte {offset + len(data)}"
            )
        header, stored = self.header, np.frombuffer(data, np.int8)
        if header.is_time_first:
            return stored.reshape(header.samples, header.channels, -1).transpose(1, 0, 2)
        return stored.reshape(header.channels, header.samples, -1)

    def _find_runs(self) -> list[_Run]:
        first = self.header
        offsets: list[int] = []
        indices: list[int | None] = []
        lost: set[int] = set()
        damaged: dict[int, BlockHeader] = {}
        offset = 0
        while offset < self._size:
            try:
                header = self._header_at(offset)
            except SourceError as error:
                if not offsets:
                    raise
                self.notes.append(f"{error.reason}; the rest of the file is left out")
                break
            data = offset + header.header_bytes
            if self._size - data < header.block_bytes:
                reason = (
                    f"cut short, expected {header.block_bytes} bytes, found {self._size - data} "
                    f"(block {len(offsets)}, after its header of {header.header_bytes} bytes)"
                )
                if not offsets:
                    raise SourceError(str(self.path), reason)
                self.notes.append(f"{reason}; it is left out")
                break
            if header.shape != first.shape:
                raise SourceError(
                    str(self.path), f"block {len(offsets)} has another shape than the first"
                )
            if header.is_lost and not self._samples_of(data).any():
                lost.add(len(offsets))
            elif header.lost_packets:
                damaged[len(offsets)] = header
            offsets.append(data)
            indices.append(header.packet_index)
            offset = data + header.block_bytes
        came = [number for number in range(len(offsets)) if number not in lost]
        if not came:
            raise SourceError(
                str(self.path), "no packet of it came, by NPKT and NDROP of its headers"
            )
        self.block_count = len(came)
        places = block_places(first, indices, lost)
        for number, place in zip(came, places, strict=True):
            if (gap := place.missing * first.sample_time) > LONGEST_GAP_S:
                reason = f"block {number}: PKTIDX {indices[number]} leaves a gap of {gap:.4g} s"
                raise SourceError(str(self.path), f"{reason}; cut the file there")
        if first.overlap:
            self._compare_overlaps([offsets[number] for number in came], places)
        runs, unplaced = [], 0
        end = 0  # position behind the last run
        for number, place in zip(came, places, strict=True):
            spans = [(0, first.samples)]
            if number in damaged:
                spans, packets = self._received(damaged[number], offsets[number])
                unplaced += packets
            for begin, stop in spans:
                begin = max(begin, place.skip)
                if begin >= stop:  # the block before has all of it
                    continue
                position = place.position - place.skip + begin
                follows = position == end and (begin > place.skip or place.follows)
                runs.append(_Run(offsets[number], begin, stop, position, position - end, follows))
                end = position + stop - begin
        if unplaced:
            found = f"{unplaced} packets were lost while it was recorded (NDROP)"
            self.notes.append(f"{found}; they are in it as it has them")
        return runs

    def _received(self, header: BlockHeader, offset: int) -> tuple[list[tuple[int, int]], int]:
        """Spans of a block without its lost packets, which are zeros; how many packets were lost
        that are not found."""
        step = header.packet_bytes // (header.channels * header.polarizations * 2)
        if header.overlap or not step or header.samples % step:
            return [(0, header.samples)], header.lost_packets
        came = self._samples_of(offset).any(axis=(0, 2)).reshape(-1, step).any(axis=1)
        zeros = int(np.count_nonzero(~came))
        if not 0 < zeros <= header.lost_packets or not came.any():
            return [(0, header.samples)], header.lost_packets
        edges = np.flatnonzero(np.diff(came, prepend=False, append=False)) * step
        spans = [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
        return spans, header.lost_packets - zeros

    def _compare_overlaps(self, offsets: list[int], places: list[BlockPlace]) -> None:
        tail: Samples | None = None
        overlap = self.header.overlap
        for offset, place in zip(offsets, places, strict=True):
            samples = self._samples_of(offset)
            if place.skip == overlap and tail is not None:
                self.unlike_overlaps += not np.array_equal(tail, samples[:, :overlap])
            tail = samples[:, -overlap:]

    def _read_pass(self) -> Iterator[Piece]:
        """Join short runs and cut long ones."""
        position, offset = 0, -1
        held: list[Samples] = []
        held_follows = False
        for run in self._runs:
            if run.data_offset != offset:
                offset, block = run.data_offset, self._samples_of(run.data_offset)
            samples = block[:, run.begin : run.end]
            length = sum(part.shape[1] for part in held)
            if held and (not run.follows or length + samples.shape[1] > self._piece_samples):
                yield Piece(np.concatenate(held, axis=1), position, held_follows)
                held = []
            if not held:
                position, held_follows = run.position, run.follows
            if samples.shape[1] <= self._piece_samples:
                held.append(samples)
                continue
            for at in range(0, samples.shape[1], self._piece_samples):
                cut = samples[:, at : at + self._piece_samples]
                yield Piece(cut, position, at > 0 or run.follows)
                position += cut.shape[1]
        if held:
            yield Piece(np.concatenate(held, axis=1), position, held_follows)
