"""A GUPPI raw file as a source of voltages: finds blocks, removes the overlap, hands out pieces of a pass.

Whether the overlap repeats the end of the block before is verified. A file whose blocks were shortened (as
published samples are) keeps OVERLAP and PKTIDX of the original while nothing repeats any more; the headers
are followed then, and a sentence in `notes` says so. A block that is left out is a gap, and so is one of zeros of which
no packet came.

Knows the file, not the rate or the time at which it is replayed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spectrometer.daq.errors import SourceError
from spectrometer.daq.protocol.blockplaces import Place, block_places
from spectrometer.daq.protocol.guppiraw import (
    MAX_HEADER_BYTES,
    BlockHeader,
    HeaderError,
    band_disagreements,
    read_header,
)
from spectrometer.daq.source import NOT_RECEIVED, Band, Piece, SourceCard, feed_basis
from spectrometer.status.protocol.cards import MAX_TEXT, plain

log = logging.getLogger(__name__)

Samples = npt.NDArray[np.int8]

LONGEST_GAP_S = 86400.0
"""A longer one is no gap in an observation."""
KEEP_IN_MEMORY = 64 << 20
"""A recording up to this size (bytes) is read once and kept."""


@dataclass(frozen=True, slots=True)
class _Block:
    data_offset: int
    place: Place


class GuppiFile:
    """One GUPPI raw file.

    Args:
        path: The file.
        piece_samples: About how many samples per channel a piece holds.

    Raises:
        SourceError: No such file, no GUPPI raw file, or not one whole block in it.
    """

    def __init__(self, path: str | Path, *, piece_samples: int = 4096) -> None:
        self.path = Path(path)
        self._piece_samples = piece_samples
        self._pieces: list[Piece] | None = None
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise SourceError(str(path), error.strerror or str(error)) from error
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self.header = self._header_at(0)
            self.notes = [NOT_RECEIVED, *band_disagreements(self.header)]
            self.unlike_overlaps = 0
            self._blocks = self._find_blocks()
        except BaseException:
            self._file.close()
            raise
        last = self._blocks[-1]
        self.missing = sum(block.place.missing for block in self._blocks)
        """Samples per channel that are missing between blocks."""
        self.samples = last.place.position + self.header.samples - last.place.skip
        """Samples per channel in one pass, each counted once, missing ones too."""
        if self.unlike_overlaps:
            self.notes.append(
                f"the overlap of {self.header.overlap} samples does not repeat the end of the block before "
                f"at {self.unlike_overlaps} of {len(self._blocks) - 1} joins; PKTIDX says that they follow "
                "each other, so they are joined as the headers say"
            )
        if self.missing:
            count = sum(block.place.missing > 0 for block in self._blocks)
            gaps = "1 gap" if count == 1 else f"{count} gaps"
            seconds = self.missing * self.header.sample_time
            self.notes.append(
                f"{seconds:.6g} s are missing in {gaps} of the recording, by PKTIDX and NPKT; times go on over them"
            )
        for sentence in self.notes[1:]:
            log.warning("%s: %s", self.path.name, sentence)

    @property
    def name(self) -> str:
        """The file's name, as a card holds it."""
        return plain(self.path.name)[-MAX_TEXT:]

    @property
    def band(self) -> Band:
        """As the first header says."""
        return self.header.band

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

    def default_rate(self, exposure: float) -> float:
        """Such that one pass fills an exposure (s)."""
        return self.samples / exposure

    @property
    def block_samples(self) -> float:
        """As of `Source`."""
        return (self.samples - self.missing) / len(self._blocks)

    @property
    def block_count(self) -> int:
        """Blocks in the file of which something came."""
        return len(self._blocks)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._pieces = None

    def longest_run(self) -> int:
        """Most samples per channel without a gap: what a filter can be filled with."""
        longest = run = 0
        for block in self._blocks:
            run = (run if block.place.follows else 0) + self.header.samples - block.place.skip
            longest = max(longest, run)
        return longest

    def pieces(self) -> Iterator[Piece]:
        """One pass through the recording."""
        if self._pieces is not None:
            return iter(self._pieces)
        if self.header.block_bytes * len(self._blocks) <= KEEP_IN_MEMORY:
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
            raise SourceError(str(self.path), f"cut short while it was read, at byte {offset + len(data)}")
        header, stored = self.header, np.frombuffer(data, np.int8)
        if header.is_time_first:
            return stored.reshape(header.samples, header.channels, -1).transpose(1, 0, 2)
        return stored.reshape(header.channels, header.samples, -1)

    def _find_blocks(self) -> list[_Block]:
        first = self.header
        offsets: list[int] = []
        indices: list[int | None] = []
        lost: set[int] = set()
        lost_packets, offset = 0, 0
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
                raise SourceError(str(self.path), f"block {len(offsets)} has another shape than the first")
            if header.is_lost and not self._samples_of(data).any():
                lost.add(len(offsets))
            else:
                lost_packets += header.lost_packets
            offsets.append(data)
            indices.append(header.packet_index)
            offset = data + header.block_bytes
        came = [number for number in range(len(offsets)) if number not in lost]
        if not came:
            raise SourceError(str(self.path), "no packet of it came, by NPKT and NDROP of its headers")
        if lost_packets:
            found = f"{lost_packets} packets were lost while it was recorded (NDROP)"
            self.notes.append(f"{found}; they are in it as it has them")
        places = block_places(first, indices, lost)
        for number, place in zip(came, places, strict=True):
            if (gap := place.missing * first.sample_time) > LONGEST_GAP_S:
                reason = f"block {number}: PKTIDX {indices[number]} leaves a gap of {gap:.4g} s"
                raise SourceError(str(self.path), f"{reason}; cut the file there")
        blocks = [_Block(offsets[number], place) for number, place in zip(came, places, strict=True)]
        if first.overlap:
            self._compare_overlaps(blocks)
        return blocks

    def _compare_overlaps(self, blocks: list[_Block]) -> None:
        tail: Samples | None = None
        overlap = self.header.overlap
        for block in blocks:
            samples = self._samples_of(block.data_offset)
            if block.place.skip == overlap and tail is not None:
                self.unlike_overlaps += not np.array_equal(tail, samples[:, :overlap])
            tail = samples[:, -overlap:]

    def _read_pass(self) -> Iterator[Piece]:
        """Join small blocks and cut large ones."""
        position = 0
        held: list[Samples] = []
        held_follows = False
        for block in self._blocks:
            samples = self._samples_of(block.data_offset)[:, block.place.skip :]
            if not samples.shape[1]:  # the block before has all of it
                continue
            length = sum(part.shape[1] for part in held)
            if held and (not block.place.follows or length + samples.shape[1] > self._piece_samples):
                yield Piece(np.concatenate(held, axis=1), position, held_follows)
                held = []
            if not held:
                position, held_follows = block.place.position, block.place.follows
            if samples.shape[1] <= self._piece_samples:
                held.append(samples)
                continue
            for at in range(0, samples.shape[1], self._piece_samples):
                cut = samples[:, at : at + self._piece_samples]
                yield Piece(cut, position, at > 0 or block.place.follows)
                position += cut.shape[1]
        if held:
            yield Piece(np.concatenate(held, axis=1), position, held_follows)
