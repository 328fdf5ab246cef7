"""Properties that a Player publishes of its Bank, whatever its kind: operations, log, subscribers,
load, control, alarms."""

from __future__ import annotations

from groundwork.values import JsonObject
from player.alarms.served import ALARMS
from player.hostload import HostLoad
from player.logpublisher import LogPublisher
from zmqjsonproxy import ZMQJSONProxyServer
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.control.served import ServedControl

__all__ = ["HOST_PROPERTIES", "HostProperties"]

_OPERATIONS, _LOG, _SUBSCRIBERS, _LOAD = "operations", "log", "subscribers", "host_load"
_CONTROL = "control"
HOST_PROPERTIES = frozenset({_OPERATIONS, _LOG, _SUBSCRIBERS, _LOAD, _CONTROL, ALARMS})
"""Names that no kind of Bank declares."""
_SUBSCRIBERS_EVERY_S = 1.0
_LOAD_EVERY_S = 5.0


class HostProperties:
    """Publishes, until it is closed.

    Args:
        table: Properties of the Bank.
        server: Serves it.
        control: Control of the Bank.
    """

    def __init__(
        self, table: PropertyTable, server: ZMQJSONProxyServer, control: ServedControl
    ) -> None:
        self._table = table
        for declared in (
            Declared(
                name=_OPERATIONS,
                kind=PropertyKind.MESSAGE,
                doc="An operation was asked for, has begun, is further or has ended: id, method, "
                "state, fraction, text, ..., as of rpc.operation, without the result.",
            ),
            Declared(
                name=_LOG,
                kind=PropertyKind.MESSAGE,
                doc="A record of the Player's log: level, logger, text, time (UTC, unix seconds).",
            ),
            Declared(
                name=_SUBSCRIBERS,
                doc="Clients that have subscriptions here.",
                annotation="int",
                read=lambda: server.publisher.clients,
                every=_SUBSCRIBERS_EVERY_S,
            ),
            Declared(
                name=_LOAD,
                doc="Load of the Player's host: cores, load, memory, traffic.",
                annotation="dict",
                read=HostLoad().read,
                every=_LOAD_EVERY_S,
            ),
            Declared(
                name=_CONTROL,
                doc="Who has control of the Bank: owner, reason, until, ..., as of control.state.",
                annotation="dict",
            ),
            Declared(
                name=ALARMS,
                doc="Alarms: the worst of those that have something to tell (active, as of "
                "alarms.list), how many there are beside them (left_out) and altogether (declared), "
                "and how many are new (nobody has acknowledged them), raised, unreadable.",
                annotation="dict",
            ),
        ):
            table.declare(declared)
        server.watch_operations(self._tell_operation)
        control.publish_by(lambda told: table.publish(_CONTROL, told))
        self._log = LogPublisher(lambda record: table.publish(_LOG, record))

    def _tell_operation(self, told: JsonObject) -> None:
        self._table.publish(_OPERATIONS, told)

    def close(self) -> None:
        """Publish no more records of the log; may be called twice."""
        self._log.close()
