"""The OpenRPC document of exposed objects: what `rpc.discover` answers. Made of what callers are
told."""

from __future__ import annotations

from collections.abc import Iterable

from groundwork.values import JsonObject
from zmqjsonproxy.interface import Interface, Method
from zmqjsonproxy.parameters import NO_DEFAULT, MethodParameter, summary
from zmqjsonproxy.schemas import schema_of

__all__ = ["openrpc_document"]


def openrpc_document(interfaces: Iterable[Interface], *, title: str) -> JsonObject:
    """Describe all methods; annotations become schemas, and travel as text in `x-annotation`
    besides."""
    methods = [
        _method(interface.name, method)
        for interface in interfaces
        for method in interface.methods.values()
    ]
    return {"openrpc": "1.3.2", "info": {"title": title, "version": "1"}, "methods": methods}


def _method(name: str, method: Method) -> JsonObject:
    doc = method.doc or ""
    return {
        "name": f"{name}.{method.name}",
        "summary": summary(doc),
        "description": doc,
        "params": [_param(parameter) for parameter in method.parameters or ()],
        "result": {"name": "result", "schema": schema_of(method.returns)},
        "x-kind": method.kind.value,
        "x-urgent": method.mark.urgent,
    }


def _param(parameter: MethodParameter) -> JsonObject:
    schema = dict(parameter.schema)
    if parameter.default is not NO_DEFAULT:
        schema["default"] = parameter.default
    param = {
        "name": parameter.name,
        "required": parameter.required,
        "schema": schema,
        "x-annotation": parameter.annotation,
    }
    further = {"description": parameter.doc, "x-unit": parameter.unit}
    return param | {key: text for key, text in further.items() if text}
