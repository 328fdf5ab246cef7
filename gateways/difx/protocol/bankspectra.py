"""Spectra that Banks publish, as products of the live monitor.

A frame has rows: `XX`, `YY`, `REXY`, `IMXY`, of a sub-band `XX of sub-band 0`. Powers are
autocorrelations; real and imaginary part of the cross spectrum of two inputs are one product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateways.difx.protocol.lagspectra import Means, averaged
from gateways.difx.protocol.monitor import Block
from gateways.difx.protocol.productlist import MAX_CHANNELS, ProductList, products_of_header
from gateways.difx.protocol.products import Product, ProductsHeader, Scan
from gateways.difx.protocol.publications import mjd_of
from groundwork.values import JsonValue

__all__ = ["BankFrame", "BankSpectra", "read_frame"]

_DAY_S = 86400.0
_POWERS = {"XX": 0, "YY": 3}
_REAL, _IMAGINARY, _CROSS_HAND = "REXY", "IMXY", 1
_SCAN = "live"
_MAX_ROWS = 1024

Spectrum = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class BankFrame:
    """One integration of a Bank.

    Attributes:
        number: Of the integration within its scan.
        time: Unix seconds, UTC.
        bands: Polarization, middle and width of the band in MHz, and channels of each product.
        spectra: One of each product.
    """

    number: int
    time: float
    bands: tuple[tuple[int, float, float, int], ...]
    spectra: tuple[Spectrum, ...]


def read_frame(value: JsonValue, time: float) -> BankFrame | None:
    """Read a frame of a Bank's property `spectrum`; None: it is none, or has nothing in it.

    Args:
        value: As it was published.
        time: When, unix seconds, UTC.
    """
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu" or data.ndim not in (1, 2):
        return None
    table = np.atleast_2d(data).astype(np.float64)
    step = _number(value.get("x_delta"), 1.0)
    if not table.size or len(table) > _MAX_ROWS or step == 0:
        return None
    table = np.nan_to_num(table, nan=0.0, posinf=0.0, neginf=0.0)
    rows, starts = value.get("rows"), value.get("x_starts")
    names = [str(each) for each in rows] if isinstance(rows, list | tuple) else []
    names = names if len(names) == len(table) else _rows_without_names(len(table))
    start = _number(value.get("x_start"), 0.0)
    begins = [start] * len(table)
    if isinstance(starts, list | tuple) and len(starts) == len(table):
        begins = [_number(each, start) for each in starts]
    number = value.get("integration")
    found = list(_products(dict(zip(names, zip(table, begins, strict=True), strict=False)), step))
    if not found:
        return None
    return BankFrame(
        number if isinstance(number, int) else -1,
        time,
        tuple(band for band, _ in found),
        tuple(spectrum for _, spectrum in found),
    )


def _rows_without_names(count: int) -> list[str]:
    return ["XX", *(f"YY of row {row}" for row in range(1, count))]


def _products(
    rows: Mapping[str, tuple[npt.NDArray[np.float64], float]], step: float
) -> Sequence[tuple[tuple[int, float, float, int], Spectrum]]:
    found = []
    for name, (values, start) in rows.items():
        kind, of, band = name.partition(" ")
        if kind == _IMAGINARY:
            continue
        spectrum = values.astype(np.complex128)
        polarization = _POWERS.get(kind, 0)
        if kind == _REAL:
            other = rows.get(f"{_IMAGINARY}{of}{band}")
            if other is None:
                continue
            spectrum, polarization = spectrum + 1j * other[0], _CROSS_HAND
        together = -(-len(spectrum) // MAX_CHANNELS)
        channels = len(spectrum) // together
        middle = start + step * (channels * together - 1) / 2
        mean = averaged(spectrum, MAX_CHANNELS).astype(np.complex128)
        rising = mean if step > 0 else mean[::-1]
        width = abs(step) * channels * together
        found.append(((polarization, middle / 1e6, width / 1e6, channels), rising))
    return found


class BankSpectra:
    """Newest spectra of some Banks, and their means.

    Args:
        banks: Their names.
        job: Name under which they are announced.

    Attributes:
        products: What there is; None: not all Banks have said.
        has_changed: A Bank's spectra are of another kind than it was announced.
    """

    def __init__(self, banks: Sequence[str], job: str) -> None:
        self._job = job
        self._frames: dict[str, BankFrame | None] = dict.fromkeys(banks)
        self._new: set[str] = set()
        self._means = {bank: Means() for bank in banks}
        self._mean: dict[str, tuple[Spectrum, ...]] = {}
        self._count, self._length, self._day = 0, 1.0, 0
        self.products: ProductList | None = None
        self.has_changed = False

    @property
    def missing(self) -> list[str]:
        """Banks of which no spectrum came yet."""
        return [bank for bank, frame in self._frames.items() if frame is None]

    def take(self, bank: str, frame: BankFrame) -> Block | None:
        """Take the newest integration of a Bank; the block that is complete with it.

        A block has the newest of all Banks, and comes when each has a new one, or one has two.
        """
        before = self._frames[bank]
        is_other = before is not None and before.bands != frame.bands
        if is_other and self.products is not None:
            self.has_changed = True
            return None
        self._length = self._time_of_one(before, frame)
        is_late = bank in self._new and not self.missing
        block = self._block() if is_late else None
        if is_other or before is None or 0 <= frame.number <= before.number:
            self._means[bank].clear()  # another scan has begun
        self._frames[bank] = frame
        self._mean[bank] = self._means[bank].add(frame.spectra)
        self._new.add(bank)
        if self.missing:
            return None
        if self.products is None:
            self.products = self._announced()
        return self._block() if len(self._new) == len(self._frames) else block

    def _time_of_one(self, before: BankFrame | None, frame: BankFrame) -> float:
        if before is None or frame.number < 0 or frame.number <= before.number:
            return self._length
        length = (frame.time - before.time) / (frame.number - before.number)
        return length if length > 0 else self._length

    def _block(self) -> Block:
        self._count += 1
        self._new.clear()
        frames = [frame for frame in self._frames.values() if frame is not None]
        newest = max(frame.time for frame in frames)
        return Block(
            number=self._count,
            scan=_SCAN,
            source="",
            second=int(newest - self._day * _DAY_S),
            integration_s=self._length,
            spectra=[spectrum for frame in frames for spectrum in frame.spectra],
            means=[mean for bank in self._frames for mean in self._mean[bank]],
        )

    def _announced(self) -> ProductList:
        first = min(frame.time for frame in self._frames.values() if frame is not None)
        self._day = math.floor(first / _DAY_S)
        products = tuple(
            Product(
                stations=(bank, bank),
                frequency_mhz=middle,
                bandwidth_mhz=width,
                channels=channels,
                polarization=polarization,
            )
            for bank, frame in self._frames.items()
            if frame is not None
            for polarization, middle, width, channels in frame.bands
        )
        scan = Scan(name=_SCAN, start_mjd=mjd_of(first), integrations=1)
        header = ProductsHeader(job=self._job, integration_s=1.0, scans=(scan,), products=products)
        return products_of_header(header)


def _number(value: JsonValue, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return float(value)
