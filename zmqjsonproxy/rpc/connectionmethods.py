"""Answers to what a client asks about connections, mostly its own: cancel a call, subscribe, who
else does. No sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zmqjsonproxy.caller import KnownCallers
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.controllog import control
from zmqjsonproxy.engine import CallEngine
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.replyencoding import encoded, not_begun

__all__ = ["BEAT", "ConnectionMethods"]

BEAT = "rpc.beat"
"""Asks whether the server is there."""
_WISHES_NOTED = 10


class ConnectionMethods:
    """Methods of the native dialect that belong to a connection, by their names.

    Args:
        engine: Cancels calls.
        publisher: Subscribes; None: nothing is published.
        callers: Know the names of clients.
    """

    def __init__(
        self, engine: CallEngine[bytes], publisher: Publisher | None, callers: KnownCallers
    ) -> None:
        self._engine, self._callers = engine, callers
        self._methods: dict[str, Callable[[Request, bytes], bytes]] = {jsonrpc.CANCEL: self._cancel}
        if publisher is not None:
            self._publisher = publisher
            self._methods |= {
                "rpc.subscribe": self._subscribe,
                "rpc.unsubscribe": self._unsubscribe,
                BEAT: self._beat,
                "rpc.channels": self._channels,
            }

    def answer(self, request: Request, client: bytes) -> bytes | None:
        """Answer a native request; None: it is for none of these methods."""
        method = self._methods.get(request.target)
        return None if method is None else method(request, client)

    def _cancel(self, request: Request, client: bytes) -> bytes:
        known = (
            {"id": request.args[0]}
            if len(request.args) == 1 and not request.kwargs
            else request.kwargs
        )
        only_waiting, others = known.get("only_waiting", False), known.keys() - {"only_waiting"}
        is_id = not request.args[1:] and others == {"id"} and type(known["id"]) in (int, str, float)
        if is_id and type(only_waiting) is bool:
            told = self._engine.cancel(client, known["id"], only_waiting)
            return jsonrpc.reply(request.id, told)
        text = "`id` is the number or text of a call that was made over the same connection"
        return _misuse(request, text)

    def _subscribe(self, request: Request, client: bytes) -> bytes:
        wishes = _list_of(request)
        if wishes is None:
            return _misuse(request, "one list of subscriptions, [object, pattern, limits] each")
        extra = request.extra or {}
        arrays = extra.get("arrays")
        arrays = arrays if isinstance(arrays, bool) else None
        name = self._callers.find(client, extra.get("client"), native=True).name
        packs = extra.get("packed") == "frames"
        told = self._publisher.subscribe(client, arrays, wishes, name, packs)
        control.note("%s subscribes to %s", told["name"], wishes[:_WISHES_NOTED])
        return encoded(request, told)

    def _unsubscribe(self, request: Request, client: bytes) -> bytes:
        wishes = _list_of(request)
        if wishes is None:
            return _misuse(request, "one list of subscriptions, [object, pattern, limits] each")
        name = self._callers.find(client, None, native=True).name
        control.note("%s unsubscribes from %s", name, wishes[:_WISHES_NOTED])
        return encoded(request, self._publisher.unsubscribe(client, wishes))

    def _beat(self, request: Request, client: bytes) -> bytes:
        return encoded(request, self._publisher.beat(client))

    def _channels(self, request: Request, _client: bytes) -> bytes:
        return encoded(request, self._publisher.describe())


def _list_of(request: Request) -> list[Any] | None:
    is_list = len(request.args) == 1 and not request.kwargs and isinstance(request.args[0], list)
    return request.args[0] if is_list else None


def _misuse(request: Request, text: str) -> bytes:
    described = f"{request.target}: {text}"
    return not_begun(request, Code.BAD_PARAMETERS, "BadParametersError", described)[0]
