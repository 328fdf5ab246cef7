"""Data of the live monitor byte by byte, and what its clients may ask."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.monitor import (
    Block,
    FileWanted,
    MonitorClient,
    ProductFlow,
    Said,
    block_packets,
    product_packets,
    report,
)
from gateways.difx.protocol.productlist import AnnouncedProduct, AnnouncedScan, ProductList
from gateways.difx.protocol.taskids import MonitorPacket

PRODUCTS = tuple(
    AnnouncedProduct(
        number=number,
        offset=2 * number,
        row=number,
        channels=2,
        bandwidth_mhz=1.0,
        frequency_mhz=1400.0,
        telescopes=("A", "B"),
        polarization=0,
        is_baseline=True,
    )
    for number in range(3)
)
LIST = ProductList(
    job="j",
    scans=(AnnouncedScan(identifier="s", start_mjd=0.0, stop_mjd=1.0),),
    products=PRODUCTS,
)


def block(*spectra: list[complex], means: list[list[complex]] | None = None) -> Block:
    """Return an integration of 2.6 s at second 3661."""
    return Block(
        number=1,
        scan="No1",
        source="3C84",
        second=3661,
        integration_s=2.6,
        spectra=[np.array(each, np.complex64) for each in spectra],
        means=[np.array(each, np.complex128) for each in means or spectra],
    )


def read(packets: list[tuple[bytes, ...]]) -> list[tuple[int, bytes]]:
    """Read sub-packets; the announced length is the true one."""
    found = []
    for items in packets:
        number, length = struct.unpack(">ii", items[0] + items[1])
        payload = b"".join(items[2:])
        assert length == len(payload)
        found.append((number, payload))
    return found


def test_scan_and_source_come_before_the_data() -> None:
    assert read(list(block_packets(block([1, 1])))) == [(138, b"No1"), (135, b"3C84")]


def test_data_have_the_bytes_of_the_sheet() -> None:
    one = block([3 + 4j, -1], means=[[2j, 0]])
    packets = read(list(product_packets(one, PRODUCTS[0], 0, one_by_one=False)))
    head = struct.pack(">iiii", 0, 2, 3661, 3)
    # two channels a, b give four lags: Re a + 2 Re(b i^t), the third channel being 0
    lags = [3 - 2, 3 - 0, 3 + 2, 3 + 0]
    lag_head = struct.pack(">iiiii", 0, 2, 3661, 3, 2)
    noise = np.std(lags[:2] + lags[3:])  # all but the peak, as 4/20 is less than a lag
    assert packets == [
        (126, head + b"  5.000000e+00  1.000000e+00"),
        (127, head + b"  5.313010e+01  1.800000e+02"),
        (
            128,
            lag_head
            + b"%14.6e%14.6e" % (2 / 2 * (2 * 2 / 4), 5 / noise)
            + b"".join(b"%14.6e" % lags[t] for t in (2, 3, 0, 1)),
        ),
        (140, head + b"  2.000000e+00  0.000000e+00"),
        (141, head + b"  9.000000e+01  0.000000e+00"),
        (142, struct.pack(">iiiii", 0, 2, 3661, 3, 0) + b"  0.000000e+00" * 6),
        (129, b""),
    ]


def test_items_of_a_channel_are_single_numbers() -> None:
    one = block([1, 1])
    together = list(product_packets(one, PRODUCTS[0], 8, one_by_one=False))
    single = list(product_packets(one, PRODUCTS[0], 8, one_by_one=True))
    assert [b"".join(items) for items in together] == [b"".join(items) for items in single]
    assert [len(item) for item in single[0]] == [4] * 6 + [14] * 2
    assert [len(item) for item in single[2]] == [4] * 7 + [14] * 10
    assert [len(item) for item in single[-1]] == [4, 4]


def test_sizes_follow_the_larger_of_the_wanted_lags_and_twice_the_channels() -> None:
    for wanted, size in ((0, 4), (2, 4), (64, 64)):
        packets = dict(
            read(list(product_packets(block([1, 1]), PRODUCTS[0], wanted, one_by_one=False)))
        )
        assert len(packets[126]) == 16 + 14 * 2
        assert len(packets[128]) == 48 + 14 * size
        assert struct.unpack(">i", packets[142][4:8]) == (size // 2,)


def test_each_product_is_the_row_that_was_asked_for() -> None:
    one = block([1, 1], [2, 2], [3, 3], means=[[4, 4], [5, 5], [6, 6]])
    packets = dict(read(list(product_packets(one, PRODUCTS[2], 0, one_by_one=False))))
    assert packets[126] == struct.pack(">iiii", 2, 2, 3661, 3) + b"  3.000000e+00" * 2
    assert packets[140] == struct.pack(">iiii", 2, 2, 3661, 3) + b"  6.000000e+00" * 2


@pytest.mark.parametrize("length", [0.0, 0.001, 1.4])
def test_integrations_last_at_least_a_second(length: float) -> None:
    short = Block(
        number=1,
        scan="",
        source="",
        second=0,
        integration_s=length,
        spectra=[np.ones(2, np.complex64)],
        means=[np.ones(2, np.complex128)],
    )
    packets = dict(read(list(product_packets(short, PRODUCTS[0], 0, one_by_one=False))))
    assert struct.unpack(">i", packets[126][12:16]) == (1,)


def ask(client: MonitorClient, *numbers: int) -> list[FileWanted | ProductFlow | Said]:
    """Send a PRODUCT_REQUEST."""
    return client.take(122, struct.pack(f">{len(numbers)}i", *numbers))


def test_client_asks_for_products_and_later_for_others() -> None:
    client = MonitorClient()
    assert client.take(103, b"/data/j.input") == [FileWanted("/data/j.input")]
    client.announce(LIST)
    assert client.take(139, struct.pack(">i", 64)) == []
    assert client.fft_size == 64
    client.take(123, b"")
    for number in (2, 0):
        assert ask(client, number, 2 * number, 2) == []
    flow, told = client.take(124, b"")  # what flows changes first: nothing old comes behind the 100
    assert isinstance(told, Said)
    assert told.number is MonitorPacket.MESSAGE
    assert flow == ProductFlow((PRODUCTS[2], PRODUCTS[0]))
    client.take(123, b"")
    assert ask(client, 1, 2, 2) == []
    assert client.take(124, b"")[0] == ProductFlow((PRODUCTS[1],))
    assert not client.is_closed
    client.take(104, b"")
    assert client.is_closed


@pytest.mark.parametrize("numbers", [(3, 6, 2), (-1, 0, 2), (1, 0, 2), (1, 2, 3)])
def test_product_that_was_not_announced_is_a_warning_and_left_out(
    numbers: tuple[int, int, int],
) -> None:
    client = MonitorClient()
    client.announce(LIST)
    (said,) = ask(client, *numbers)
    assert isinstance(said, Said)
    assert said.number is MonitorPacket.WARNING
    assert client.take(124, b"")[0] == ProductFlow(())


def test_requests_before_any_list_are_warnings() -> None:
    client = MonitorClient()
    (said,) = client.take(124, b"")
    assert isinstance(said, Said)
    (said,) = ask(client, 0, 0, 2)
    assert isinstance(said, Said)


def test_number_of_lags_that_is_no_power_of_two_is_a_warning_with_the_nearest() -> None:
    client = MonitorClient()
    (said,) = client.take(139, struct.pack(">i", 1000))
    assert isinstance(said, Said)
    assert (said.number, client.fft_size) == (MonitorPacket.WARNING, 1024)
    assert "1024" in said.sentence


@pytest.mark.parametrize("number", [100, 126, 129, 143, 0, 99, -5, 2**31 - 1])
def test_ids_that_are_not_a_clients_are_passed_over(number: int) -> None:
    assert MonitorClient().take(number, b"whatever") == []


@pytest.mark.parametrize(
    ("number", "payload"), [(122, b"\0" * 11), (139, b"64"), (103, b"\xff"), (103, b"/" * 4097)]
)
def test_payload_that_cannot_be_read_is_an_error(number: int, payload: bytes) -> None:
    client = MonitorClient()
    client.announce(LIST)
    with pytest.raises(PayloadError):
        client.take(number, payload)


def test_requests_of_one_client_are_bounded() -> None:
    client = MonitorClient()
    client.announce(LIST)
    said = [ask(client, 0, 0, 2) for _ in range(4097)]
    assert [bool(each) for each in said] == [False] * 4096 + [True]


def test_text_is_cut_where_the_clients_cut_it() -> None:
    ((number, payload),) = read([report(MonitorPacket.ERROR, "ä" * 5000)])
    assert number == 102
    assert len(payload) <= 2047
    payload.decode()
