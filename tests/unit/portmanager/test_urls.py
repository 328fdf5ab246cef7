"""Addresses of port managers and of services, as texts."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portmanager.protocol.lines import LONGEST_NAME, fault_of_name
from portmanager.protocol.urls import ManagerAddress, ServiceAddress, ServicesAddress, own_service

NAMES = st.text(min_size=1, max_size=LONGEST_NAME).filter(lambda text: not fault_of_name(text))
HOSTS = st.sampled_from(
    ["localhost", "hpc1", "vegas-hpc1.gb.nrao.edu", "10.0.0.5", "::1", "fe80::1%eth0"]
)
PORTS = st.integers(1, 65535)


@given(NAMES, HOSTS, PORTS, st.none() | NAMES)
def test_a_url_of_a_service_is_read_as_it_was_written(
    service: str, host: str, port: int, user: str | None
) -> None:
    address = ServiceAddress(service, ManagerAddress(host, port), user)
    assert ServiceAddress.read(address.url) == address
    assert address.url.isascii()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("service:BANKA", ServiceAddress("BANKA")),
        ("service:BANKA@hpc1", ServiceAddress("BANKA", ManagerAddress("hpc1"))),
        ("service:BANKA@hpc1:31000", ServiceAddress("BANKA", ManagerAddress("hpc1", 31000))),
        ("service:me@home@[::1]:1", ServiceAddress("me@home", ManagerAddress("::1", 1))),
        ("service://hpc1/a%20b?user=x", ServiceAddress("a b", ManagerAddress("hpc1"), "x")),
    ],
)
def test_the_forms_of_a_service(text: str, read: ServiceAddress) -> None:
    assert ServiceAddress.read(text) == read


@pytest.mark.parametrize(
    "text",
    ["service:", "service:@hpc1", "service:A@", "service:A@h:0", "service:A@h:65536", "service:A@h:x", "service://",
     "service://hpc1", "service://hpc1/", "service:///A", "service://hpc1/A?user=", "service://hpc1/A?usr=x",
     "service://hpc1/A?user", "service:A\n", "service://h/%00", "BANKA", "tcp://h:1"],
)  # fmt: skip
def test_what_is_no_service_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"is not|is no address|unknown key|is empty|not KEY=VALUE|control character",
    ):
        ServiceAddress.read(text)


@given(st.text(string.printable, max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (ServiceAddress.read, ServicesAddress.read, ManagerAddress.read):
        for whole in (text, f"service:{text}", f"service://{text}", f"portmanager://{text}"):
            with contextlib.suppress(ValueError):
                assert read(whole)


def test_the_services_of_a_port_manager() -> None:
    assert ServicesAddress.read("portmanager://hpc1") == ServicesAddress(ManagerAddress("hpc1"))
    assert ServicesAddress.read("hpc1:31000?user=vegas&beginswith=V") == ServicesAddress(
        ManagerAddress("hpc1", 31000), "vegas", "V"
    )
    with pytest.raises(ValueError, match="unknown key 'name'; there are user, beginswith"):
        ServicesAddress.read("portmanager://hpc1?name=BANKA")


def test_a_program_has_its_own_name_or_one_made_with_it() -> None:
    assert own_service("service:", "BANKA") == "BANKA"
    assert own_service("service:vegas-{bank}", "BANKA") == "vegas-BANKA"
    assert own_service("service:X", "BANKA") == "X"
    for text in ("service:A@hpc1", "service://hpc1/A", "BANKA"):
        with pytest.raises(ValueError, match="of the program's own host"):
            own_service(text, "BANKA")
