"""Annotations, which travel as text, as syntax trees. Nothing of them is ever run."""

from __future__ import annotations

import ast
import threading
from collections.abc import Sequence

__all__ = ["ARRAYS", "literal_values", "read_annotation"]

ARRAYS = frozenset({"Iterable", "Sequence", "frozenset", "list", "set", "tuple"})
"""Names of types that travel as arrays of JSON."""

_PARSING = threading.Lock()
"""Python 3.11 raises SystemError now and then where two threads make syntax trees at the same
time."""
_DEEPEST = 100
"""Levels of a tree; whoever walks through a deeper one, as others may send it, runs into Python's
limit."""


def read_annotation(text: str) -> ast.expr | None:
    """Return the expression of an annotation, as `float | None`; None: it is none."""
    try:
        with _PARSING:
            tree = ast.parse(text.strip(), mode="eval")
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ):  # MemoryError: nested too deep for the parser
        return None
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree.body
    return None


def literal_values(inner: Sequence[ast.expr]) -> list[object]:
    """Return the values of a Literal; none if it has what is none in JSON."""
    values: list[object] = [each.value for each in inner if isinstance(each, ast.Constant)]
    is_whole = len(values) == len(inner) and all(
        isinstance(value, str | int | bool | None) for value in values
    )
    return values if is_whole else []
