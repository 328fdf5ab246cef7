"""Built-in methods: answers of every server about itself, as `rpc.*` and in the native dialect only."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from groundwork.values import JsonObject
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.engine.commandqueues import CommandQueues
from zmqjsonproxy.engine.openrpc import openrpc_document
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import Interface, command, query
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState, OperationTable
from zmqjsonproxy.rights import Role

__all__ = ["BuiltinMethods"]


class BuiltinMethods:
    """Identity, operations and description of one server, whose tables it reads.

    Args:
        title: Name in the OpenRPC document.
        interfaces: What is exposed.
        queues: Where operations run.
        operations: Their records; knows the identity of the server.
        endpoints: Further ways in to what is served, name -> URL.
        outcome: Tells what became of a call, by the name of its client's key and its identity; see
            `CallTable.tell`.
    """

    def __init__(
        self,
        title: str,
        interfaces: Mapping[str, Interface],
        queues: CommandQueues,
        operations: OperationTable,
        endpoints: Mapping[str, str] = MappingProxyType({}),
        outcome: Callable[[str, str], JsonObject | None] = lambda _key, _call_id: None,
    ) -> None:
        self._title, self._endpoints, self._outcome = title, endpoints, outcome
        self._interfaces, self._queues, self._operations = interfaces, queues, operations
        self._document: tuple[object, JsonObject] | None = (
            None  # takes 10 ms; of what it was made, and it
        )

    @query
    def ping(self) -> JsonObject:
        """Return the server's identity and name, its clock (UTC, unix seconds), and its endpoints
        besides that for calls, name -> URL, if there are any."""
        told: JsonObject = {
            "instance": self._operations.instance,
            "name": self._title,
            "time": time.time(),
            "host": platform.node(),
            "pid": os.getpid(),
        }
        return told | {"endpoints": dict(self._endpoints)} if self._endpoints else told

    @query
    def operation(self, id: str) -> JsonObject:
        """Return state, progress and outcome of an operation; one of a server that ended is
        "lost"."""
        record, now = self._record(id), time.time()
        return _lost(id) if record is None else record.describe(now)

    @query
    def operations(self, active: bool = False, limit: int = 100) -> list[JsonObject]:
        """Return the last operations that are remembered, the newest at the end, without their
        results.

        Args:
            active: Only those that have not ended.
            limit: How many at most.
        """
        now = time.time()
        records = self._operations.records(
            now, lambda record: not (active and record.state.is_final)
        )
        return [record.describe(now, with_value=False) for record in records[-max(int(limit), 1) :]]

    @command(urgent=True, aborts=False)
    def abort(self, id: str, reason: str = "aborted by a client") -> JsonObject:
        """Ask an operation to end; its state."""
        record = self._record(id)
        if record is None:
            return _lost(id)
        for queue in self._queues.values():
            queue.abort_operations(str(reason), record.id, by=str(current_caller()))
        return record.describe(time.time())

    @command(urgent=True, aborts=False, needs_control=False, is_read_only=True, role=Role.OBSERVE)
    def outcome(self, call_id: str) -> JsonObject:
        """Return what became of a command by the identity of its call, one of the asking client:
        `state` (running, done, failed, unknown), and `value`, `error` or `text`.

        Unknown is one that never came here, that was carried out too long ago, or by a former run
        of this server.
        """
        told = self._outcome(current_caller().key, str(call_id))
        if not told:
            text = f"no call {call_id!r} of this client is known to this run of the server"
            return {"state": "unknown", "text": text}
        if not isinstance(identity := told.get("operation"), str):
            return told
        record = self._operations.get(identity, time.time())
        if record is None:
            return {"state": "unknown", "text": f"operation {identity} is not known any more"}
        described = record.describe(time.time())
        if not record.state.is_final:
            return {"state": "running", "operation": identity}
        if record.state is OperationState.DONE:
            return {"state": "done", "value": described.get("value"), "operation": identity}
        return {"state": "failed", "error": described.get("error"), "operation": identity}

    @query
    def discover(self) -> JsonObject:
        """Return the OpenRPC document of all exposed objects."""
        interfaces = tuple(self._interfaces.values())
        described = [(interface.name, interface.fingerprint) for interface in interfaces]
        if self._document is None or self._document[0] != described:
            self._document = described, openrpc_document(interfaces, title=self._title)
        return self._document[1]

    def _record(self, identity: object) -> OperationRecord | None:
        """Return what is known of an operation; None if a server that ran here before may have
        known it."""
        record = self._operations.get(identity, time.time()) if isinstance(identity, str) else None
        if record is None and not (
            isinstance(identity, str) and self._operations.is_of_another_run(identity)
        ):
            raise RefusedError(
                f"no operation {identity!r} is known here; rpc.operations lists those that are"
            )
        return record


def _lost(identity: str) -> JsonObject:
    text = f"operation {identity} was begun at another run of this server; what became of it is not known"
    error = {
        "code": int(Code.APPLICATION),
        "message": text,
        "data": {"type": "OperationLostError", "text": text},
    }
    return {"id": identity, "state": OperationState.LOST.value, "error": error}
