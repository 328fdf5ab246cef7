"""Parameters and annotations that Players sent, rebuilt as Python text from what is known to be
harmless.

Knows no Player and no module: texts in, texts out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from zmqjsonproxy import MethodDescription, syntax
from zmqjsonproxy.parameters import NO_DEFAULT, MethodParameter, Passing

__all__ = ["keywords_of", "parameters_of", "union_of"]

PLAIN = frozenset({"Any", "None", "bool", "bytes", "float", "int", "object", "str"})
COMPLETED = {
    "dict": "dict[str, Any]",
    "Mapping": "Mapping[str, Any]",
    "list": "list[Any]",
    "Sequence": "Sequence[Any]",
    "Iterable": "Iterable[Any]",
    "tuple": "tuple[Any, ...]",
    "set": "set[Any]",
}


def parameters_of(method: MethodDescription, control: Sequence[str]) -> tuple[list[str], str]:
    """Parameters and the type of the answer; what is not known takes and answers anything."""
    if method.parameters is None:
        return ["*args: Any", *control, "**kwargs: Any"], "Any"
    by = {passing: [p for p in method.parameters if p.passing is passing] for passing in Passing}
    words = [_parameter(p) for p in by[Passing.POSITION]]
    words += ["/"] if words else []
    words += [_parameter(p) for p in by[Passing.EITHER]]
    words += [f"*{p.name}: {_type_of(p.annotation)}" for p in by[Passing.POSITIONS]]
    if (by[Passing.KEYWORD] or control) and not by[Passing.POSITIONS]:
        words.append("*")
    words += [_parameter(p) for p in by[Passing.KEYWORD]]
    given = {p.name for p in method.parameters}
    words += [word for word in control if word.partition(":")[0] not in given]
    words += [f"**{p.name}: {_type_of(p.annotation)}" for p in by[Passing.KEYWORDS]]
    return words, _type_of(method.returns, answered=True)


def keywords_of(method: MethodDescription) -> dict[str, str]:
    """Name -> type of what a method takes by keyword only; empty if it takes any keyword, or is not
    known."""
    parameters = method.parameters or ()
    if any(p.passing is Passing.KEYWORDS for p in parameters):
        return {}
    return {p.name: _type_of(p.annotation) for p in parameters if p.passing is Passing.KEYWORD}


def _parameter(p: MethodParameter) -> str:
    text = f"{p.name}: {_type_of(p.annotation)}"
    if p.required:
        return text
    if p.default is NO_DEFAULT or not isinstance(p.default, str | int | float | bool | None):
        return f"{text} = ..."
    if p.default is None and not text.endswith(("Any", "object", "None")):
        text += " | None"
    return f"{text} = {p.default!r}"


def _type_of(annotation: str, *, answered: bool = False) -> str:
    return _type(syntax.read_annotation(annotation), answered=answered) if annotation else "Any"


def _type(annotation: ast.expr | None, *, answered: bool = False) -> str:
    """An annotation in names that the module knows; Any for what is not known there.

    Args:
        annotation: As the Player sent it; text in it is read as an annotation.
        answered: Of an answer: arrays of JSON arrive as lists.
    """
    match annotation:
        case ast.Constant(value=None):
            return "None"
        case ast.Constant(value=str() as text):
            return _type(syntax.read_annotation(text), answered=answered)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return union_of([_type(left, answered=answered), _type(right, answered=answered)])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if answered and name in syntax.ARRAYS:
                return "list[Any]"
            return name if name in PLAIN else COMPLETED.get(name, "Any")
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscript(
                name, inner.elts if isinstance(inner, ast.Tuple) else [inner], answered=answered
            )
        case _:
            return "Any"


def _subscript(name: str, inner: Sequence[ast.expr], *, answered: bool) -> str:
    if name == "Literal":
        values = syntax.literal_values(inner)
        return f"Literal[{', '.join(map(repr, values))}]" if values else "Any"
    more = bool(inner) and isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis
    types = [_type(each, answered=answered) for each in (inner[:-1] if more else inner)]
    if not types:  # `tuple[()]` is the one there is
        otherwise = "tuple[()]" if name == "tuple" else COMPLETED.get(name, "Any")
        return "list[Any]" if answered and name in syntax.ARRAYS else otherwise
    if name == "Optional" and len(types) == 1:
        return union_of([*types, "None"])
    if name == "Union":
        return union_of(types)
    if answered and name in syntax.ARRAYS:
        same = set(types)
        return f"list[{same.pop() if len(same) == 1 else 'Any'}]"
    if name == "tuple":
        return f"tuple[{', '.join([*types, '...'] if more else types)}]"
    if name in ("dict", "Mapping") and len(types) == 2:
        return f"{name}[{types[0]}, {types[1]}]"
    if name in ("list", "set", "Sequence", "Iterable") and len(types) == 1:
        return f"{name}[{types[0]}]"
    return COMPLETED.get(name, "Any")


def union_of(types: Sequence[str]) -> str:
    """Anything may be Any; otherwise each of them once."""
    members = list(dict.fromkeys(member for text in types for member in text.split(" | ")))
    if any(
        "[" in text and " | " in text for text in types
    ):  # split inside brackets: keep them whole
        members = list(dict.fromkeys(types))
    return "Any" if "Any" in members else " | ".join(members)
