"""Introspection: what a server answers to the question what it offers, and to calls of what it has not.
No sockets, no threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwork.errors import did_you_mean
from groundwork.values import JsonObject
from zmqjsonproxy import ndarray, wirejson
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.description import DESCRIPTION_VERSION
from zmqjsonproxy.rpc.protocol.dialect import Request
from zmqjsonproxy.rpc.protocol.jsonrpc import Code

__all__ = ["answer_unknown", "refuse_hello"]

_SHOWN = 200
"""Characters of a name that nobody has."""


def answer_unknown(
    request: Request, interfaces: Mapping[str, Interface], instance: str, most: int
) -> bytes | None:
    """Encode the reply to a request for none of the methods that are there; None: a notification,
    without one.

    Args:
        request: The request; in the original's dialect also its question for the methods of an
            object.
        interfaces: Object name -> what it exports.
        instance: Which process of the server this is.
        most: Largest request that it reads, bytes.
    """
    if not request.native:
        if request.method == original.LIST_METHODS:
            return _list_methods(request, interfaces, instance, most)
        known_name = isinstance(request.name, str) and request.name in interfaces
        return original.failure("KeyError", repr(request.method if known_name else request.name))
    if request.notification:
        return None
    name, _, key = request.target.rpartition(".")
    if name not in interfaces:
        return jsonrpc.failure(request.id, _no_interface(name, interfaces))
    known = ", ".join(interfaces[name].methods) or "none"
    text = f"{name} has no method {key[:_SHOWN]}; it has: {known}{did_you_mean(key, interfaces[name].methods)}"
    return jsonrpc.failure(
        request.id, jsonrpc.error_object(Code.NO_SUCH_METHOD, "NoSuchMethodError", text)
    )


def _no_interface(name: str, interfaces: Mapping[str, Interface]) -> dict[str, Any]:
    text = f"no interface {name[:_SHOWN]!r} here; there are: {', '.join(interfaces) or 'none'}"
    return jsonrpc.error_object(Code.NO_SUCH_METHOD, "NoSuchInterfaceError", text)


def _list_methods(
    request: Request, interfaces: Mapping[str, Interface], instance: str, most: int
) -> bytes:
    interface = interfaces.get(request.name) if isinstance(request.name, str) else None
    if request.extra is None:  # a client of the original
        if interface is None:
            return original.interface_error(str(request.name))
        return original.reply(interface.list_methods())
    if interface is None:
        return refuse_hello(_no_interface(str(request.name), interfaces), instance, most)
    about = _about(instance, most)
    return wirejson.dumps(
        about
        | {
            "fingerprint": interface.fingerprint,
            "name": interface.name,
            "objects": list(interfaces),
            "methods": [method.describe() for method in interface.methods.values()],
        }
    )


def refuse_hello(error: JsonObject, instance: str, most: int) -> bytes:
    """Encode the reply to the hello of one of our callers that tells who answers, and an error."""
    about = _about(instance, most)
    return wirejson.dumps(about | {"jsonrpc": "2.0", "id": None, "error": error})


def _about(instance: str, most: int) -> JsonObject:
    return {
        "dealer": 1,
        "version": DESCRIPTION_VERSION,
        "server": "dealer-player",
        "instance": instance,
        "arrays": ndarray.is_available(),
        "max_message_bytes": most,
        "once": True,
    }
