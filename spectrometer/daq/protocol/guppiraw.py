"""Headers of GUPPI raw blocks. Bytes and numbers in, checked facts out; opens no file.

A block is a header of cards up to END, and BLOCSIZE bytes in the order channel, time, polarization,
re/im; with PKTFMT SIMPLE time is before channel. With DIRECTIO the header is padded to a multiple
of 512 bytes. OVERLAP samples at the beginning of a block repeat the last ones of the block before.
What is written has neither: dspsr takes padding for samples, rawspec and blimpy take the overlap
twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spectrometer.daq.protocol.band import SAME, RecordedBand
from spectrometer.status.errors import CardError
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import (
    CARD_BYTES,
    Value,
    find_end,
    read_cards,
    read_number,
    write_cards,
)

MAX_HEADER_BYTES = 2880 * 64
LARGEST = 1 << 53
"""Bound of any number; dspsr reads PKTIDX as a double, too."""
SHORTEST_S = 1e-12
"""Least TBIN."""
DIRECT_BYTES = 512
"""With DIRECTIO headers are a multiple of this."""
NEEDED: dict[str, Value] = {
    "BACKEND": "GUPPI",
    "TELESCOP": "UNKNOWN",
    "SRC_NAME": "UNKNOWN",
    "FRONTEND": "UNKNOWN",
    "RA_STR": "",
    "DEC_STR": "",
    "FD_POLN": "LIN",
    "PKTFMT": "1SFA",
    "STT_IMJD": 0,
    "STT_SMJD": 0,
    "STT_OFFS": 0.0,
}
"""Cards without which dspsr refuses a file, beside those of the band and the block; what they are
if nobody says."""


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """Contents of one header; `values` keeps all of it as found."""

    header_bytes: int
    block_bytes: int
    channels: int
    polarizations: int
    overlap: int
    """Samples per channel that repeat the end of the block before."""
    sample_time: float
    """TBIN, seconds."""
    center_frequency: float
    """OBSFREQ, MHz."""
    bandwidth: float
    """OBSBW, MHz, as found; negative where the frequency falls with the channel number."""
    packet_index: int | None
    packet_bytes: int
    steps: int
    """PIPERBLK: by how much PKTIDX grows with a block; 0: not said."""
    is_time_first: bool
    """The block's order is time, channel, polarization, re/im, as with PKTFMT SIMPLE."""
    values: Mapping[str, Value]

    @property
    def samples(self) -> int:
        """Samples per channel in the block."""
        return self.block_bytes // (self.channels * self.polarizations * 2)

    @property
    def shape(self) -> tuple[int, int, int, bool]:
        """Size and order of the block."""
        return self.block_bytes, self.channels, self.polarizations, self.is_time_first

    @property
    def lost_packets(self) -> int:
        """NDROP: packets of the block that were lost when it was recorded."""
        return self._count("NDROP", 0)

    @property
    def is_lost(self) -> bool:
        """None of its packets came, by NPKT and NDROP; its samples are zeros then."""
        return self._count("NPKT", 1) == 0 < self.lost_packets

    def _count(self, key: str, default: int) -> int:
        try:
            return max(_integer(self.values, key, default), 0)
        except CardError:
            return default

    @property
    def band(self) -> RecordedBand:
        """The band of the voltages."""
        return RecordedBand(
            channels=self.channels,
            polarizations=self.polarizations,
            sample_time=self.sample_time,
            center_frequency=self.center_frequency,
            bandwidth=self.bandwidth,
        )

    @property
    def packets(self) -> int:
        """Packets that make the new part of a block; 0 if the header does not say."""
        new = (self.samples - self.overlap) * self.channels * self.polarizations * 2
        return new // self.packet_bytes if self.packet_bytes > 0 else 0


CHANNEL_FIRST, TIME_FIRST = ("1SFA", "GUPPI"), ("SIMPLE",)
"""PKTFMT of voltages by the order of their samples, as dspsr and baseband read them."""


class HeaderError(ValueError):
    """A header that is none, or says what cannot be."""


