"""List of the products of a job, as the live monitor announces it: order, numbers, offsets.

Clients file what they read by what came before: a baseline opens with its telescopes, an
autocorrelation is filed under the last baseline. So a job without baselines announces one, which
has no products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateways.difx.protocol.items import double, integer, sub_packet, text
from gateways.difx.protocol.products import Product, ProductsHeader
from gateways.difx.protocol.taskids import MonitorPacket

__all__ = ["MAX_CHANNELS", "AnnouncedProduct", "AnnouncedScan", "ProductList", "products_of_header"]

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

MAX_CHANNELS = 4096
"""Of a product; spectra that have more are averaged."""
_PHASE_CENTERS = _PULSAR_BINS = 1
_CROSS_HANDS = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedScan:
    """A scan of the list.

    Attributes:
        identifier: Its name.
        start_mjd: UTC.
        stop_mjd: UTC.
        source: What is looked at.
        ra: Right ascension, radians.
        dec: Declination, radians.
    """

    identifier: str
    start_mjd: float
    stop_mjd: float
    source: str = ""
    ra: float = 0.0
    dec: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedProduct:
    """A product of the list.

    Attributes:
        number: From 0 on, in each scan.
        offset: Channels of all products before it.
        row: Of its spectrum among those of an integration, as they come.
        channels: Of its spectrum as it is sent.
        bandwidth_mhz: Of these channels.
        frequency_mhz: Middle of the band.
        telescopes: Twice the same of an autocorrelation.
        polarization: 0 to 3: XX, XY, YX, YY.
        is_baseline: It is a cross spectrum.
    """

    number: int
    offset: int
    row: int
    channels: int
    bandwidth_mhz: float
    frequency_mhz: float
    telescopes: tuple[str, str]
    polarization: int
    is_baseline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductList:
    """Everything that is announced of a job.

    Attributes:
        job: Its name.
        obs_code: Of the experiment.
        scans: All with the same products.
        products: In the order of their numbers, baselines first.
    """

    job: str
    obs_code: str = ""
    scans: tuple[AnnouncedScan, ...]
    products: tuple[AnnouncedProduct, ...]

    def sub_packets(self) -> Iterator[tuple[bytes, ...]]:
        """Yield the list, a sub-packet at a time, in items."""
        yield sub_packet(MonitorPacket.BEGIN_CORRELATION_PRODUCTS)
        yield sub_packet(MonitorPacket.NUM_SCANS, integer(len(self.scans)))
        yield sub_packet(MonitorPacket.JOB_NAME, text(self.job))
        yield sub_packet(MonitorPacket.OBS_CODE, text(self.obs_code))
        for index, scan in enumerate(self.scans):
            yield from _scan_packets(index, scan)
            yield from self._baseline_packets()
            yield from self._autocorrelation_packets()
        yield sub_packet(MonitorPacket.END_CORRELATION_PRODUCTS)

    def _baseline_packets(self) -> Iterator[tuple[bytes, ...]]:
        cross = [one for one in self.products if one.is_baseline]
        baselines = _grouped(cross, lambda one: one.telescopes)
        if not baselines:
            baselines = {self.products[0].telescopes: []}
        yield sub_packet(MonitorPacket.NUM_BASELINES, integer(len(baselines)))
        for index, ((first, second), products) in enumerate(baselines.items()):
            bands = _grouped(products, lambda one: (one.frequency_mhz, one.bandwidth_mhz))
            yield sub_packet(MonitorPacket.BASELINE, integer(index))
            yield sub_packet(MonitorPacket.TELESCOPE_1, text(first))
            yield sub_packet(MonitorPacket.TELESCOPE_2, text(second))
            yield sub_packet(MonitorPacket.NUM_FREQUENCIES, integer(len(bands)))
            for (frequency, _), each in bands.items():
                yield from _band_packets(frequency, each)

    def _autocorrelation_packets(self) -> Iterator[tuple[bytes, ...]]:
        for product in self.products:
            if not product.is_baseline:
                yield sub_packet(MonitorPacket.AUTOCORRELATION, text(product.telescopes[0]))
                yield sub_packet(MonitorPacket.FREQUENCY, double(product.frequency_mhz))
                yield _new_product(product)


def _scan_packets(index: int, scan: AnnouncedScan) -> Iterator[tuple[bytes, ...]]:
    yield sub_packet(MonitorPacket.SCAN, integer(index))
    for packet, value in (
        (MonitorPacket.SCAN_IDENTIFIER, scan.identifier),
        (MonitorPacket.SCAN_START_TIME, f"{_finite(scan.start_mjd):.7f}"),
        (MonitorPacket.SCAN_END_TIME, f"{_finite(scan.stop_mjd):.7f}"),
        (MonitorPacket.SOURCE, scan.source),
        (MonitorPacket.SOURCE_RA, f"{_finite(scan.ra):.15f}"),
        (MonitorPacket.SOURCE_DEC, f"{_finite(scan.dec):.15f}"),
    ):
        yield sub_packet(packet, text(value))


def _band_packets(
    frequency: float, products: Sequence[AnnouncedProduct]
) -> Iterator[tuple[bytes, ...]]:
    yield sub_packet(MonitorPacket.FREQUENCY, double(frequency))
    yield sub_packet(MonitorPacket.NUM_PHASE_CENTERS, integer(_PHASE_CENTERS))
    yield sub_packet(MonitorPacket.PHASE_CENTER, integer(0))
    yield sub_packet(MonitorPacket.NUM_PULSAR_BINS, integer(_PULSAR_BINS))
    yield sub_packet(MonitorPacket.PULSAR_BIN, integer(0))
    yield sub_packet(MonitorPacket.NUM_POL_PRODUCTS, integer(len(products)))
    for product in products:
        yield sub_packet(MonitorPacket.POL_PRODUCT, integer(product.polarization))
        yield _new_product(product)


def _new_product(product: AnnouncedProduct) -> tuple[bytes, ...]:
    numbers = product.number, product.offset, product.channels
    return sub_packet(MonitorPacket.NEW_PRODUCT, *map(integer, numbers))


def products_of_header(header: ProductsHeader) -> ProductList:
    """Return the list of a stream of live visibilities.

    Args:
        header: Of the stream; its products may come in any order.
    """
    return ProductList(
        job=header.job,
        obs_code=header.obs_code,
        scans=tuple(
            AnnouncedScan(
                identifier=scan.name,
                start_mjd=scan.start_mjd,
                stop_mjd=header.stop_mjd(scan),
                source=scan.source,
                ra=scan.ra,
                dec=scan.dec,
            )
            for scan in header.scans
        ),
        products=_numbered(header.products),
    )


def _numbered(products: Sequence[Product]) -> tuple[AnnouncedProduct, ...]:
    cross = [row for row, one in enumerate(products) if _is_baseline(one)]
    ordered = [
        row
        for pair in _grouped(cross, lambda row: products[row].stations).values()
        for band in _grouped(pair, lambda row: _band(products[row])).values()
        for row in band
    ]
    ordered += [row for row, one in enumerate(products) if not _is_baseline(one)]
    announced: list[AnnouncedProduct] = []
    offset = 0
    for number, row in enumerate(ordered):
        product = products[row]
        together = -(-product.channels // MAX_CHANNELS)
        channels = product.channels // together
        announced.append(
            AnnouncedProduct(
                number=number,
                offset=offset,
                row=row,
                channels=channels,
                bandwidth_mhz=product.bandwidth_mhz * channels * together / product.channels,
                frequency_mhz=product.frequency_mhz,
                telescopes=product.stations,
                polarization=product.polarization,
                is_baseline=_is_baseline(product),
            )
        )
        offset += channels
    return tuple(announced)


def _is_baseline(product: Product) -> bool:
    """Tell whether a product is a cross spectrum: of two stations, or of two inputs of one."""
    return not product.is_auto or product.polarization in _CROSS_HANDS


def _band(product: Product) -> tuple[float, float]:
    return product.frequency_mhz, product.bandwidth_mhz


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return items by a key, both in the order in which they came first."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
