"""Headers of DADA files. Bytes in, checked facts out; opens no file.

A DADA file is one header of lines `KEY value # comment`, padded with NUL to HDR_SIZE bytes (4096
unless it says otherwise), and the samples. UTC_START is the time of the observation's first byte,
OBS_OFFSET how many bytes of it are before this file. The order of the samples is ORDER: `TFP`, also
where there is none: time, channel, polarization, re/im.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from groundwork.errors import Portable
from spectrometer.daq.protocol.band import RecordedBand

__all__ = [
    "DEFAULT_HEADER_BYTES",
    "MAX_HEADER_BYTES",
    "DadaHeader",
    "DadaHeaderError",
    "DadaHeaderTooShortError",
    "looks_like_dada",
    "read_header",
]

T = TypeVar("T")
DEFAULT_HEADER_BYTES = 4096
MAX_HEADER_BYTES = 1 << 20
LARGEST = 1 << 53
SHORTEST_US = 1e-6
"""Least TSAMP."""

_KEY = re.compile(r"[A-Za-z0-9_.-]+\Z")
_LOOKS = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:HEADER\s+DADA|HDR_VERSION|HDR_SIZE|DADA_VERSION)\b")
_TIMES = ("%Y-%m-%d-%H:%M:%S", "%Y-%m-%d-%H:%M:%S.%f")


class DadaHeaderError(Portable, ValueError):
    """A header that is none, or says what cannot be."""


class DadaHeaderTooShortError(DadaHeaderError):
    """Fewer bytes than HDR_SIZE says; `wanted` is how many it says."""

    def __init__(self, wanted: int, found: int) -> None:
        super().__init__(f"HDR_SIZE is {wanted}, but there are only {found} bytes")
        self.wanted = wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class DadaHeader:
    """Contents of a header; `values` keeps all of it as text."""

    header_bytes: int
    channels: int
    polarizations: int
    is_complex: bool
    """NDIM 2; otherwise the samples are real ones, two for each complex sample of the band."""
    sample_time: float
    """TSAMP in seconds (the file says microseconds), of one sample as stored."""
    center_frequency: float
    """FREQ, MHz."""
    bandwidth: float
    """BW, MHz; negative where the frequency falls."""
    offset_bytes: int
    """OBS_OFFSET: bytes of the observation before this file."""
    start: datetime | None
    """UTC_START, to the microsecond; None if the header has none."""
    picoseconds: int
    """PICOSECONDS: of UTC_START beside its seconds."""
    values: Mapping[str, str]

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of all channels and polarizations."""
        return self.channels * self.polarizations * (2 if self.is_complex else 1)

    @property
    def first_sample_time(self) -> datetime | None:
        """UTC of this file's first sample; None if nobody says it, or no calendar has it."""
        if self.start is None:
            return None
        offset = self.offset_bytes / self.sample_bytes * self.sample_time
        try:
            return self.start + timedelta(seconds=offset + self.picoseconds * 1e-12)
        except OverflowError:
            return None

    @property
    def band(self) -> RecordedBand:
        """The band as complex voltages: of real samples there are half as many."""
        return RecordedBand(
            channels=self.channels,
            polarizations=self.polarizations,
            sample_time=self.sample_time * (1 if self.is_complex else 2),
            center_frequency=self.center_frequency,
            bandwidth=self.bandwidth,
        )


def looks_like_dada(data: bytes) -> bool:
    """Tell whether a file with this beginning is meant to be a DADA file."""
    return _LOOKS.match(data) is not None


