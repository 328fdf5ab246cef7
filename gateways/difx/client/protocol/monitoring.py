"""Sub-packets of the live monitor as products and arrays. No I/O.

The original announces four bytes too few for the lags and for all means; `missing_bytes` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.items import (
    DECIMAL14_BYTES,
    INTEGER_BYTES,
    PayloadReader,
    integer,
    read_decimal14,
    read_double,
    read_integer,
)
from gateways.difx.protocol.taskids import MonitorPacket

__all__ = [
    "BlockReader",
    "JobProducts",
    "JobProductsReader",
    "Lags",
    "MonitorBlock",
    "MonitorProduct",
    "MonitorScan",
    "missing_bytes",
    "product_request",
]

FloatArray = npt.NDArray[np.float64]

_SPECTRA = {
    MonitorPacket.AMPLITUDE_DATA: "amplitude",
    MonitorPacket.PHASE_DATA: "phase",
    MonitorPacket.MEAN_AMPLITUDE_DATA: "mean_amplitude",
    MonitorPacket.MEAN_PHASE_DATA: "mean_phase",
}
_LAGS = {MonitorPacket.LAG_DATA: "lag", MonitorPacket.MEAN_LAG_DATA: "mean_lag"}
_SPECTRUM_HEAD = 4 * INTEGER_BYTES
_LAG_HEAD = 5 * INTEGER_BYTES + 2 * DECIMAL14_BYTES
_MAX_COUNT = 1 << 22
"""Of the numbers of a packet: a length that is a fault of the framing is not waited for."""
_SHORT_BY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorProduct:
    """One spectrum of each integration.

    Attributes:
        number: In each scan from 0 on.
        offset: As announced, to be echoed.
        channels: Of the spectrum.
        telescopes: Twice the same name of an autocorrelation.
        frequency_mhz: As announced.
        polarization: Index of the pair; 0 of an autocorrelation.
        phase_center: Index.
        pulsar_bin: Index.
    """

    number: int
    offset: int
    channels: int
    telescopes: tuple[str, str]
    frequency_mhz: float
    polarization: int = 0
    phase_center: int = 0
    pulsar_bin: int = 0

    @property
    def is_auto(self) -> bool:
        """It is of one telescope."""
        return self.telescopes[0] == self.telescopes[1]

    @property
    def name(self) -> str:
        """Telescopes, as `A-B`; `A` of an autocorrelation."""
        return self.telescopes[0] if self.is_auto else "-".join(self.telescopes)


@dataclass(slots=True, kw_only=True)
class MonitorScan:
    """A scan of the job and its products.

    Attributes:
        start_mjd: UTC; 0 if it was not to be read.
        stop_mjd: UTC; 0 if it was not to be read.
        ra: Right ascension, radians.
        dec: Declination, radians.
    """

    identifier: str = ""
    start_mjd: float = 0.0
    stop_mjd: float = 0.0
    source: str = ""
    ra: float = 0.0
    dec: float = 0.0
    products: list[MonitorProduct] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class JobProducts:
    """Everything that the server announces of a job."""

    job: str = ""
    obs_code: str = ""
    scans: list[MonitorScan] = field(default_factory=list)

    @property
    def products(self) -> list[MonitorProduct]:
        """Products of the first scan; those of the others are the same."""
        return self.scans[0].products if self.scans else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """Lags of a spectrum.

    Attributes:
        peak: Index of the largest, in the order of the transform.
        delay_us: Of the peak, microseconds, as the server has it: that of the original is half of
            what sampling theory gives.
        snr: Signal-to-noise ratio of the peak.
        magnitudes: Shape (N,), negative lags first.
    """

    peak: int
    delay_us: float
    snr: float
    magnitudes: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorBlock:
    """One product of one integration.

    Attributes:
        scan: Identifier.
        source: Of the scan.
        product: As announced.
        time_s: Seconds since 0h of the day on which the job starts.
        integration_s: Seconds, rounded.
        amplitude: Shape (channels,).
        phase: Shape (channels,), degrees.
        lag: Of this integration.
        mean_amplitude: As `amplitude`, of the mean since the scan began.
        mean_phase: As `phase`, of the mean.
        mean_lag: As `lag`, of the mean.
    """

    scan: str
    source: str
    product: MonitorProduct
    time_s: int
    integration_s: int
    amplitude: FloatArray
    phase: FloatArray
    lag: Lags
    mean_amplitude: FloatArray
    mean_phase: FloatArray
    mean_lag: Lags


def missing_bytes(packet: int, payload: bytes) -> int:
    """Return the number of bytes that belong to a sub-packet, but not to its announced length."""
    if packet in _SPECTRA:
        head, each = _SPECTRUM_HEAD, 1
    elif packet in _LAGS:
        head, each = _LAG_HEAD, 2
    else:
        return 0
    if len(payload) < 2 * INTEGER_BYTES:
        return 0
    count = each * read_integer(payload[INTEGER_BYTES : 2 * INTEGER_BYTES])
    return _SHORT_BY if head + DECIMAL14_BYTES * count - len(payload) == _SHORT_BY else 0


def product_request(product: MonitorProduct) -> tuple[bytes, ...]:
    """Return the items of a request's payload: those of the announcement."""
    return integer(product.number), integer(product.offset), integer(product.channels)


