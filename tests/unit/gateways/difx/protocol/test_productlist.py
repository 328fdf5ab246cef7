"""The product list, in the order that was recorded and that both clients need."""

from __future__ import annotations

import struct

import pytest

from gateways.difx.protocol.productlist import ProductList, products_of_header
from gateways.difx.protocol.products import Product, ProductsHeader, Scan


def sub(number: int, payload: bytes = b"") -> bytes:
    """Write a sub-packet by the sheet."""
    return struct.pack(">ii", number, len(payload)) + payload


def num(number: int, *values: int) -> bytes:
    """Write a sub-packet of integers."""
    return sub(number, struct.pack(f">{len(values)}i", *values))


def product(first: str, second: str, polarization: int = 0, mhz: float = 1400.0) -> Product:
    """Return a product of 16 channels in 8 MHz."""
    return Product(
        stations=(first, second),
        frequency_mhz=mhz,
        bandwidth_mhz=8.0,
        channels=16,
        polarization=polarization,
    )


def listed(*products: Product, scans: int = 1) -> ProductList:
    """Return the list of some products."""
    return products_of_header(
        ProductsHeader(
            job="job_1",
            obs_code="OBS",
            integration_s=2.0,
            scans=tuple(
                Scan(
                    name=f"No{n}",
                    source="3C84",
                    ra=0.5,
                    dec=-1.0,
                    start_mjd=60000.5,
                    integrations=43200,
                )
                for n in range(scans)
            ),
            products=products,
        )
    )


def written(products: ProductList) -> bytes:
    """Return all bytes of a list."""
    return b"".join(b"".join(items) for items in products.sub_packets())


def scan_head(index: int) -> bytes:
    """Write what stands before the baselines of a scan."""
    return (
        num(110, index)
        + sub(132, b"No%d" % index)
        + sub(133, b"60000.5000000")
        + sub(134, b"60001.5000000")
        + sub(135, b"3C84")
        + sub(136, b"0.500000000000000")
        + sub(137, b"-1.000000000000000")
    )


def test_list_has_the_recorded_order() -> None:
    products = listed(
        product("AA", "BB"),
        product("AA", "BB", 3),
        product("AA", "BB", 0, 1408.0),
        product("AA", "AA"),
        product("BB", "BB", 3),
    )
    band = num(114, 1) + num(115, 0) + num(116, 1) + num(117, 0)
    assert written(products) == (
        sub(113)
        + num(109, 1)
        + sub(130, b"job_1")
        + sub(131, b"OBS")
        + scan_head(0)
        + num(105, 1)
        + num(107, 0)
        + sub(111, b"AA")
        + sub(112, b"BB")
        + num(106, 2)
        + sub(108, struct.pack(">d", 1400.0))
        + band
        + num(118, 2)
        + num(119, 0)
        + num(120, 0, 0, 16)
        + num(119, 3)
        + num(120, 1, 16, 16)
        + sub(108, struct.pack(">d", 1408.0))
        + band
        + num(118, 1)
        + num(119, 0)
        + num(120, 2, 32, 16)
        + sub(121, b"AA")
        + sub(108, struct.pack(">d", 1400.0))
        + num(120, 3, 48, 16)
        + sub(121, b"BB")
        + sub(108, struct.pack(">d", 1400.0))
        + num(120, 4, 64, 16)
        + sub(143)
    )


def test_job_without_baselines_announces_one_without_products() -> None:
    assert written(listed(product("AA", "AA"))) == (
        sub(113)
        + num(109, 1)
        + sub(130, b"job_1")
        + sub(131, b"OBS")
        + scan_head(0)
        + num(105, 1)
        + num(107, 0)
        + sub(111, b"AA")
        + sub(112, b"AA")
        + num(106, 0)
        + sub(121, b"AA")
        + sub(108, struct.pack(">d", 1400.0))
        + num(120, 0, 0, 16)
        + sub(143)
    )


def test_products_have_the_same_numbers_in_each_scan() -> None:
    one = written(listed(product("AA", "BB"), scans=1))
    two = written(listed(product("AA", "BB"), scans=2))
    body = one[one.index(num(105, 1)) : -len(sub(143))]
    assert two.count(body) == 2
    assert two.endswith(body + sub(143))


def test_products_of_any_order_are_announced_baselines_first_and_keep_their_rows() -> None:
    products = listed(
        product("AA", "AA"), product("BB", "CC"), product("AA", "BB"), product("BB", "CC", 3)
    ).products
    assert [(one.row, one.number, one.is_baseline) for one in products] == [
        (1, 0, True),
        (3, 1, True),
        (2, 2, True),
        (0, 3, False),
    ]


def test_cross_spectrum_of_two_inputs_of_one_station_is_a_baseline() -> None:
    products = listed(product("AA", "AA"), product("AA", "AA", 1)).products
    assert [one.is_baseline for one in products] == [True, False]


@pytest.mark.parametrize(("channels", "sent"), [(4096, 4096), (4097, 2048), (65536, 4096)])
def test_products_have_at_most_4096_channels(channels: int, sent: int) -> None:
    wide = Product(stations=("A", "B"), frequency_mhz=1, bandwidth_mhz=4.0, channels=channels)
    (found,) = listed(wide).products
    assert found.channels == sent
    assert found.bandwidth_mhz == pytest.approx(4.0 * (channels // sent * sent) / channels)
