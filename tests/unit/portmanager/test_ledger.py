"""Ports and names: what holds whatever clients come, ask and go."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portmanager.allocation import Allocation
from portmanager.protocol.ledger import Ledger, LedgerEntry
from portmanager.protocol.lines import decode, read_allocation
from portmanager.protocol.pool import Pool

SERVICES = st.sampled_from(["foo", "foo_1", "foo_2", "foo_1_1", "two words", "a{"])
USERS = st.sampled_from(["bob", "alice", "#x", ""])


def listed(ledger: Ledger) -> list[Allocation]:
    head, *rows = decode(ledger.listing()).split("\r\n")
    assert rows.pop() == ""
    assert head == f"OK {len(rows)}"
    return [read_allocation(row) for row in rows]


class Clients(RuleBasedStateMachine):
    """Clients that come, ask and die; a model that knows only who came first."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.ledger = Pool(40000, 40009, without=(40003,)), Ledger()
        self.foreign: set[int] = set()  # ports that other programs hold
        self.clients: dict[int, list[LedgerEntry]] = {}
        self.arrivals: list[LedgerEntry] = []
        self.came = 0
        self.names: dict[int, str] = {}

    @rule()
    def a_client_comes(self) -> None:
        self.came += 1
        self.clients[self.came] = []

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), service=SERVICES, user=USERS)
    def a_client_asks(self, data: st.DataObject, service: str, user: str) -> None:
        client = data.draw(st.sampled_from(sorted(self.clients)))
        port = self.pool.take(lambda port: port not in self.foreign)
        if port is None:
            assert self.pool.free == len(self.foreign - {one.port for one in self.arrivals})
            return
        assert port not in self.foreign
        assert port not in {one.port for one in self.arrivals}
        lent = self.ledger.add(port, service, user)
        self.clients[client].append(lent)
        self.arrivals.append(lent)

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def a_client_dies(self, data: st.DataObject) -> None:
        for lent in self.clients.pop(data.draw(st.sampled_from(sorted(self.clients)))):
            self.ledger.remove(lent)
            self.pool.give_back(lent.port)
            self.arrivals.remove(lent)

    @rule(data=st.data())
    def another_program_takes_a_port(self, data: st.DataObject) -> None:
        free = sorted(port for port in range(40000, 40010) if port in self.pool)
        self.foreign = (
            set(data.draw(st.lists(st.sampled_from(free), max_size=3))) if free else set()
        )

    @invariant()
    def every_port_is_lent_once_and_listed(self) -> None:
        rows = listed(self.ledger)
        assert sorted(row.port for row in rows) == sorted(one.port for one in self.arrivals)
        assert len(self.ledger) == len(self.arrivals) == self.pool.size - self.pool.free
        assert 40003 not in {row.port for row in rows}

    @invariant()
    def the_oldest_has_the_plain_name_and_no_two_are_alike(self) -> None:
        rows = listed(self.ledger)
        names = [(row.user, row.service) for row in rows]
        assert len(set(names)) == len(names)
        by_port = {row.port: row.service for row in rows}
        seen = set()
        for one in self.arrivals:
            if (one.user, one.service) not in seen:
                assert by_port[one.port] == one.service
                seen.add((one.user, one.service))
            else:
                suffix = by_port[one.port].removeprefix(one.service + "_")
                assert suffix.isdecimal()
                assert suffix[0] != "0"

    @invariant()
    def a_name_changes_only_to_the_plain_one_or_to_give_way(self) -> None:
        now = {row.port: (row.user, row.service) for row in listed(self.ledger)}
        plain = {(one.user, one.service) for one in self.arrivals}
        for one in self.arrivals:
            before = self.names.get(id(one))
            if before not in (None, now[one.port][1]):
                assert now[one.port][1] == one.service or (one.user, before) in plain
        self.names = {id(one): now[one.port][1] for one in self.arrivals}


TestClients = Clients.TestCase
TestClients.settings = settings(max_examples=60, stateful_step_count=30)


def test_the_list_has_the_order_of_the_original() -> None:
    ledger = Ledger()
    for port, service, user in (
        (10000, "b", "bob"),
        (9999, "b", "bob"),
        (1, "z", "Bob"),
        (2, "a b", "bob"),
        (3, "a", "two words"),
        (4, "", "bob"),
    ):
        ledger.add(port, service, user)
    assert ledger.listing() == (
        b"OK 6\r\n1 z Bob\r\n10000 b bob\r\n9999 b_1 bob\r\n2 {a b} bob\r\n4 {} bob\r\n3 a {two words}\r\n"
    )
    assert [one.port for one in ledger.by_port()] == [1, 10000, 2, 3, 4, 9999]


def test_the_plain_name_is_the_first_of_its_group_and_the_others_follow_by_their_numbers() -> None:
    ledger = Ledger()
    for port in range(31000, 30988, -1):  # as they are lent: from the top down
        ledger.add(port, "foo", "bob")
    ledger.add(9999, "foo_x", "bob")
    expected = [(31000, "foo"), *((31000 - n, f"foo_{n}") for n in range(1, 12)), (9999, "foo_x")]
    assert [(row.port, row.service) for row in listed(ledger)] == expected


def test_ports_go_from_the_top_down_and_a_released_one_waits_longest() -> None:
    pool = Pool(3, 1)
    assert [pool.take(lambda _: True) for _ in range(2)] == [3, 2]
    pool.give_back(3)
    assert [pool.take(lambda _: True) for _ in range(3)] == [1, 3, None]


def test_a_certain_port_can_be_taken_once() -> None:
    pool = Pool(1, 3)
    pool.take_this(2)
    assert 2 not in pool
    with pytest.raises(ValueError):
        pool.take_this(2)


@pytest.mark.parametrize(("low", "high", "without"), [(0, 5, ()), (65000, 65536, ()), (5, 5, (5,))])
def test_a_range_without_ports_is_refused(low: int, high: int, without: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"ports {low}-{high}"):
        Pool(low, high, without)


def test_a_port_of_its_own_choice_is_lent_or_withdrawn() -> None:
    pool = Pool(40000, 40002)
    pool.take_this(40001)
    assert (40001 in pool, pool.next_one) == (False, 40002)
    with pytest.raises(ValueError, match="not in deque"):
        pool.take_this(40001)
    pool.withdraw(40002)
    pool.withdraw(50000)
    assert (pool.size, pool.free, pool.next_one) == (2, 1, 40000)
    assert pool.take(lambda _port: False) is None
    pool.take_this(40000)
    assert pool.next_one is None


def test_the_usage_file_is_by_port_as_text() -> None:
    ledger = Ledger()
    for port in (9, 10, 100):
        ledger.add(port, f"s{port}", "u")
    assert [lent.port for lent in ledger.by_port()] == [10, 100, 9]
