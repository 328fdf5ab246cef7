"""Sources of voltages: the one shape in which a scan sees a recording or the synthetic receiver.

One module per kind: `guppifile`, `dadafile`, `synthetic`; a file's kind is found by `recordings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.status.protocol.cards import Value

__all__ = [
    "NOT_RECEIVED",
    "Piece",
    "RecordedBand",
    "SampleArray",
    "Source",
    "SourceCard",
    "feed_basis",
    "gap_note",
]

NOT_RECEIVED = (
    "The voltages are a recording replayed at REPLAYRT; nothing here was received at DATE-OBS."
)

SampleArray = npt.NDArray[np.int8] | npt.NDArray[np.float32]

SourceCard = tuple[str, Value | bool, str]
"""Keyword, value and comment of a card of the FITS file."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive samples of one pass through a source."""

    samples: SampleArray
    """Shape (channels, time, 2 * polarizations): re and im of each polarization."""
    first_sample: int
    """Position of the first sample within the pass."""
    follows: bool
    """It continues the piece before; otherwise a filter has to be reset."""


def feed_basis(said: Value) -> str:
    """LIN or CIRC, by a value of FD_POLN or what recordings have in its place; empty if it is
    neither."""
    word = str(said).strip().upper()
    return next((basis for basis in ("LIN", "CIRC") if word.startswith(basis)), "")


def gap_note(source: Source) -> list[str]:
    """Return in few words what is to be said of gaps in a recording before a scan."""
    seconds = source.missing * source.band.sample_time
    return [f"{seconds:.4g} s are missing in the recording"] if source.missing else []


class Source(Protocol):
    """A source of voltages; knows its band, not the rate or the time at which it is replayed."""

    @property
    def name(self) -> str:
        """Name of it in files and messages; a card holds it."""

    @property
    def band(self) -> RecordedBand:
        """Channels, polarizations and frequencies."""

    @property
    def samples(self) -> int:
        """Samples per coarse channel in one pass; 0: it has no end."""

    @property
    def block_samples(self) -> float:
        """Samples per coarse channel that are new in a block, in the mean of all blocks."""

    @property
    def missing(self) -> int:
        """Samples per coarse channel of a pass that are not there: positions of pieces go on over
        them."""

    @property
    def packets(self) -> int:
        """Packets that make a block; 0 if there are none."""

    @property
    def notes(self) -> list[str]:
        """Notes for readers of the data, a sentence each: where the voltages are from,
        contradictions."""

    @property
    def basis(self) -> str:
        """Of the polarizations, as the recording says: LIN or CIRC; empty: unsaid."""

    @property
    def cards(self) -> list[SourceCard]:
        """Cards that only this kind of source can tell, for the header of the file; `SIMULATE`
        first."""

    def default_rate(self, exposure: float) -> float:
        """Samples per second and coarse channel, unless somebody wants another rate; for an
        exposure in s."""

    def longest_run(self) -> int:
        """Most samples per channel without a gap: what a filter can be filled with."""

    def pieces(self) -> Iterator[Piece]:
        """One pass, from its beginning."""

    def close(self) -> None:
        """Give back what it holds."""
