"""JSON Schema of annotations, which are read as text and never run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from zmqjsonproxy.syntax import ARRAYS, literal_values, read_annotation

__all__ = ["schema_of"]

Schema = dict[str, Any]

SIMPLE = {"None": "null", "bool": "boolean", "float": "number", "int": "integer", "str": "string"}
OBJECTS = frozenset({"Mapping", "dict"})


def schema_of(annotation: str | ast.expr | None) -> Schema:
    """Return the schema of an annotation; {}, anything, for what JSON Schema or this module has no
    word for.

    Args:
        annotation: As Python writes it: built-in types, `list[...]` and its like, Literal,
            Optional, unions.
    """
    match annotation:
        case str(text) | ast.Constant(value=str(text)):
            return schema_of(read_annotation(text))
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _any_of([schema_of(left), schema_of(right)])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _plain(name)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
        case _:
            return {}


def _plain(name: str) -> Schema:
    if name in SIMPLE:
        return {"type": SIMPLE[name]}
    return {"type": "array"} if name in ARRAYS else {"type": "object"} if name in OBJECTS else {}


def _subscript(name: str, inner: Sequence[ast.expr]) -> Schema:
    if not inner:  # `tuple[()]` is the one there is
        return {"type": "array", "maxItems": 0} if name == "tuple" else _plain(name)
    if name == "Literal":
        return {"enum": values} if (values := literal_values(inner)) else {}
    if name == "Annotated":
        return schema_of(inner[0])
    if name == "Optional":
        return _any_of([*map(schema_of, inner), {"type": "null"}])
    if name == "Union":
        return _any_of([schema_of(each) for each in inner])
    if name in OBJECTS:
        values_are = schema_of(inner[1]) if len(inner) == 2 else {}
        return {"type": "object"} | ({"additionalProperties": values_are} if values_are else {})
    if name == "tuple" and not (
        isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis
    ):
        return {
            "type": "array",
            "items": [*map(schema_of, inner)],
            "minItems": len(inner),
            "maxItems": len(inner),
        }
    if name in ARRAYS:
        items = schema_of(inner[0])
        return {"type": "array"} | ({"items": items} if items else {})
    return {}


def _any_of(schemas: Sequence[Schema]) -> Schema:
    """Return the schema of what fits one of them; several types without more to say are written as
    a list of types."""
    members: list[Schema] = []
    for schema in schemas:
        if not schema:
            return {}
        several = schema.get("type")
        parts = (
            [{"type": each} for each in several]
            if isinstance(several, list)
            else schema.get("anyOf", [schema])
        )
        members += [part for part in parts if part not in members]
    if len(members) == 1:
        return members[0]
    if all(member.keys() == {"type"} for member in members):
        return {"type": [member["type"] for member in members]}
    return {"anyOf": members}
