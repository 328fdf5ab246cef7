from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.products import (
    Integration,
    Product,
    ProductsHeader,
    ProductsReader,
    Scan,
    read_header,
    write_header,
    write_integration,
)

HEADER = ProductsHeader(
    job="scan1",
    obs_code="DEMO",
    integration_s=0.5,
    first=1,
    scans=(
        Scan(name="No0001", source="3C273", ra=3.27, dec=0.0358, start_mjd=60000.0, integrations=2),
        Scan(name="No0002", start_mjd=60000.5, integrations=3),
    ),
    products=(
        Product(stations=("AA", "BB"), frequency_mhz=1420.5, bandwidth_mhz=2.0, channels=3),
        Product(stations=("AA", "AA"), frequency_mhz=1420.5, bandwidth_mhz=2.0, channels=2),
    ),
)
VALUES = [1.0, 2.0, -3.0, 4.0, 5.0, -6.0, 7.0, 0.0, 8.0, 0.0]
"""Re and im of the channels of one integration."""


def flat(integrations: list[Integration]) -> list[tuple[int, list[complex]]]:
    return [(one.number, [z for s in one.spectra for z in s.tolist()]) for one in integrations]


def test_a_header_is_one_line_of_json_that_reads_back() -> None:
    line = write_header(HEADER)
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert read_header(line) == HEADER
    assert json.loads(line)["products"][0]["stations"] == ["AA", "BB"]


def test_an_integration_is_little_endian_float32_re_and_im_of_each_channel() -> None:
    spectra = [[1 + 2j, -3 + 4j, 5 - 6j], [7, 8]]
    assert write_integration(HEADER, spectra) == struct.pack("<10f", *VALUES)


def test_spectra_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        write_integration(HEADER, [[1, 2, 3], [1, 2, 3]])


@given(st.lists(st.integers(0, 400), max_size=6), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_a_stream_reads_the_same_however_it_is_cut(cuts: list[int], count: int) -> None:
    data = write_header(HEADER) + struct.pack("<10f", *VALUES) * count + b"\0\0\0"
    reader, got, begin = ProductsReader(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        got += reader.feed(data[begin:cut])
        begin = max(begin, cut)
    channels = [complex(re, im) for re, im in zip(VALUES[::2], VALUES[1::2], strict=True)]
    assert reader.header == HEADER
    assert flat(got) == [(1 + number, channels) for number in range(count)]


def test_numbers_that_are_not_finite_are_read_as_zero() -> None:
    reader = ProductsReader()
    data = struct.pack("<10f", *[float("nan"), 1.0, float("-inf"), 2.0], *[1.0] * 6)
    (one,) = reader.feed(write_header(HEADER) + data)
    assert one.spectra[0].tolist() == [0, 0, 1 + 1j]
    assert np.isfinite(one.spectra[1]).all()


def test_an_integration_has_its_scan_and_the_second_of_its_middle() -> None:
    first, second = HEADER.scans
    assert HEADER.place(1) == (first, 0)
    assert HEADER.place(2) == (second, 43200)
    assert HEADER.place(4) == (second, 43201)
    assert HEADER.place(7)[0] == second
    assert HEADER.stop_mjd(second) == 60000.5 + 1.5 / 86400


def test_whole_seconds_survive_the_resolution_of_an_mjd() -> None:
    scan = replace(HEADER.scans[0], start_mjd=60000 + 21600.5 / 86400, integrations=5000)
    header = replace(HEADER, integration_s=1.0, scans=(scan,))
    assert [header.place(n)[1] for n in range(5000)] == list(range(21601, 26601))


def changed(**others: object) -> bytes:
    return json.dumps(json.loads(write_header(HEADER)) | others).encode()


PRODUCT = {"stations": ["A", "B"], "frequency_mhz": 1, "bandwidth_mhz": 1, "channels": 4}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"visibilities", "no JSON"),
        (b"\xff{}", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "format"),
        (changed(format="other"), "format"),
        (changed(job=None), "job is missing"),
        (changed(job=7), "job is no text"),
        (changed(integration_s="1"), "integration_s is no number"),
        (changed(integration_s=True), "integration_s is no number"),
        (changed(integration_s=0), "integration_s is positive"),
        (changed(integration_s=float("nan")), "integration_s is no finite number"),
        (changed(integration_s=10**400), "integration_s is no finite number"),
        (changed(first=0.5), "first is no whole number"),
        (changed(first=-1), "first is 0 to 5"),
        (changed(scans=[]), "at least one scan"),
        (changed(scans=[1]), "scans is no list of objects"),
        (changed(scans=[{"name": "", "start_mjd": 0, "integrations": 1}]), "name is empty"),
        (changed(scans=[{"name": "a", "start_mjd": 0, "integrations": 0}]), "at least 1"),
        (changed(products={}), "products is no list of objects"),
        (changed(products=[PRODUCT | {"stations": ["A"]}]), "list of two texts"),
        (changed(products=[PRODUCT | {"stations": ["A", 1]}]), "list of two texts"),
        (changed(products=[PRODUCT | {"stations": ["A", ""]}]), "two names"),
        (changed(products=[PRODUCT | {"channels": 0}]), "channels are 1 to 65536"),
        (changed(products=[PRODUCT | {"channels": 65537}]), "channels are 1 to 65536"),
        (changed(products=[PRODUCT | {"bandwidth_mhz": 0}]), "bandwidth_mhz is positive"),
        (changed(products=[PRODUCT | {"polarization": 4}]), "polarization is 0 to 3"),
        (changed(products=[PRODUCT | {"channels": 65536}] * 200), "is the most"),
    ],
)
def test_a_header_that_cannot_be_is_refused_in_words(line: bytes, text: str) -> None:
    with pytest.raises(PayloadError, match=text):
        read_header(line)


def test_a_stream_without_a_header_ends_in_an_error_not_in_memory() -> None:
    reader = ProductsReader()
    assert reader.feed(b" " * (1 << 20)) == []
    with pytest.raises(PayloadError, match="no line end"):
        reader.feed(b" ")
