"""Payloads of the live monitor's data, and the requests of its client. No sockets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.decimals import WIDTH, decimal14_array
from gateways.difx.protocol.items import (
    PayloadReader,
    decimal14,
    integer,
    read_integer,
    read_text,
    sub_packet,
    text,
)
from gateways.difx.protocol.lagspectra import (
    LagSpectrum,
    amplitudes,
    averaged,
    fft_size,
    lag_spectrum,
    nearest_fft_size,
    phases,
)
from gateways.difx.protocol.productlist import MAX_CHANNELS, AnnouncedProduct, ProductList
from gateways.difx.protocol.taskids import MonitorPacket
from groundwork.truncation import cut

__all__ = [
    "MAX_CLIENT_PAYLOAD",
    "MAX_TEXT_BYTES",
    "Block",
    "FileWanted",
    "MonitorClient",
    "ProductFlow",
    "Said",
    "block_packets",
    "product_packets",
    "report",
]

Spectrum = npt.NDArray[np.complexfloating]

MAX_CLIENT_PAYLOAD = 65_536
"""Bytes of a sub-packet that a client may send; of more it is no client of this protocol."""
MAX_TEXT_BYTES = 2047
_MAX_REQUESTS = 4096
_LONGEST_PATH = 4096
_MAX_INT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An integration of all products.

    Attributes:
        number: Grows with each; of two the larger one is newer.
        scan: Identifier of its scan.
        source: What is looked at.
        second: Since 0h of the day on which the job starts, UTC.
        integration_s: Time of the integration.
        spectra: One of each row of the product list, shape (channels,).
        means: Of these, since the scan began.
    """

    number: int
    scan: str
    source: str
    second: int
    integration_s: float
    spectra: Sequence[Spectrum]
    means: Sequence[Spectrum]


