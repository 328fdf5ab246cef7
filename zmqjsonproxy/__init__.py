"""Objects over ZeroMQ: expose an object's methods, call them from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names
from zmqjsonproxy.errors import (
    AccessError,
    AlreadyDoneError,
    BadParametersError,
    BusyError,
    CallTimeoutError,
    DeadlineError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    NotInControlError,
    OperationAbortedError,
    OperationLostError,
    OutcomeUnknownError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RefusedError,
    RemoteError,
    TooLargeError,
    ZMQJSONProxyException,
)

if TYPE_CHECKING:
    from zmqjsonproxy.aio import AsyncHub, AsyncProxyClient
    from zmqjsonproxy.caller import Caller, current_caller
    from zmqjsonproxy.client import ZMQJSONProxyClient
    from zmqjsonproxy.hubs import Hub
    from zmqjsonproxy.interface import Keyword, command, current_operation, operation, query
    from zmqjsonproxy.operations import AsyncOperation, Operation
    from zmqjsonproxy.rights import Role
    from zmqjsonproxy.rpc.callresults import CallRequest, CallResult
    from zmqjsonproxy.rpc.hub import ThreadHub
    from zmqjsonproxy.rpc.protocol.description import InterfaceDescription, MethodDescription
    from zmqjsonproxy.rpc.server import ServerSettings, ZMQJSONProxyServer

# A client does not pay for what only a server needs.
_LATE = {
    "AsyncHub": "zmqjsonproxy.aio",
    "AsyncOperation": "zmqjsonproxy.operations",
    "AsyncProxyClient": "zmqjsonproxy.aio",
    "CallRequest": "zmqjsonproxy.rpc.callresults",
    "CallResult": "zmqjsonproxy.rpc.callresults",
    "Caller": "zmqjsonproxy.caller",
    "Hub": "zmqjsonproxy.hubs",
    "InterfaceDescription": "zmqjsonproxy.rpc.protocol.description",
    "Keyword": "zmqjsonproxy.interface",
    "MethodDescription": "zmqjsonproxy.rpc.protocol.description",
    "Operation": "zmqjsonproxy.operations",
    "Role": "zmqjsonproxy.rights",
    "ServerSettings": "zmqjsonproxy.rpc.server",
    "ThreadHub": "zmqjsonproxy.rpc.hub",
    "ZMQJSONProxyClient": "zmqjsonproxy.client",
    "ZMQJSONProxyServer": "zmqjsonproxy.rpc.server",
    "command": "zmqjsonproxy.interface",
    "current_caller": "zmqjsonproxy.caller",
    "current_operation": "zmqjsonproxy.interface",
    "operation": "zmqjsonproxy.interface",
    "query": "zmqjsonproxy.interface",
}

__all__ = [
    "AccessError",
    "AlreadyDoneError",
    "AsyncHub",
    "AsyncOperation",
    "AsyncProxyClient",
    "BadParametersError",
    "BusyError",
    "CallRequest",
    "CallResult",
    "CallTimeoutError",
    "Caller",
    "DeadlineError",
    "Hub",
    "InterfaceDescription",
    "Keyword",
    "MethodDescription",
    "NoSuchInterfaceError",
    "NoSuchMethodError",
    "NotInControlError",
    "Operation",
    "OperationAbortedError",
    "OperationLostError",
    "OutcomeUnknownError",
    "PeerLostError",
    "ProtocolError",
    "ProxyError",
    "RefusedError",
    "RemoteError",
    "Role",
    "ServerSettings",
    "ThreadHub",
    "TooLargeError",
    "ZMQJSONProxyClient",
    "ZMQJSONProxyException",
    "ZMQJSONProxyServer",
    "command",
    "current_caller",
    "current_operation",
    "operation",
    "query",
]

__getattr__ = lazy_names(__name__, _LATE)