class JobProductsReader:
    """Puts a product list together from its sub-packets.

    Attributes:
        found: What was read so far; whole when `take` has said so.
    """

    def __init__(self) -> None:
        self.found = JobProducts()
        self._telescopes = ["", ""]
        self._auto: str | None = None
        self._next = MonitorProduct(
            number=0, offset=0, channels=0, telescopes=("", ""), frequency_mhz=0.0
        )

    def take(self, packet: int, payload: bytes) -> bool:
        """Take a sub-packet; returns whether the list is whole now.

        Raises:
            PayloadError: It is not of the form that the protocol says.
        """
        if packet == MonitorPacket.BEGIN_CORRELATION_PRODUCTS:
            self.found = JobProducts()
        elif packet == MonitorPacket.JOB_NAME:
            self.found.job = _text(payload)
        elif packet == MonitorPacket.OBS_CODE:
            self.found.obs_code = _text(payload)
        elif packet == MonitorPacket.SCAN:
            self.found.scans.append(MonitorScan())
        elif packet == MonitorPacket.NEW_PRODUCT:
            self._add(payload)
        elif packet in _OF_SCAN:
            name = _OF_SCAN[MonitorPacket(packet)]
            is_text = name in ("identifier", "source")
            setattr(self._scan, name, _text(payload) if is_text else _number(payload))
        else:
            self._take_heading(packet, payload)
        return packet == MonitorPacket.END_CORRELATION_PRODUCTS

    @property
    def _scan(self) -> MonitorScan:
        if not self.found.scans:
            raise PayloadError("the monitor announces products before the first scan")
        return self.found.scans[-1]

    def _take_heading(self, packet: int, payload: bytes) -> None:
        """Take what the products that follow have in common."""
        if packet == MonitorPacket.TELESCOPE_1:
            self._telescopes[0], self._auto = _text(payload), None
        elif packet == MonitorPacket.TELESCOPE_2:
            self._telescopes[1], self._auto = _text(payload), None
        elif packet == MonitorPacket.AUTOCORRELATION:
            self._auto = _text(payload)
        elif packet == MonitorPacket.FREQUENCY:
            self._next = replace(self._next, frequency_mhz=read_double(payload))
        elif packet == MonitorPacket.PHASE_CENTER:
            self._next = replace(self._next, phase_center=read_integer(payload))
        elif packet == MonitorPacket.PULSAR_BIN:
            self._next = replace(self._next, pulsar_bin=read_integer(payload))
        elif packet == MonitorPacket.POL_PRODUCT:
            self._next = replace(self._next, polarization=read_integer(payload))

    def _add(self, payload: bytes) -> None:
        fields = PayloadReader("NEW_PRODUCT", payload)
        one = replace(
            self._next,
            number=fields.integer("the number"),
            offset=fields.integer("the offset"),
            channels=fields.integer("the number of channels"),
            telescopes=(self._telescopes[0], self._telescopes[1]),
        )
        if self._auto is not None:
            pair = self._auto, self._auto
            one = replace(one, telescopes=pair, polarization=0, phase_center=0, pulsar_bin=0)
        self._scan.products.append(one)


