"""Descriptions of methods, as clients get them, out of a definition as Python writes it."""

from __future__ import annotations

from typing import Any

from zmqjsonproxy import InterfaceDescription, MethodDescription
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.rpc.protocol.description import read_description


def described(name: str, doc: str | None, definition: str) -> MethodDescription:
    """Return what is told of `def name(self, ...) -> ...`, as `(x: float, *, n: int = 2) -> int`
    defines it."""
    rest = definition.removeprefix("(")
    source = f"from __future__ import annotations\ndef {name}(self{'' if rest[0] == ')' else ', '}{rest}: ...\n"
    found: dict[str, Any] = {}
    exec(source, found)
    found[name].__doc__ = doc
    interface = Interface.of("bank", type("Bank", (), {name: found[name]})())
    told = {"methods": [method.describe() for method in interface.methods.values()]}
    description = read_description(told, url="tcp://h:1", generation=1)
    assert isinstance(description, InterfaceDescription)
    return description.methods[name]
