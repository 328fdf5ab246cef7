"""Description of a server's objects, out of its answer to a hello. No sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zmqjsonproxy.errors import NoSuchInterfaceError, ProtocolError, ProxyError
from zmqjsonproxy.parameters import MethodParameter, Passing, read_parameters, signature_text
from zmqjsonproxy.rpc.protocol import jsonrpc

__all__ = [
    "DESCRIPTION_VERSION",
    "InterfaceDescription",
    "MethodDescription",
    "interface_changes",
    "read_description",
]


DESCRIPTION_VERSION = 2
"""Of the form of the answer to a hello: since 2 it has parameters one by one."""


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """Description of one method; old servers know name and doc only.

    Attributes:
        name: As callers write it.
        doc: Its documentation.
        kind: Query, command or operation.
        parameters: What it takes; None: not known, anything may be given.
        returns: The type of its result, as Python writes it; empty: not known.
    """

    name: str
    doc: str | None = None
    kind: str = "command"
    parameters: tuple[MethodParameter, ...] | None = None
    returns: str = ""

    @property
    def signature(self) -> str:
        """Its parameters and the type of its result, for people."""
        return signature_text(self.parameters, self.returns)

    @property
    def keywords(self) -> list[str]:
        """Names of what it takes by keyword only."""
        return [p.name for p in self.parameters or () if p.passing is Passing.KEYWORD]

    def takes(self, name: str) -> bool:
        """Tell whether it is known to have a parameter."""
        return any(parameter.name == name for parameter in self.parameters or ())


@dataclass(frozen=True, slots=True)
class InterfaceDescription:
    """Description of one object by its server.

    Attributes:
        native: The server speaks JSON-RPC; False: one of the original's generation.
        methods: Method name -> description.
        instance: Identity of the server process; empty for old servers.
        fingerprint: Changes with the interface; empty for old servers.
        objects: Names of all exposed objects; empty for old servers.
        generation: Connections made to this address so far.
    """

    native: bool
    methods: Mapping[str, MethodDescription]
    instance: str = ""
    fingerprint: str = ""
    objects: tuple[str, ...] = ()
    generation: int = 0


def read_description(
    message: Any, *, url: str, generation: int
) -> InterfaceDescription | ProxyError:
    """Read the decoded answer to a hello, in either dialect.

    Args:
        message: The answer.
        url: Who gave it.
        generation: To be noted in the description.
    """
    if isinstance(message, list):
        if len(message) == 2 and message[0] == "Interface error":
            return NoSuchInterfaceError("KeyError", f"no such interface: {message[1]}", peer=url)
        methods = {
            str(m[0]): MethodDescription(str(m[0]), m[1])
            for m in message
            if isinstance(m, list) and len(m) == 2
        }
        return InterfaceDescription(False, methods, generation=generation)
    if isinstance(message, dict) and "error" in message:
        return jsonrpc.error_from(message["error"], peer=url)
    if isinstance(message, dict) and isinstance(message.get("methods"), list):
        described = (
            MethodDescription(
                str(m["name"]),
                m.get("doc"),
                str(m.get("kind", "")),
                read_parameters(m.get("parameters")),
                _annotation_of(m.get("returns")),
            )
            for m in message["methods"]
            if isinstance(m, dict) and "name" in m
        )
        objects = message.get("objects")
        return InterfaceDescription(
            True,
            {m.name: m for m in described},
            str(message.get("instance", "")),
            str(message.get("fingerprint", "")),
            tuple(map(str, objects)) if isinstance(objects, list) else (),
            generation,
        )
    return ProtocolError(f"{url}: the answer to list_methods is none: {str(message)[:200]}")


def _annotation_of(returns: Any) -> str:
    found = returns.get("annotation") if isinstance(returns, dict) else None
    return found if isinstance(found, str) else ""


def interface_changes(before: InterfaceDescription, after: InterfaceDescription) -> str:
    """Return in words what callers of the methods have to know; empty: nothing.

    Documentation may differ, and what one generation of servers does not tell of its methods is not
    held against it.
    """
    old, new = before.methods, after.methods
    told = before.native and after.native
    other = [
        name
        for name in new
        if told and name in old and new[name].parameters != old[name].parameters
    ]
    found = {
        "new": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "other arguments": other,
    }
    return "; ".join(
        f"{words}: {', '.join(sorted(names))}" for words, names in found.items() if names
    )
