"""Items of analysed data: definitions of parameters, values of variables, events of parameters.

Bytes <-> objects; many events at once from arrays. The many events of a file are read by
`histogrammer.events.scatter`, not one by one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from histogrammer.errors import RingItemError
from histogrammer.events.protocol.ringitems import (
    ItemType,
    RingItem,
    read_strings,
    read_text,
    write_text,
)

__all__ = [
    "EVENT_HEAD_BYTES",
    "MAX_DEFINITIONS",
    "VALUE_BYTES",
    "ParameterData",
    "ParameterNames",
    "Variable",
    "Variables",
    "read_definitions",
    "read_parameter_data",
    "read_variables",
    "write_definitions",
    "write_events",
    "write_parameter_data",
    "write_variables",
]

EVENT_HEAD_BYTES = 24
"""Bytes of an event item without its values, when it has no body header."""

VALUE_BYTES = 12
"""Bytes of the id and the value of one parameter."""

MAX_DEFINITIONS = 1 << 20
"""More parameters than any set-up has; each costs a name, a row and a bit of every event."""

UNITS_BYTES = 32

_COUNT = struct.Struct("<I")
_VALUE = struct.Struct("<d")
_EVENT = struct.Struct("<QI")
_PAIR = struct.Struct("<Id")


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """Names of the parameters of a file.

    Attributes:
        names: Id in the file, and name, in the order of the file.
    """

    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """Value of a variable of the analysis (a tree variable).

    Attributes:
        name: Its name.
        value: Its value.
        units: At most 32 bytes.
    """

    name: str
    value: float
    units: str = ""


@dataclass(frozen=True, slots=True)
class Variables:
    """Values of all variables."""

    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class ParameterData:
    """One event.

    Attributes:
        trigger: Its number.
        values: Id of the parameter in the file, and value, in the order of the file.
    """

    trigger: int
    values: tuple[tuple[int, float], ...]


def _count(item: RingItem) -> int:
    if len(item.payload) < _COUNT.size:
        raise RingItemError(item.offset, "item of parameters without the number of its entries")
    number: int = _COUNT.unpack_from(item.payload)[0]
    return number


def read_definitions(item: RingItem) -> ParameterNames:
    """Read definitions of parameters.

    Raises:
        RingItemError: There are fewer than it says, or more than any set-up has, or a name has no
            end.
    """
    number = _count(item)
    if number > MAX_DEFINITIONS:
        reason = f"definitions of {number} parameters; at most {MAX_DEFINITIONS} are possible"
        raise RingItemError(item.offset, reason)
    return ParameterNames(
        tuple(
            (_COUNT.unpack_from(item.payload, at)[0], name)
            for at, name in read_strings(item, _COUNT.size, number, gap=4)
        )
    )


def write_definitions(definitions: ParameterNames) -> RingItem:
    """Write definitions of parameters."""
    payload = _COUNT.pack(len(definitions.names)) + b"".join(
        _COUNT.pack(number) + write_text(name) + b"\0" for number, name in definitions.names
    )
    return RingItem(ItemType.PARAMETER_DEFINITIONS, payload)


def read_variables(item: RingItem) -> Variables:
    """Read values of variables; RingItemError if there are fewer than it says."""
    variables, gap = [], _VALUE.size + UNITS_BYTES
    for at, name in read_strings(item, _COUNT.size, _count(item), gap):
        (value,) = _VALUE.unpack_from(item.payload, at)
        units = item.payload[at + _VALUE.size : at + gap].partition(b"\0")[0]
        variables.append(Variable(name, value, read_text(units)))
    return Variables(tuple(variables))


def write_variables(variables: Variables) -> RingItem:
    """Write values of variables; ValueError if the units of one are too long."""
    payload = _COUNT.pack(len(variables.variables)) + b"".join(
        _VALUE.pack(each.value)
        + write_text(each.units, UNITS_BYTES).ljust(UNITS_BYTES, b"\0")
        + write_text(each.name)
        + b"\0"
        for each in variables.variables
    )
    return RingItem(ItemType.VARIABLE_VALUES, payload)


def read_parameter_data(item: RingItem) -> ParameterData:
    """Read one event; RingItemError if it has fewer values than it says."""
    if len(item.payload) < _EVENT.size:
        reason = f"event with {len(item.payload)} bytes of contents; it should have 12 at least"
        raise RingItemError(item.offset, reason)
    trigger, number = _EVENT.unpack_from(item.payload)
    room = len(item.payload) - _EVENT.size
    if number > room // VALUE_BYTES:
        reason = f"event that says {number} values; it has {room} bytes for them"
        raise RingItemError(item.offset, reason)
    end = _EVENT.size + VALUE_BYTES * number
    return ParameterData(trigger, tuple(_PAIR.iter_unpack(item.payload[_EVENT.size : end])))


def write_parameter_data(event: ParameterData) -> RingItem:
    """Write one event."""
    payload = _EVENT.pack(event.trigger, len(event.values))
    payload += b"".join(_PAIR.pack(number, value) for number, value in event.values)
    return RingItem(ItemType.PARAMETER_DATA, payload)


def write_events(
    triggers: npt.ArrayLike, counts: npt.ArrayLike, ids: npt.ArrayLike, values: npt.ArrayLike
) -> bytes:
    """Write many events as consecutive items.

    Args:
        triggers: Number of each event; shape (events,).
        counts: How many values each one has; shape (events,).
        ids: Id of the parameter of each value, event by event; shape (sum of counts,).
        values: The values; shape of `ids`.
    """
    numbers = np.asarray(counts, np.int64)
    sizes = EVENT_HEAD_BYTES + VALUE_BYTES * numbers
    starts = (np.cumsum(sizes) - sizes) // 4  # all of it are words of 4 bytes
    words = np.empty(int(sizes.sum()) // 4, "<u4")
    words[starts], words[starts + 1], words[starts + 2] = sizes, ItemType.PARAMETER_DATA, 4
    trigger_words = np.asarray(triggers, "<u8").view("<u4").reshape(-1, 2)
    words[starts + 3], words[starts + 4] = trigger_words[:, 0], trigger_words[:, 1]
    words[starts + 5] = numbers
    first = np.cumsum(numbers) - numbers
    at = np.repeat(starts + EVENT_HEAD_BYTES // 4 - 3 * first, numbers)
    at += 3 * np.arange(len(at))
    words[at] = np.asarray(ids, "<u4")
    value_words = np.ascontiguousarray(values, "<f8").view("<u4").reshape(-1, 2)
    words[at + 1], words[at + 2] = value_words[:, 0], value_words[:, 1]
    return words.tobytes()
