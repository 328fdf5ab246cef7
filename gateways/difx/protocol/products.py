"""Stream of live visibilities that a correlator's program writes: a JSON header line, then spectra.

After the header come integrations, one after the other; each has one spectrum of every product, in the
header's order, and a spectrum is little-endian float32 re, im of each channel. Bytes in, arrays out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from gateways.difx.errors import PayloadError
from groundwork.values import JsonObject, JsonValue

__all__ = [
    "Integration",
    "Product",
    "ProductsHeader",
    "ProductsReader",
    "Scan",
    "Spectrum",
    "read_header",
    "write_header",
    "write_integration",
]

Spectrum = npt.NDArray[np.complex64]

FORMAT = "visibilities 1"
MAX_HEADER_BYTES = 1 << 20
MAX_INTEGRATION_BYTES = 64 << 20
MAX_CHANNELS = 65536
SAMPLE = np.dtype("<c8")
DAY_S = 86400.0
_ROUNDING_S = 1e-3
"""Keeps whole seconds: an MJD has a resolution of about a microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One spectrum of each integration.

    Attributes:
        stations: Of a baseline; an autocorrelation has the same name twice.
        frequency_mhz: Middle of the band.
        bandwidth_mhz: Positive: frequencies rise with the number of the channel.
        channels: Complex numbers of a spectrum.
        polarization: 0 to 3: XX, XY, YX, YY.
    """

    stations: tuple[str, str]
    frequency_mhz: float
    bandwidth_mhz: float
    channels: int
    polarization: int = 0

    def __post_init__(self) -> None:
        if len(self.stations) != 2 or not all(self.stations):
            raise PayloadError("product: stations are two names")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise PayloadError(f"product: channels are 1 to {MAX_CHANNELS}, not {self.channels}")
        if not self.bandwidth_mhz > 0:
            raise PayloadError(f"product: bandwidth_mhz is positive, not {self.bandwidth_mhz:g}")
        if self.polarization not in range(4):
            raise PayloadError(f"product: polarization is 0 to 3, not {self.polarization}")

    @property
    def is_auto(self) -> bool:
        """It is of one station."""
        return self.stations[0] == self.stations[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A part of a job: its source and its time.

    Attributes:
        name: Identifier of the scan.
        source: What was looked at.
        ra: Right ascension, radians.
        dec: Declination, radians.
        start_mjd: Begin of the first integration, UTC.
        integrations: How many there are, in the end.
    """

    name: str
    source: str = ""
    ra: float = 0.0
    dec: float = 0.0
    start_mjd: float
    integrations: int

    def __post_init__(self) -> None:
        if not self.name:
            raise PayloadError("scan: name is empty")
        if self.integrations < 1:
            raise PayloadError(f"scan {self.name}: integrations are at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsHeader:
    """Header of a stream.

    Attributes:
        job: Name of the job.
        obs_code: Of the experiment; may be empty.
        integration_s: Time of one integration, seconds.
        first: Number of the first integration of the stream, counted over all scans from 0.
        scans: In order of time.
        products: In the order of their spectra; baselines before autocorrelations.
    """

    job: str
    obs_code: str = ""
    integration_s: float
    first: int = 0
    scans: tuple[Scan, ...]
    products: tuple[Product, ...]

    def __post_init__(self) -> None:
        if not self.integration_s > 0:
            raise PayloadError("header: integration_s is positive")
        if not self.scans or not self.products:
            raise PayloadError("header: a stream has at least one scan and one product")
        if not 0 <= self.first <= self.integrations:
            raise PayloadError(f"header: first is 0 to {self.integrations}, not {self.first}")
        if self.integration_bytes > MAX_INTEGRATION_BYTES:
            raise PayloadError(
                f"header: an integration has {self.integration_bytes} bytes; "
                f"{MAX_INTEGRATION_BYTES} is the most"
            )

    @property
    def integrations(self) -> int:
        """Integrations of all scans."""
        return sum(scan.integrations for scan in self.scans)

    @property
    def integration_bytes(self) -> int:
        """Bytes of one integration, all products."""
        return SAMPLE.itemsize * sum(product.channels for product in self.products)

    def stop_mjd(self, scan: Scan) -> float:
        """Return the end of the last integration of a scan."""
        return scan.start_mjd + scan.integrations * self.integration_s / DAY_S

    def place(self, number: int) -> tuple[Scan, int]:
        """Return the scan of an integration, and the whole second in which its middle is, since 0h of
        the day on which the job starts; beyond the end they go on."""
        last = self.scans[-1]
        for scan in self.scans:
            if number < scan.integrations or scan is last:
                break
            number -= scan.integrations
        day = math.floor(self.scans[0].start_mjd)
        middle = (scan.start_mjd - day) * DAY_S + (number + 0.5) * self.integration_s
        return scan, math.floor(middle + _ROUNDING_S)


@dataclass(frozen=True, slots=True)
class Integration:
    """Spectra of one integration; numbers that are not finite are 0."""

    number: int
    spectra: tuple[Spectrum, ...]


def write_header(header: ProductsHeader) -> bytes:
    """Write a header as a line of ASCII."""
    return json.dumps({"format": FORMAT, **asdict(header)}, allow_nan=False).encode() + b"\n"


def read_header(line: bytes) -> ProductsHeader:
    """Read a header, with or without its line end; names that are not known are passed over.

    Raises:
        PayloadError: It is no header, or says what cannot be.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"header: no JSON ({error})") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise PayloadError(f'header: no object with "format": "{FORMAT}"')
    return ProductsHeader(
        job=_text(values, "job"),
        obs_code=_text(values, "obs_code", ""),
        integration_s=_number(values, "integration_s"),
        first=_count(values, "first", 0),
        scans=tuple(
            Scan(
                name=_text(each, "name"),
                source=_text(each, "source", ""),
                ra=_number(each, "ra", 0.0),
                dec=_number(each, "dec", 0.0),
                start_mjd=_number(each, "start_mjd"),
                integrations=_count(each, "integrations"),
            )
            for each in _objects(values, "scans")
        ),
        products=tuple(
            Product(
                stations=_pair(each, "stations"),
                frequency_mhz=_number(each, "frequency_mhz"),
                bandwidth_mhz=_number(each, "bandwidth_mhz"),
                channels=_count(each, "channels"),
                polarization=_count(each, "polarization", 0),
            )
            for each in _objects(values, "products")
        ),
    )


def write_integration(header: ProductsHeader, spectra: Sequence[npt.ArrayLike]) -> bytes:
    """Write the spectra of one integration.

    Args:
        header: Of the stream.
        spectra: One of each product, shape (channels,).

    Raises:
        ValueError: Their number or a shape is not the header's.
    """
    arrays = [np.asarray(spectrum, SAMPLE) for spectrum in spectra]
    shapes = [(product.channels,) for product in header.products]
    if [array.shape for array in arrays] != shapes:
        raise ValueError(f"spectra are {[array.shape for array in arrays]}, expected {shapes}")
    return b"".join(array.tobytes() for array in arrays)


class ProductsReader:
    """Reader of a stream that comes in pieces of any size.

    Attributes:
        header: None until it has come.
    """

    def __init__(self) -> None:
        self.header: ProductsHeader | None = None
        self._held = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> list[Integration]:
        """Take bytes; return the integrations that are whole now.

        Raises:
            PayloadError: There is no header, or it says what cannot be.
        """
        self._held += data
        if self.header is None:
            end = self._held.find(b"\n")
            if end > MAX_HEADER_BYTES or (end < 0 and len(self._held) > MAX_HEADER_BYTES):
                raise PayloadError(f"header: no line end within {MAX_HEADER_BYTES} bytes")
            if end < 0:
                return []
            self.header = read_header(bytes(self._held[:end]))
            self._number = self.header.first
            del self._held[: end + 1]
        return self._whole(self.header)

    def _whole(self, header: ProductsHeader) -> list[Integration]:
        size = header.integration_bytes
        count = len(self._held) // size
        samples = np.frombuffer(bytes(self._held[: count * size]), SAMPLE).astype(np.complex64)
        del self._held[: count * size]
        samples[~np.isfinite(samples)] = 0
        cuts = np.cumsum([product.channels for product in header.products])[:-1]
        number, self._number = self._number, self._number + count
        return [
            Integration(number + at, tuple(np.split(row, cuts)))
            for at, row in enumerate(samples.reshape(count, size // SAMPLE.itemsize))
        ]


def _found(values: JsonObject, name: str, default: JsonValue) -> JsonValue:
    found = values.get(name, default)
    if found is None:
        raise PayloadError(f"header: {name} is missing")
    return found


def _text(values: JsonObject, name: str, default: str | None = None) -> str:
    found = _found(values, name, default)
    if not isinstance(found, str):
        raise PayloadError(f"header: {name} is no text")
    return found


def _number(values: JsonObject, name: str, default: float | None = None) -> float:
    found = _found(values, name, default)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise PayloadError(f"header: {name} is no number")
    try:
        number = float(found)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PayloadError(f"header: {name} is no finite number")
    return number


def _count(values: JsonObject, name: str, default: int | None = None) -> int:
    found = _found(values, name, default)
    if isinstance(found, bool) or not isinstance(found, int):
        raise PayloadError(f"header: {name} is no whole number")
    return found


def _pair(values: JsonObject, name: str) -> tuple[str, str]:
    found = _found(values, name, None)
    if not isinstance(found, list) or len(found) != 2:
        raise PayloadError(f"header: {name} is no list of two texts")
    first, second = found
    if not isinstance(first, str) or not isinstance(second, str):
        raise PayloadError(f"header: {name} is no list of two texts")
    return first, second


def _objects(values: JsonObject, name: str) -> list[JsonObject]:
    found = _found(values, name, None)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise PayloadError(f"header: {name} is no list of objects")
    return found
