"""The OpenRPC document of exposed objects: what `rpc.discover` answers. Made of what callers are
told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any

from zmqjsonproxy.interface import Interface, Method
from zmqjsonproxy.rpc.protocol.description import summary
from zmqjsonproxy.rpc.schemas import schema_of
from zmqjsonproxy.syntax import read_signature

__all__ = ["openrpc_document"]

ENTRY = re.compile(r"(\s*)\*{0,2}(\w+): (.*)")


def openrpc_document(interfaces: Iterable[Interface], *, title: str) -> dict[str, Any]:
    """Describe all methods; annotations become schemas, and travel as text in `x-annotation`
    besides."""
    methods = [
        _method(interface.name, method)
        for interface in interfaces
        for method in interface.methods.values()
    ]
    return {"openrpc": "1.3.2", "info": {"title": title, "version": "1"}, "methods": methods}


def _method(name: str, method: Method) -> dict[str, Any]:
    doc = method.doc or ""
    function = read_signature(method.signature)
    return {
        "name": f"{name}.{method.name}",
        "summary": summary(doc),
        "description": doc,
        # None: the default of a parameter is no Python as text
        "params": [] if function is None else _params(function.args, _described(doc)),
        "result": {
            "name": "result",
            "schema": schema_of(None if function is None else function.returns),
        },
        "x-kind": method.kind.value,
        "x-urgent": method.mark.urgent,
    }


def _params(arguments: ast.arguments, described: dict[str, str]) -> list[dict[str, Any]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    found = [_param(a, described, required=n < first_default) for n, a in enumerate(positional)]
    if arguments.vararg is not None:
        found.append(_param(arguments.vararg, described))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(_param(argument, described, required=default is None))
    if arguments.kwarg is not None:
        found.append(_param(arguments.kwarg, described))
    return found


def _param(
    argument: ast.arg, described: dict[str, str], *, required: bool = False
) -> dict[str, Any]:
    annotation = argument.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        text = annotation.value
    else:
        text = "" if annotation is None else ast.unparse(annotation)
    param = {
        "name": argument.arg,
        "required": required,
        "schema": schema_of(annotation),
        "x-annotation": text,
    }
    return param | ({"description": described[argument.arg]} if argument.arg in described else {})


def _described(doc: str) -> dict[str, str]:
    """What the sections "Args:" and "Keywords:" of a docstring say of each parameter."""
    found: dict[str, str] = {}
    inside, margin, name = False, -1, ""
    for line in doc.splitlines():
        if line and not line[0].isspace():
            inside, margin, name = line.strip() in ("Args:", "Keywords:"), -1, ""
        elif inside and (entry := ENTRY.fullmatch(line)) and margin in (-1, len(entry[1])):
            margin, name = len(entry[1]), entry[2]
            found[name] = entry[3].strip()
        elif inside and name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
