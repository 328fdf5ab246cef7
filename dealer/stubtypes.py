"""Signatures and annotations that Players sent, rebuilt as Python text from what is known to be
harmless.

Knows no Player and no module: texts in, texts out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from zmqjsonproxy import syntax

__all__ = ["keywords_of", "read_signature", "union_of"]

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
ARRAYS = frozenset({"list", "tuple", "set", "frozenset", "Sequence", "Iterable"})


def read_signature(text: str, control: Sequence[str]) -> tuple[list[str], str]:
    """Parameters and the type of the answer; what cannot be read takes and answers anything."""
    tree = syntax.read_signature(text)
    if tree is None:
        return ["*args: Any", *control, "**kwargs: Any"], "Any"
    a = tree.args
    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + list(
        a.defaults
    )
    words: list[str] = []
    for n, (argument, default) in enumerate(zip(positional, defaults, strict=True), start=1):
        words.append(_parameter(argument, default))
        if n == len(a.posonlyargs):
            words.append("/")
    if a.vararg is not None or a.kwonlyargs or control:
        words.append("*" if a.vararg is None else f"*{a.vararg.arg}: {_type(a.vararg.annotation)}")
    words += [
        _parameter(argument, default)
        for argument, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)
    ]
    given = {argument.arg for argument in [*positional, *a.kwonlyargs]}
    words += [word for word in control if word.partition(":")[0] not in given]
    if a.kwarg is not None:
        words.append(f"**{a.kwarg.arg}: {_type(a.kwarg.annotation)}")
    return words, _type(tree.returns, answered=True)


def keywords_of(text: str) -> dict[str, str]:
    """Name -> type of what a signature takes by keyword only; empty if it takes any keyword, or
    cannot be read."""
    tree = syntax.read_signature(text)
    if tree is None or tree.args.kwarg is not None:
        return {}
    return {argument.arg: _type(argument.annotation) for argument in tree.args.kwonlyargs}


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = f"{argument.arg}: {_type(argument.annotation)}"
    if default is None:
        return text
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return f"{text} = ..."
    if value is Ellipsis:
        return f"{text} = ..."
    if value is None and not text.endswith(("Any", "object", "None")):
        text += " | None"
    return f"{text} = {value!r}"


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
            if answered and name in ARRAYS:
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
        values = [each.value for each in inner if isinstance(each, ast.Constant)]
        whole = len(values) == len(inner) and all(
            isinstance(v, str | int | bool | None) for v in values
        )
        return f"Literal[{', '.join(map(repr, values))}]" if whole else "Any"
    more = bool(inner) and isinstance(inner[-1], ast.Constant) and inner[-1].value is Ellipsis
    types = [_type(each, answered=answered) for each in (inner[:-1] if more else inner)]
    if not types:  # `tuple[()]` is the one there is
        otherwise = "tuple[()]" if name == "tuple" else COMPLETED.get(name, "Any")
        return "list[Any]" if answered and name in ARRAYS else otherwise
    if name == "Optional" and len(types) == 1:
        return union_of([*types, "None"])
    if name == "Union":
        return union_of(types)
    if answered and name in ARRAYS:
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