def read_header(data: bytes) -> DadaHeader:
    """Read a header at the beginning of the bytes.

    Args:
        data: The beginning of a file; as many bytes as HDR_SIZE says, or fewer where the file is
            shorter.

    Raises:
        DadaHeaderError: Says all that is wrong: which key, what was found, what was expected.
    """
    if not looks_like_dada(data):
        raise DadaHeaderError("no DADA header: it does not begin with HEADER DADA or HDR_VERSION")
    values = _read_lines(data)
    faults: list[str] = []
    size = _integer(
        values, "HDR_SIZE", faults, low=1, high=MAX_HEADER_BYTES, default=DEFAULT_HEADER_BYTES
    )
    if len(data) > size:
        values = _read_lines(data[:size])
    elif len(data) < size and not faults:
        raise DadaHeaderTooShortError(size, len(data))
    bits = _integer(values, "NBIT", faults, low=1, high=64)
    if bits not in (8, 0):
        faults.append(f"NBIT is {bits}; only recordings of 8 bits can be read")
    dimensions = _integer(values, "NDIM", faults, low=1, high=2)
    polarizations = _integer(values, "NPOL", faults, low=1, high=2)
    channels = _integer(values, "NCHAN", faults, low=1, high=1 << 20)
    sample_us = _number(values, "TSAMP", faults)
    if (
        sample_us < SHORTEST_US
        and "TSAMP" in values
        and not any(fault.startswith("TSAMP") for fault in faults)
    ):
        faults.append(f"TSAMP is {sample_us:g}; expected more than 0 microseconds")
    frequency, bandwidth = _number(values, "FREQ", faults), _number(values, "BW", faults)
    offset = _integer(values, "OBS_OFFSET", faults, low=0, high=LARGEST, default=0)
    order = values.get("ORDER", "TFP").upper()
    if order != "TFP" and not (order in ("FTP", "TF", "T", "TP") and channels <= 1):
        faults.append(f"ORDER is {order}; only TFP can be read, with one channel also FTP")
    start = _time(values, faults)
    picoseconds = _integer(values, "PICOSECONDS", faults, low=0, high=10**12 - 1, default=0)
    if faults:
        raise DadaHeaderError("; ".join(faults))
    return DadaHeader(
        header_bytes=size,
        center_frequency=frequency,
        bandwidth=bandwidth,
        channels=channels,
        polarizations=polarizations,
        is_complex=dimensions == 2,
        sample_time=sample_us * 1e-6,
        offset_bytes=offset,
        start=start,
        picoseconds=picoseconds,
        values=values,
    )


def _read_lines(data: bytes) -> dict[str, str]:
    """Values by key; the first of two equal keys counts. What is no line of a header ends it."""
    values: dict[str, str] = {}
    for line in data.partition(b"\0")[0].decode("latin-1").split("\n"):
        if line.strip().lower() == "# end of header":
            break
        words = line.partition("#")[0].split(None, 1)
        if words and _KEY.match(words[0]):
            values.setdefault(words[0], words[1].strip() if len(words) == 2 else "")
    return values


def _integer(
    values: Mapping[str, str],
    key: str,
    faults: list[str],
    *,
    low: int,
    high: int,
    default: int | None = None,
) -> int:
    """The value of a key; 0 with a fault if it is none."""
    if key not in values and default is not None:
        return default
    number = _read(values, key, faults, int, "a whole number")
    if number is None:
        return 0
    if not low <= number <= high:
        faults.append(f"{key} is {number}; expected {low} to {high}")
        return 0
    return number


def _number(values: Mapping[str, str], key: str, faults: list[str]) -> float:
    number = _read(values, key, faults, _finite, "a number")
    return 0.0 if number is None else number


def _read(
    values: Mapping[str, str], key: str, faults: list[str], read: Callable[[str], T], what: str
) -> T | None:
    """The value of a key; None with a fault if it is none."""
    if (text := values.get(key)) is None:
        faults.append(f"{key} is missing")
        return None
    try:
        return read(text)
    except ValueError:
        faults.append(f"{key} is {text!r}; expected {what}")
        return None


def _finite(text: str) -> float:
    if not abs(number := float(text)) <= LARGEST:
        raise ValueError(text)
    return number


def _time(values: Mapping[str, str], faults: list[str]) -> datetime | None:
    text = values.get("UTC_START", "unset")
    if text.lower() in ("unset", "unknown", ""):
        return None
    for pattern in _TIMES:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    faults.append(f"UTC_START is {text!r}; expected yyyy-mm-dd-hh:mm:ss, with at most 6 decimals")
    return None
