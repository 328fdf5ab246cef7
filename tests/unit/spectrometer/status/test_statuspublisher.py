"""Properties of a status memory: each change, and nothing else, whoever writes it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sysv_ipc
from support.memory import private_status

from spectrometer.status import StatusBuffer
from spectrometer.status.publisher import StatusPublisher
from zmqjsonproxy.channels.declarations import Declared
from zmqjsonproxy.channels.properties import MAX_PROPERTIES, PropertyTable

SLOW_HZ = 0.01
"""Of publishers that look when they are told to."""


@pytest.fixture
def status() -> Iterator[StatusBuffer]:
    with private_status(lock_timeout_s=0.3) as buffer:
        yield buffer


@pytest.fixture
def table() -> PropertyTable:
    return PropertyTable([])


@pytest.fixture
def publisher(status: StatusBuffer, table: PropertyTable) -> Iterator[StatusPublisher]:
    status.update({"NCHAN": 1024, "OBSERVER": "me"})
    publisher = StatusPublisher(status, table, SLOW_HZ, logging.getLogger("tests"))
    yield publisher
    publisher.close()


def shown(table: PropertyTable) -> dict[str, Any]:
    """Return key -> (value, number)."""
    return {
        name.removeprefix("status."): (one.newest.encoded.value(), one.number)
        for name, one in table.properties.items()
        if one.newest is not None
    }


def test_all_keys_are_there_at_once(publisher: StatusPublisher, table: PropertyTable) -> None:
    assert shown(table) == {"NCHAN": (1024, 1), "OBSERVER": ("me", 1)}
    assert table.properties["status.NCHAN"].declared.doc == "channels of the mode"


def test_what_changes_is_published_and_nothing_else(
    publisher: StatusPublisher, table: PropertyTable, status: StatusBuffer
) -> None:
    status.update({"NCHAN": 512, "OBSERVER": "me", "EXPOSURE": 0.5})
    publisher.look()
    publisher.look()
    assert shown(table) == {"NCHAN": (512, 2), "OBSERVER": ("me", 1), "EXPOSURE": (0.5, 1)}


def test_a_key_that_is_removed_is_none_until_it_is_back(
    publisher: StatusPublisher, table: PropertyTable, status: StatusBuffer
) -> None:
    status.remove(["NCHAN"])
    publisher.look()
    assert shown(table)["NCHAN"] == (None, 2)
    publisher.look()
    status.update({"NCHAN": 1024})
    publisher.look()
    assert shown(table)["NCHAN"] == (1024, 3)


def test_a_number_and_its_text_are_two_values(
    publisher: StatusPublisher, table: PropertyTable, status: StatusBuffer
) -> None:
    for value in (1, 1.0, "1"):
        status.update({"NCHAN": value})
        publisher.look()
    assert shown(table)["NCHAN"] == ("1", 4)


def test_damage_is_no_end_of_it_and_rubbish_is_no_key(
    publisher: StatusPublisher, table: PropertyTable, status: StatusBuffer
) -> None:
    memory = sysv_ipc.SharedMemory(status.key, 0, size=0)
    try:
        whole = memory.read(400)
        memory.write(
            b"NCHAN   =                    7".ljust(80) + b"\xff\x01\x02rub  = 1".ljust(160)
        )
        publisher.look()
        assert shown(table) == {"NCHAN": (7, 2), "OBSERVER": (None, 2)}
        memory.write(whole)
        publisher.look()
        assert shown(table) == {"NCHAN": (1024, 3), "OBSERVER": ("me", 3)}
    finally:
        memory.detach()


def test_more_keys_than_a_bank_may_have_are_told_once(
    publisher: StatusPublisher,
    table: PropertyTable,
    status: StatusBuffer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(MAX_PROPERTIES - len(table.properties)):
        table.declare(Declared(name=f"more.{number}"))
    status.update({"EXPOSURE": 0.5, "NCHAN": 8})
    publisher.look()
    status.update({"LST": 0.5, "NCHAN": 9})
    publisher.look()
    assert shown(table)["NCHAN"] == (9, 3)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "status.EXPOSURE, and other new keys, are not published"
    ]


def test_nothing_is_published_after_close(table: PropertyTable, status: StatusBuffer) -> None:
    publisher = StatusPublisher(status, table, 50.0, logging.getLogger("tests"))
    publisher.close()
    status.update({"NCHAN": 1024})
    publisher.look()
    assert shown(table) == {}