def report(number: MonitorPacket, sentence: str) -> tuple[bytes, ...]:
    """Return a MESSAGE, WARNING or ERROR."""
    encoded = text(cut(sentence, MAX_TEXT_BYTES // 2))[:MAX_TEXT_BYTES]
    return sub_packet(number, text(encoded.decode(errors="ignore")))


def block_packets(block: Block) -> Iterator[tuple[bytes, ...]]:
    """Yield what stands before the products of an integration."""
    yield sub_packet(MonitorPacket.VISIBILITY_SCAN, text(block.scan))
    yield sub_packet(MonitorPacket.SOURCE, text(block.source))


def product_packets(
    block: Block, product: AnnouncedProduct, wanted_size: int, *, one_by_one: bool
) -> Iterator[tuple[bytes, ...]]:
    """Yield a product of an integration, a sub-packet at a time, in items.

    Args:
        block: The integration.
        product: As it was asked for.
        wanted_size: Number of lags that was asked for; 0: none was.
        one_by_one: Each number is an item of its own, as channels need it; else all of a
            sub-packet are one.
    """
    times = (
        integer(min(max(block.second, 0), _MAX_INT)),
        integer(min(max(round(block.integration_s), 1), _MAX_INT)),
    )
    for spectra, amplitude, phase, lag in (
        (
            block.spectra,
            MonitorPacket.AMPLITUDE_DATA,
            MonitorPacket.PHASE_DATA,
            MonitorPacket.LAG_DATA,
        ),
        (
            block.means,
            MonitorPacket.MEAN_AMPLITUDE_DATA,
            MonitorPacket.MEAN_PHASE_DATA,
            MonitorPacket.MEAN_LAG_DATA,
        ),
    ):
        spectrum = averaged(spectra[product.row], MAX_CHANNELS)
        head = (integer(product.number), integer(len(spectrum)), *times)
        for number, values in ((amplitude, amplitudes(spectrum)), (phase, phases(spectrum))):
            yield _data(number, head, decimal14_array(values), one_by_one)
        size = fft_size(wanted_size, len(spectrum))
        lags = lag_spectrum(spectrum, size, product.bandwidth_mhz)
        lag_head = (integer(product.number), integer(size // 2), *times, *_peak(lags))
        yield _data(lag, lag_head, decimal14_array(lags.magnitudes), one_by_one)
    yield sub_packet(MonitorPacket.END_VISIBILITY_BLOCK)


def _peak(lags: LagSpectrum) -> tuple[bytes, ...]:
    return integer(lags.peak), decimal14(lags.delay_us), decimal14(lags.snr)


def _data(
    number: MonitorPacket, head: Sequence[bytes], values: bytes, one_by_one: bool
) -> tuple[bytes, ...]:
    if not one_by_one:
        return sub_packet(number, *head, values)
    items = (values[place : place + WIDTH] for place in range(0, len(values), WIDTH))
    return sub_packet(number, *head, *items)


@dataclass(frozen=True, slots=True)
class FileWanted:
    """A client asks for the products of a job."""

    path: str


@dataclass(frozen=True, slots=True)
class ProductFlow:
    """Products that flow from now on; none: nothing flows.

    Attributes:
        products: As they were asked for.
    """

    products: tuple[AnnouncedProduct, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A client is to be told something.

    Attributes:
        number: MESSAGE or WARNING.
        sentence: One line.
    """

    number: MonitorPacket
    sentence: str


@dataclass(slots=True)
class MonitorClient:
    """State of one client of the monitor.

    Attributes:
        products: That were announced to it; None: none yet.
        fft_size: Number of lags that it wants; 0: it has not said.
        is_closed: It wants no more.
    """

    products: ProductList | None = None
    fft_size: int = 0
    is_closed: bool = False
    _asked: list[AnnouncedProduct] = field(default_factory=list)

    def announce(self, products: ProductList) -> None:
        """Take note of a new list; what was asked for before is forgotten."""
        self.products, self._asked = products, []

    def take(self, number: int, payload: bytes) -> list[FileWanted | ProductFlow | Said]:
        """Take a sub-packet; what follows from it. Ids that are not a client's are passed over.

        Raises:
            PayloadError: It cannot be read.
        """
        match number:
            case MonitorPacket.INPUT_FILE_PATH:
                if len(payload) > _LONGEST_PATH:
                    raise PayloadError(f"INPUT_FILE_PATH has {len(payload)} bytes, not up to 4096")
                return [FileWanted(read_text(payload))]
            case MonitorPacket.CLOSE_CONNECTION:
                self.is_closed = True
            case MonitorPacket.START_PRODUCT_REQUESTS:
                self._asked = []
            case MonitorPacket.PRODUCT_REQUEST:
                return self._take_request(payload)
            case MonitorPacket.END_PRODUCT_REQUESTS:
                return self._take_end()
            case MonitorPacket.FFT_SIZE:
                return self._take_size(read_integer(payload))
        return []

    def _take_request(self, payload: bytes) -> list[FileWanted | ProductFlow | Said]:
        reader = PayloadReader("PRODUCT_REQUEST", payload)
        asked = tuple(reader.integer(f) for f in ("the number", "the offset", "the channels"))
        number, known = asked[0], () if self.products is None else self.products.products
        found = known[number] if 0 <= number < len(known) else None
        if found is None or (found.number, found.offset, found.channels) != asked:
            text = f"product {asked[0]}, offset {asked[1]}, {asked[2]} channels was not announced"
            return [Said(MonitorPacket.WARNING, f"{text}; it is left out")]
        if len(self._asked) >= _MAX_REQUESTS:
            return [Said(MonitorPacket.WARNING, f"product {number}: {_MAX_REQUESTS} are the most")]
        self._asked.append(found)
        return []

    def _take_end(self) -> list[FileWanted | ProductFlow | Said]:
        if self.products is None:
            return [Said(MonitorPacket.WARNING, "no products were announced: name a file first")]
        count = len(self._asked)
        told = f"{count} product{'s' * (count != 1)} from the next integration on"
        return [ProductFlow(tuple(self._asked)), Said(MonitorPacket.MESSAGE, told)]

    def _take_size(self, wanted: int) -> list[FileWanted | ProductFlow | Said]:
        self.fft_size = nearest_fft_size(wanted)
        if self.fft_size == wanted:
            return []
        told = f"FFT_SIZE {wanted} is no power of two from 2 to 65536"
        return [Said(MonitorPacket.WARNING, f"{told}: {self.fft_size} is taken")]
