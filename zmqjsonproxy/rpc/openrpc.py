"""The OpenRPC document of exposed objects: what `rpc.discover` answers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from zmqjsonproxy.interface import Interface, Method

__all__ = ["openrpc_document"]


def openrpc_document(interfaces: Iterable[Interface], *, title: str) -> dict[str, Any]:
    """Describe all methods; annotations travel as text in `x-annotation`, without a schema of their own."""
    methods = [_method(interface.name, method) for interface in interfaces for method in interface.methods.values()]
    return {"openrpc": "1.3.2", "info": {"title": title, "version": "1"}, "methods": methods}


def _method(name: str, method: Method) -> dict[str, Any]:
    doc = method.doc or ""
    return {
        "name": f"{name}.{method.name}",
        "summary": doc.partition("\n")[0],
        "description": doc,
        "params": _params(method),
        "result": {"name": "result", "schema": {}},
        "x-kind": method.kind.value,
        "x-urgent": method.mark.urgent,
    }


def _params(method: Method) -> list[dict[str, Any]]:
    try:
        parameters = inspect.signature(method.function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        {
            "name": p.name,
            "required": p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD),
            "schema": {},
            "x-annotation": "" if p.annotation is p.empty else str(p.annotation),
        }
        for p in parameters
    ]
