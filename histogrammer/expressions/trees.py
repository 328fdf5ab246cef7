"""Trees of expressions, and the operators and functions that there are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "BINARY",
    "FUNCTIONS",
    "UNARY",
    "Binary",
    "Choice",
    "Function",
    "Node",
    "Number",
    "Unary",
    "Validity",
    "Value",
]

BINARY: dict[str, int] = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
    "**": 7,
}
"""Operator -> how strongly it binds. `**` binds to the right, all others to the left."""

UNARY = ("-", "+", "!")
"""They bind more strongly than any other: -2**2 is 4."""

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(("abs", "acos", "asin", "atan", "bool", "ceil", "cos", "cosh"), (1, 1)),
    **dict.fromkeys(("double", "exp", "floor", "int", "log", "log10", "round", "sin"), (1, 1)),
    **dict.fromkeys(("sinh", "sqrt", "tan", "tanh"), (1, 1)),
    **dict.fromkeys(("atan2", "fmod", "hypot", "pow"), (2, 2)),
    **dict.fromkeys(("max", "min"), (1, None)),
}
"""Name -> least and largest number of arguments; None: any."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written down.

    Attributes:
        value: It.
        is_whole: It is an integer: 7/2 is 3, 7/2.0 is 3.5.
    """

    value: float
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Value:
    """Value of a parameter or variable: `$NAME`."""

    name: str


@dataclass(frozen=True, slots=True)
class Validity:
    """1 if an event has a parameter, else 0: `$NAMEisValid`."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator before its operand."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between its operands."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? yes : no`; what is not chosen is not computed."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Function:
    """A function of its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node: TypeAlias = Number | Value | Validity | Unary | Binary | Choice | Function
