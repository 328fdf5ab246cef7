"""Sub-packets of the live monitor, laid out as the sheet of the protocol says."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from gateways.difx.client.protocol.monitoring import (
    BlockReader,
    JobProductsReader,
    MonitorProduct,
    missing_bytes,
    product_request,
)
from gateways.difx.errors import PayloadError


def ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def decimals(*values: float) -> bytes:
    return b"".join(b"%14.6e" % value for value in values)


PRODUCT = MonitorProduct(
    number=0, offset=0, channels=2, telescopes=("EF", "WB"), frequency_mhz=1642.25
)
SPECTRUM = ints(0, 2, 43200, 2) + decimals(1.0, -14.03624)
LAGS = ints(0, 2, 43200, 2, 3) + decimals(-0.25, 17.5) + decimals(1, 2, 3, 4)

LIST = [
    *((113, b""), (109, ints(1)), (130, b"job"), (131, b"TEST"), (110, ints(0)), (132, b"No1")),
    *((133, b"61000.5000000"), (134, b"61000.6000000"), (135, b"3C84"), (136, b"0.87")),
    *((137, b"0.72"), (105, ints(1)), (107, ints(0)), (111, b"EF"), (112, b"WB"), (106, ints(1))),
    *((108, struct.pack(">d", 1642.25)), (114, ints(2)), (115, ints(1)), (116, ints(1))),
    *((117, ints(0)), (118, ints(2)), (119, ints(0)), (120, ints(0, 0, 2)), (119, ints(3))),
    *((120, ints(1, 2, 2)), (121, b"EF"), (108, struct.pack(">d", 1650.0)), (120, ints(2, 4, 8))),
    *((121, b"WB"), (108, struct.pack(">d", 1650.0)), (120, ints(3, 12, 8)), (143, b"")),
]


def test_a_product_list_is_put_together() -> None:
    reader = JobProductsReader()
    assert [reader.take(*each) for each in LIST] == [False] * (len(LIST) - 1) + [True]
    found = reader.found
    assert (found.job, found.obs_code) == ("job", "TEST")
    (scan,) = found.scans
    assert (scan.identifier, scan.source, scan.start_mjd) == ("No1", "3C84", 61000.5)
    assert [one.name for one in found.products] == ["EF-WB", "EF-WB", "EF", "WB"]
    assert [one.polarization for one in found.products] == [0, 3, 0, 0]
    assert [one.phase_center for one in found.products] == [1, 1, 0, 0]
    assert [one.frequency_mhz for one in found.products] == [1642.25, 1642.25, 1650.0, 1650.0]
    assert [one.is_auto for one in found.products] == [False, False, True, True]
    assert b"".join(product_request(found.products[3])) == ints(3, 12, 8)


def test_products_before_the_first_scan_are_refused() -> None:
    with pytest.raises(PayloadError, match="before the first scan"):
        JobProductsReader().take(120, ints(0, 0, 2))


@pytest.mark.parametrize("packet", [126, 127, 140, 141])
def test_the_four_bytes_that_are_missing_of_a_spectrum_are_known(packet: int) -> None:
    assert len(SPECTRUM) == 16 + 14 * 2
    assert missing_bytes(packet, SPECTRUM) == 0
    assert missing_bytes(packet, SPECTRUM[:-4]) == 4


@pytest.mark.parametrize("packet", [128, 142])
def test_the_four_bytes_that_are_missing_of_lags_are_known(packet: int) -> None:
    assert len(LAGS) == 48 + 14 * 4
    assert missing_bytes(packet, LAGS) == 0
    assert missing_bytes(packet, LAGS[:-4]) == 4


def test_no_other_packet_lacks_bytes() -> None:
    assert missing_bytes(129, b"") == 0
    assert missing_bytes(126, ints(0)) == 0
    assert missing_bytes(138, SPECTRUM[:-4]) == 0


def test_a_block_has_all_its_parts_as_arrays() -> None:
    reader = BlockReader([PRODUCT])
    packets = [(138, b"No1"), (135, b"3C84"), (126, SPECTRUM), (127, SPECTRUM), (128, LAGS)]
    packets += [(140, SPECTRUM), (141, SPECTRUM), (142, LAGS)]
    assert [reader.take(*each) for each in packets] == [None] * len(packets)
    block = reader.take(129, b"")
    assert block is not None
    assert (block.scan, block.source, block.product) == ("No1", "3C84", PRODUCT)
    assert (block.time_s, block.integration_s) == (43200, 2)
    for values in (block.amplitude, block.phase, block.mean_amplitude, block.mean_phase):
        np.testing.assert_allclose(values, [1.0, -14.03624])
    for lags in (block.lag, block.mean_lag):
        assert (lags.peak, lags.delay_us, lags.snr) == (3, -0.25, 17.5)
        np.testing.assert_allclose(lags.magnitudes, [1, 2, 3, 4])


def test_numbers_that_are_none_are_read_as_the_original_prints_them() -> None:
    reader = BlockReader([PRODUCT])
    values = ints(0, 2, 0, 1) + b"%14s" % b"nan" + b"%14s" % b"-inf"
    for number, data in ((126, values), (127, values), (128, LAGS), (140, values), (141, values)):
        reader.take(number, data)
    reader.take(142, LAGS)
    block = reader.take(129, b"")
    assert block is not None
    assert np.isnan(block.amplitude[0])
    assert np.isneginf(block.amplitude[1])


def test_a_block_that_lacks_a_part_is_refused() -> None:
    reader = BlockReader([PRODUCT])
    reader.take(126, SPECTRUM)
    with pytest.raises(PayloadError, match="it has no phase"):
        reader.take(129, b"")


def test_a_block_of_a_product_that_nobody_announced_is_refused() -> None:
    reader = BlockReader([])
    for number in (126, 127, 140, 141):
        reader.take(number, SPECTRUM)
    for number in (128, 142):
        reader.take(number, LAGS)
    with pytest.raises(PayloadError, match="nobody has announced it"):
        reader.take(129, b"")


@pytest.mark.parametrize("data", [SPECTRUM[:-1], ints(0, -1, 0, 0), ints(0, 2, 0, 0), b"abc"])
def test_data_of_another_length_are_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        BlockReader([PRODUCT]).take(126, data)
