"""Payloads of the primary connection."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.items import MAX_INTEGER, MIN_INTEGER
from gateways.difx.protocol.packets import (
    FilelistRequest,
    JobStatusRequest,
    MulticastSettings,
    Packet,
    pack_chunk,
    pack_connection,
    pack_text,
    read_chunk,
    read_filelist_request,
    read_job_status_request,
    read_monitor_port,
    read_multicast_settings,
    read_relay,
    write_filelist_request,
    write_job_status_request,
    write_multicast_settings,
)

INTEGERS = st.integers(MIN_INTEGER, MAX_INTEGER)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)

STATUS_REQUEST = JobStatusRequest(short=True, pattern="/d/*.input", address="1.2.3.4", port=50300)
STATUS_BYTES = "00000001 0000000a 2f642f2a2e696e707574 00000007 312e322e332e34 0000c47c"
FILELIST_REQUEST = FilelistRequest(
    files=("/d/a", "/d/b"),
    destination="/d/l",
    format="VDIF",
    reference_mjd=60000,
    address="h",
    port=7,
)
FILELIST_BYTES = (
    "00000002 00000004 2f642f61 00000004 2f642f62 00000004 2f642f6c 00000004 56444946 0000ea60"
    " 00000001 68 00000007"
)


def test_there_are_24_packets() -> None:
    assert [int(packet) for packet in Packet] == list(range(1, 25))


def test_packets_of_the_server_are_written() -> None:
    assert pack_text(Packet.AVAILABLE_DIFX_VERSION, "DIFX-DEVEL") == (
        bytes.fromhex("0000000a 0000000a") + b"DIFX-DEVEL"
    )
    assert pack_connection(12346).hex(" ", 4) == "00000015 00000004 0000303a"
    assert pack_chunk(12346, b"\0\0\0\0").hex(" ", 4) == "00000016 00000008 0000303a 00000000"


def test_a_chunk_is_read_and_may_be_empty() -> None:
    assert read_chunk(bytes.fromhex("0000303a 616263")) == (12346, b"abc")
    assert read_chunk(bytes.fromhex("0000303a")) == (12346, b"")
    with pytest.raises(PayloadError, match="no channel number"):
        read_chunk(b"\0\0\0")


@pytest.mark.parametrize(
    ("payload", "on"),
    [("00000000", False), ("00000001", True), ("ffffffff", True), ("0000000100", True)],
)
def test_the_relay_is_switched(payload: str, on: bool) -> None:
    assert read_relay(bytes.fromhex(payload)) is on


def test_a_relay_switch_without_a_number_is_refused() -> None:
    with pytest.raises(
        PayloadError, match="RELAY: the switch is to have 4 bytes, where 0 are left"
    ):
        read_relay(b"")


@pytest.mark.parametrize(
    ("payload", "port"),
    [
        (bytes.fromhex("0000cc4c"), 52300),
        (b"52300", 52300),
        (b"999", 999),
        (b"1234", 0x31323334),  # 4 bytes are an integer, whatever they look like
    ],
)
def test_a_monitor_port_is_an_integer_or_else_digits(payload: bytes, port: int) -> None:
    assert read_monitor_port(payload) == port


@pytest.mark.parametrize(
    "payload", [b"", b"abc", b"\0\0\xcc", b"5230x", b"523000", b" 52300", b"-5230"]
)
def test_a_monitor_port_that_is_neither_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="START_DIFX_MONITOR"):
        read_monitor_port(payload)


def test_multicast_settings_are_read_and_written() -> None:
    settings = MulticastSettings("224.2.2.1", 50200)
    assert write_multicast_settings(settings) == b"224.2.2.1\n50200"
    assert read_multicast_settings(b"224.2.2.1\n50200") == settings
    assert read_multicast_settings(b"224.2.2.1\n50200\n") == settings


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "line feed"),
        (b"224.2.2.1", "line feed"),
        (b"224.2.2.1 50200", "line feed"),
        (b"224.2.2.1\n" + b"5" * 100, "line feed"),
        (b"\n50200", "1 to 15 characters"),
        (b"224.2.2.1.1.1.1.\n50200", "1 to 15 characters"),
        (b"224.2.2.1\n", "port ''"),
        (b"224.2.2.1\n0", "port '0'"),
        (b"224.2.2.1\n65536", "port '65536'"),
        (b"224.2.2.1\nx", "port 'x'"),
        ("224.2.2.1\n\u0665".encode(), "port"),
        (b"224.2.2.1\xff\n1", "UTF-8"),
    ],
)
def test_multicast_settings_that_cannot_be_are_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        read_multicast_settings(payload)


def test_a_request_for_states_is_read_and_written() -> None:
    assert write_job_status_request(STATUS_REQUEST) == bytes.fromhex(STATUS_BYTES)
    assert read_job_status_request(bytes.fromhex(STATUS_BYTES)) == STATUS_REQUEST


def test_a_request_for_a_list_is_read_and_written() -> None:
    assert write_filelist_request(FILELIST_REQUEST) == bytes.fromhex(FILELIST_BYTES)
    assert read_filelist_request(bytes.fromhex(FILELIST_BYTES)) == FILELIST_REQUEST


def test_requests_that_are_cut_short_are_refused_at_every_place() -> None:
    for place in range(len(bytes.fromhex(STATUS_BYTES))):
        with pytest.raises(PayloadError, match="GET_JOB_STATUS"):
            read_job_status_request(bytes.fromhex(STATUS_BYTES)[:place])
    for place in range(len(bytes.fromhex(FILELIST_BYTES))):
        with pytest.raises(PayloadError, match="GENERATE_FILELIST"):
            read_filelist_request(bytes.fromhex(FILELIST_BYTES)[:place])


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_list_has_no_more_files_than_may_be(count: int) -> None:
    request = dataclasses.replace(FILELIST_REQUEST, files=("",) * count)
    if count > 10_000:
        with pytest.raises(PayloadError, match="10001 files are more than 10000"):
            read_filelist_request(write_filelist_request(request))
    else:
        assert read_filelist_request(write_filelist_request(request)) == request


def test_two_thousand_million_files_are_refused() -> None:
    with pytest.raises(PayloadError, match="2147483647 files are more than 10000"):
        read_filelist_request(bytes.fromhex("7fffffff"))


@pytest.mark.parametrize("count", ["ffffffff", "80000000", "00000003"])
def test_a_number_of_files_that_are_not_there_is_refused(count: str) -> None:
    with pytest.raises(PayloadError, match="files are not in the 8 bytes"):
        read_filelist_request(bytes.fromhex(count + "00000004 2f642f61"))


@given(st.booleans(), TEXTS, TEXTS, INTEGERS)
def test_any_request_for_states_is_read_back(
    short: bool, pattern: str, address: str, port: int
) -> None:
    request = JobStatusRequest(short=short, pattern=pattern, address=address, port=port)
    assert read_job_status_request(write_job_status_request(request)) == request


@given(st.lists(TEXTS, max_size=4), TEXTS, TEXTS, INTEGERS, TEXTS, INTEGERS)
def test_any_request_for_a_list_is_read_back(
    files: list[str], destination: str, form: str, mjd: int, address: str, port: int
) -> None:
    request = FilelistRequest(
        files=tuple(files),
        destination=destination,
        format=form,
        reference_mjd=mjd,
        address=address,
        port=port,
    )
    assert read_filelist_request(write_filelist_request(request)) == request