def read_header(data: bytes) -> BlockHeader:
    """Read a header at the beginning of the bytes.

    Raises:
        HeaderError: There is no END, a key is missing, or a value cannot be used.
    """
    end = find_end(data)
    if end is None or data[8:9] != b"=":
        raise HeaderError(f"no GUPPI raw header (no END card within {len(data)} bytes)")
    values = read_cards(data)
    try:
        length = end + CARD_BYTES
        if _integer(values, "DIRECTIO", 0):
            length = -(-length // DIRECT_BYTES) * DIRECT_BYTES
        bits, components = _integer(values, "NBITS", 8), _integer(values, "NPOL")
        header = BlockHeader(
            header_bytes=length,
            block_bytes=_integer(values, "BLOCSIZE"),
            channels=_integer(values, "OBSNCHAN"),
            polarizations=2 if components == 4 else components,  # NPOL 4: two complex polarizations
            overlap=_integer(values, "OVERLAP", 0),
            sample_time=_number(values, "TBIN"),
            center_frequency=_number(values, "OBSFREQ"),
            bandwidth=_number(values, "OBSBW"),
            packet_index=_integer(values, "PKTIDX") if "PKTIDX" in values else None,
            packet_bytes=_integer(values, "PKTSIZE", 0),
            steps=_integer(values, "PIPERBLK", 0),
            is_time_first=_is_time_first(values),
            values=values,
        )
    except CardError as error:
        raise HeaderError(str(error)) from error
    if bits != 8:
        raise HeaderError(f"NBITS is {bits}; only recordings of 8 bits can be read")
    if header.polarizations not in (1, 2):
        raise HeaderError(f"NPOL is {components}; expected 1, 2 or 4")
    if header.channels < 1 or header.block_bytes < 1 or header.sample_time < SHORTEST_S:
        raise HeaderError(
            f"OBSNCHAN and BLOCSIZE have to be positive, TBIN at least {SHORTEST_S:g} s"
        )
    if header.block_bytes % (header.channels * header.polarizations * 2):
        raise HeaderError(f"BLOCSIZE {header.block_bytes} is no whole number of samples")
    if not 0 <= header.overlap < header.samples:
        raise HeaderError(f"OVERLAP {header.overlap} is not within 0..{header.samples - 1}")
    return header


def write_header(
    band: RecordedBand,
    *,
    samples: int,
    overlap: int,
    packet_index: int,
    packet_bytes: int,
    others: Mapping[str, Value],
) -> bytes:
    """Write the header of a block: cards without comments, and one `=` in each, as blimpy ends at
    any other.

    Args:
        band: Of the voltages.
        samples: Per channel in the block, those of the overlap as well.
        overlap: Of them those that repeat the block before.
        packet_index: Of the first packet, counted from the beginning of the scan.
        packet_bytes: Of a packet's voltages.
        others: Further cards; they do not win.

    Raises:
        CardError: One of the others has no card.
    """
    block = samples * band.channels * band.polarizations * 2
    values: dict[str, Value] = (
        NEEDED
        | dict(others)
        | {
            "OBSNCHAN": band.channels,
            "NPOL": 4 if band.polarizations == 2 else 1,
            "NBITS": 8,
            "TBIN": band.sample_time,
            "OBSFREQ": band.center_frequency,
            "OBSBW": band.true_bandwidth,
            "CHAN_BW": band.true_bandwidth / band.channels,
            "BLOCSIZE": block,
            "OVERLAP": overlap,
            "PKTIDX": packet_index,
            "PKTSIZE": packet_bytes,
            "DIRECTIO": 0,
        }
    )
    return write_cards(
        {
            key: text.replace("=", ":") if isinstance(text, str) else text
            for key, text in values.items()
        }
    )


def _is_time_first(values: Mapping[str, Value]) -> bool:
    """Order of the samples; HeaderError if it is not one that can be read."""
    packets = str(values.get("PKTFMT", UNSPECIFIED)).strip().upper()
    if packets not in ("", UNSPECIFIED.upper(), *CHANNEL_FIRST, *TIME_FIRST):
        expected = ", ".join((*CHANNEL_FIRST, *TIME_FIRST))
        raise HeaderError(
            f"PKTFMT is {packets}: the order of its samples is not known; expected {expected}"
        )
    for key, least, meaning in (
        ("CHANMAJ", 1, "samples in another order"),
        ("NANTS", 2, "several antennas"),
    ):
        if _integer(values, key, 0) >= least:
            raise HeaderError(f"{key} is {values[key]}: {meaning} cannot be read")
    return packets in TIME_FIRST


def _number(values: Mapping[str, Value], key: str) -> float:
    number = read_number(key, values.get(key))
    if not abs(number) <= LARGEST:
        raise CardError(key, f"expected a number of at most 2**53, found {number:g}")
    return float(number)


def _integer(values: Mapping[str, Value], key: str, default: int | None = None) -> int:
    if key not in values and default is not None:
        return default
    number = _number(values, key)
    if number != int(number):
        raise CardError(key, f"expected a whole number, found {number}")
    return int(number)


def band_disagreements(header: BlockHeader) -> list[str]:
    """Sentences about OBSBW and CHAN_BW where they contradict TBIN, which wins."""
    sentences = []
    for key, by_time in (
        ("OBSBW", header.band.coarse_width * header.channels / 1e6),
        ("CHAN_BW", header.band.coarse_width / 1e6),
    ):
        found = header.values.get(key)
        if found is None:
            continue
        try:
            number = _number(header.values, key)
        except CardError as error:
            sentences.append(f"{error}; TBIN gives {by_time:g} MHz")
            continue
        if abs(number - by_time) > SAME * abs(by_time):
            sentences.append(
                f"{key} = {number:g} MHz contradicts TBIN = {header.sample_time:g} s "
                f"({by_time:g} MHz); TBIN is used"
            )
    return sentences
