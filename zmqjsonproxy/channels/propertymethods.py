"""Methods of every object that has properties: list, get and set them."""

from __future__ import annotations

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.controllog import control
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command, query

__all__ = ["PropertyMethods"]


class PropertyMethods:
    """The methods, for one object.

    Args:
        table: Its properties.
    """

    def __init__(self, table: PropertyTable) -> None:
        self._table = table

    @query
    def list_properties(self) -> list[JsonObject]:
        """Return what is published here, by name: kind, unit, documentation, type, whether it is
        writable, number and time (UTC, unix seconds) of the last update; `problem`, why a computed
        one cannot be read now."""
        return self._table.describe()

    @query
    def get_properties(self, *names: str) -> JsonObject:
        """Return present values, name -> value; None for one that has none yet.

        Args:
            *names: Of properties: RuntimeError names those that cannot be read. None: all results
                that can be read; `cannot_be_read` then tells of the others, if there are any, name
                -> `reason`, and the last `value` with its `age`, s, if it was ever read.
        """
        return self._table.get(names) if names else self._table.get_all()

    @command
    def set_properties(self, /, **values: JsonValue) -> JsonObject:
        """Set writable properties, all or none.

        Args:
            **values: New values; a name that is no word in Python is given as `**{"a.b": 1}`.

        Returns:
            The values that hold now, name -> value, which may be others than were asked for.
        """
        try:
            held = self._table.set(values)
        except RefusedError as error:
            control.note("%s may not set %s: %s", current_caller(), values, error)
            raise
        control.note("%s sets %s", current_caller(), held)
        return held
