"""What every server answers of itself, as `rpc.*` and in the native dialect only."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from typing import Any

from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import Interface, query
from zmqjsonproxy.protocol.operations import OperationRecord, OperationTable
from zmqjsonproxy.rpc.lanes import Lane
from zmqjsonproxy.rpc.openrpc import openrpc_document

__all__ = ["OwnMethods"]


class OwnMethods:
    """Identity, operations and description of one server, whose tables it reads.

    Args:
        instance: Identity of the server.
        title: Name in the OpenRPC document.
        interfaces: What is exposed.
        lanes: Where operations run.
        operations: Their records.
    """

    def __init__(
        self,
        instance: str,
        title: str,
        interfaces: Mapping[str, Interface],
        lanes: Mapping[str, Lane],
        operations: OperationTable,
    ) -> None:
        self._instance, self._title = instance, title
        self._interfaces, self._lanes, self._operations = interfaces, lanes, operations

    @query
    def ping(self) -> dict[str, Any]:
        """Return the server's identity and its clock (UTC, unix seconds)."""
        return {"instance": self._instance, "time": time.time(), "host": platform.node(), "pid": os.getpid()}

    @query
    def operation(self, id: str) -> dict[str, Any]:
        """Return state, progress and outcome of an operation."""
        return self._record(id).describe()

    @query
    def abort(self, id: str, reason: str = "aborted by a client") -> dict[str, Any]:
        """Ask an operation to end; its state."""
        record = self._record(id)
        for lane in list(self._lanes.values()):
            lane.abort_operation(id, reason)
        return record.describe()

    @query
    def discover(self) -> dict[str, Any]:
        """Return the OpenRPC document of all exposed objects."""
        return openrpc_document(self._interfaces.values(), title=self._title)

    def _record(self, identity: str) -> OperationRecord:
        record = self._operations.get(identity) if isinstance(identity, str) else None
        if record is None:
            raise RefusedError(f"no operation {identity!r} is known here (any more)")
        return record
