"""Annotations, which travel as text, as syntax trees. Nothing of them is ever run."""

from __future__ import annotations

import ast
import threading

__all__ = ["read_annotation"]

_PARSING = threading.Lock()
"""Python 3.11 raises SystemError now and then where two threads make syntax trees at the same
time."""
_DEEPEST = 100
"""Levels of a tree; whoever walks through a deeper one, as others may send it, runs into Python's
limit."""


def read_annotation(text: str) -> ast.expr | None:
    """Return the expression of an annotation, as `float | None`; None: it is none."""
    tree = _read(text.strip(), "eval")
    return tree.body if isinstance(tree, ast.Expression) else None


def _read(text: str, mode: str) -> ast.AST | None:
    try:
        with _PARSING:
            tree = ast.parse(text, mode=mode)
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
            return tree
    return None
