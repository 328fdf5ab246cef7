"""Free ports, as they are tested and as they are remembered."""

from __future__ import annotations

import socket

import pytest

from portmanager.binding import PortTests, is_own_address, port_is_free


class System:
    """A computer whose ports and clock the test sets."""

    def __init__(self) -> None:
        self.in_use: set[int] = set()
        self.tested: list[int] = []
        self.now = 100.0
        self.tests = PortTests(self.test, 0.01, lambda: self.now)

    def test(self, port: int) -> bool:
        self.tested.append(port)
        return port not in self.in_use


def test_a_port_that_was_tested_ahead_is_not_tested_again() -> None:
    system = System()
    system.tests.test_ahead(31000)
    system.now += 0.009
    assert system.tests.is_free(31000)
    assert system.tested == [31000]


def test_what_was_found_ahead_holds_for_a_moment_for_one_port_and_once() -> None:
    system = System()
    system.tests.test_ahead(31000)
    system.in_use.add(31000)
    system.now += 0.01
    assert not system.tests.is_free(31000), "too old"
    system.in_use.clear()
    system.tests.test_ahead(31000)
    system.in_use |= {30999, 31000}
    assert not system.tests.is_free(30999), "another port"
    assert not system.tests.is_free(31000), "something was lent since"


def test_a_port_found_in_use_ahead_is_tested_again() -> None:
    system = System()
    system.in_use.add(31000)
    system.tests.test_ahead(31000)
    system.in_use.clear()
    assert system.tests.is_free(31000)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_in_use_at_any_address_is_not_free(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as bound:
        bound.bind((address, 0))
        assert not port_is_free(bound.getsockname()[1])


def test_addresses_of_this_computer_are_its_own() -> None:
    assert is_own_address("127.0.0.1")
    assert not is_own_address("192.0.2.1")
