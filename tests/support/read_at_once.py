"""Computed properties of an object that are read where somebody asks, in the thread of the test."""

from __future__ import annotations

from collections.abc import Callable

from zmqjsonproxy.channels.properties import PropertyTable, table_of
from zmqjsonproxy.channels.readings import Readings


def at_once(run: Callable[[], None]) -> None:
    run()


def read_at_once(obj: object) -> PropertyTable:
    """Return the properties of an object, of which those that are computed are read at once."""
    table = table_of(obj)
    table.readings = Readings(start=at_once)
    return table