_OF_SCAN = {
    MonitorPacket.SCAN_IDENTIFIER: "identifier",
    MonitorPacket.SCAN_START_TIME: "start_mjd",
    MonitorPacket.SCAN_END_TIME: "stop_mjd",
    MonitorPacket.SOURCE: "source",
    MonitorPacket.SOURCE_RA: "ra",
    MonitorPacket.SOURCE_DEC: "dec",
}


class BlockReader:
    """Puts blocks of data together from their sub-packets.

    Args:
        products: Those of the list, by whose numbers data are known.
    """

    def __init__(self, products: list[MonitorProduct]) -> None:
        self._products = {product.number: product for product in products}
        self._scan = self._source = ""
        self._parts: dict[str, FloatArray | Lags] = {}
        self._head = (0, 0, 0)  # number, time, integration time

    def take(self, packet: int, payload: bytes) -> MonitorBlock | None:
        """Take a sub-packet; returns the block that is whole with it.

        Raises:
            PayloadError: It is not of the form that the protocol says.
        """
        if packet == MonitorPacket.VISIBILITY_SCAN:
            self._scan = _text(payload)
        elif packet == MonitorPacket.SOURCE:
            self._source = _text(payload)
        elif packet in _SPECTRA:
            number, count, time, span = _integers(payload, 4)
            self._head = number, time, span
            name = _SPECTRA[MonitorPacket(packet)]
            self._parts[name] = _decimals(payload[_SPECTRUM_HEAD:], count)
        elif packet in _LAGS:
            self._take_lags(_LAGS[MonitorPacket(packet)], payload)
        elif packet == MonitorPacket.END_VISIBILITY_BLOCK:
            return self._finished()
        return None

    def _take_lags(self, name: str, payload: bytes) -> None:
        number, half, time, span, peak = _integers(payload, 5)
        self._head = number, time, span
        at = 5 * INTEGER_BYTES
        self._parts[name] = Lags(
            peak=peak,
            delay_us=read_decimal14(payload[at : at + DECIMAL14_BYTES]),
            snr=read_decimal14(payload[at + DECIMAL14_BYTES : _LAG_HEAD]),
            magnitudes=_decimals(payload[_LAG_HEAD:], 2 * half),
        )

    def _finished(self) -> MonitorBlock | None:
        parts, self._parts = self._parts, {}
        number, time, span = self._head
        product = self._products.get(number)
        absent = [n for n in (*_SPECTRA.values(), *_LAGS.values()) if n not in parts]
        if product is None or absent:
            why = f"it has no {', '.join(absent)}" if absent else "nobody has announced it"
            raise PayloadError(f"a block of product {number}: {why}")
        return MonitorBlock(
            scan=self._scan,
            source=self._source,
            product=product,
            time_s=time,
            integration_s=span,
            **parts,  # type: ignore[arg-type]  # each under the name of its kind
        )


def _integers(payload: bytes, count: int) -> list[int]:
    fields = PayloadReader("monitor data", payload)
    return [fields.integer(f"number {n + 1} of its head") for n in range(count)]


def _decimals(data: bytes, count: int) -> FloatArray:
    if not 0 <= count <= _MAX_COUNT or len(data) != count * DECIMAL14_BYTES:
        raise PayloadError(
            f"monitor data: {len(data)} bytes are not {count} numbers of {DECIMAL14_BYTES} each"
        )
    try:
        return np.frombuffer(data, f"S{DECIMAL14_BYTES}").astype(np.float64)
    except ValueError as error:
        raise PayloadError(f"monitor data: {error}") from None


def _text(payload: bytes) -> str:
    return payload.decode(errors="replace")


def _number(payload: bytes) -> float:
    try:
        return float(payload)
    except ValueError:
        return 0.0
