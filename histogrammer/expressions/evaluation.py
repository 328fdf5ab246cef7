"""Values of expressions for all events of a block at once, by the rules of Tcl's `expr`. Pure.

Numbers are float64 and integers are told from others, for they divide otherwise; integers beyond
2^53 are not exact. Where Tcl would have an error, and where a parameter that is used is absent,
there is no value. What is not chosen by `?:`, `&&` and `||` is not used. One difference is meant: the
root of a negative number has no value in comparisons either, where Tcl compares "not a number", so that
`sqrt($a) != 0` is not true of all that cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from histogrammer.expressions import trees

__all__ = ["Column", "evaluate"]

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Values of an expression; shape (events,), or () where they are the same for all.

    Attributes:
        values: The values.
        is_there: There is a value.
        is_whole: It is an integer.
    """

    values: Floats
    is_there: Truths
    is_whole: Truths


def evaluate(tree: trees.Node, columns: Mapping[str, Column]) -> Column:
    """Return the values of an expression.

    Args:
        tree: As `parser.parse` made it.
        columns: Of the parameters and variables by name; all that it uses.
    """
    with np.errstate(all="ignore"):
        found = _evaluate(tree, columns)
    return Column(found.values, found.is_there & np.isfinite(found.values), found.is_whole)


def _evaluate(tree: trees.Node, columns: Mapping[str, Column]) -> Column:
    match tree:
        case trees.Number(value, is_whole):
            return Column(np.array(value), np.array(True), np.array(is_whole))
        case trees.Value(name):
            found = columns[name]
            return Column(found.values, found.is_there & ~np.isnan(found.values), found.is_whole)
        case trees.Validity(name):
            there = columns[name].is_there
            return _whole(there.astype(np.float64), np.array(True))
        case trees.Unary(operator, operand):
            return _unary(operator, _evaluate(operand, columns))
        case trees.Choice(condition, yes, no):
            return _chosen(
                _evaluate(condition, columns), _evaluate(yes, columns), _evaluate(no, columns)
            )
        case trees.Binary(operator, left, right):
            return _BINARY[operator](_evaluate(left, columns), _evaluate(right, columns))
        case trees.Function(name, arguments):
            return _function(name, [_evaluate(one, columns) for one in arguments])


def _whole(values: Floats, is_there: Truths) -> Column:
    return Column(values + 0.0, is_there, np.array(True))  # integers have no -0


def _made(values: Floats, is_whole: Truths, *of: Column) -> Column:
    """Return a result; there is none where an operand is missing, or where it is no number."""
    there = reduce(np.logical_and, (one.is_there for one in of))
    values = np.where(is_whole, values + 0.0, values)
    return Column(values, there & ~np.isnan(values), is_whole)


def _unary(operator: str, one: Column) -> Column:
    if operator == "!":
        return _whole((one.values == 0).astype(np.float64), one.is_there)
    return _made(-one.values if operator == "-" else one.values, one.is_whole, one)


def _chosen(condition: Column, yes: Column, no: Column) -> Column:
    is_yes = condition.values != 0
    return Column(
        np.where(is_yes, yes.values, no.values),
        condition.is_there & np.where(is_yes, yes.is_there, no.is_there),
        np.where(is_yes, yes.is_whole, no.is_whole),
    )


def _and(left: Column, right: Column) -> Column:
    is_true = left.values != 0
    values = (is_true & (right.values != 0)).astype(np.float64)
    return _whole(values, left.is_there & (~is_true | right.is_there))


def _or(left: Column, right: Column) -> Column:
    is_true = left.values != 0
    values = (is_true | (right.values != 0)).astype(np.float64)
    return _whole(values, left.is_there & (is_true | right.is_there))


def _compared(compare: Callable[[Floats, Floats], Truths]) -> Callable[[Column, Column], Column]:
    def compared(left: Column, right: Column) -> Column:
        values = compare(left.values, right.values).astype(np.float64)
        return _whole(values, left.is_there & right.is_there)

    return compared


def _arithmetic(do: Callable[[Floats, Floats], Floats]) -> Callable[[Column, Column], Column]:
    def done(left: Column, right: Column) -> Column:
        is_whole = left.is_whole & right.is_whole
        return _made(do(left.values, right.values), is_whole, left, right)

    return done


def _divided(left: Column, right: Column) -> Column:
    is_whole = left.is_whole & right.is_whole
    quotient = left.values / right.values
    floor = np.where(right.values == 0, np.nan, np.floor_divide(left.values, right.values))
    return _made(np.where(is_whole, floor, quotient), is_whole, left, right)


def _remainder(left: Column, right: Column) -> Column:
    is_whole = left.is_whole & right.is_whole
    rest = np.where(is_whole, np.mod(left.values, right.values), np.nan)
    return _made(rest, is_whole, left, right)


def _power(left: Column, right: Column) -> Column:
    """Return powers. Of integers to negative ones they are cut to integers, as all of `expr`."""
    is_whole = left.is_whole & right.is_whole
    powers = np.power(left.values, right.values)
    powers = np.where(is_whole, np.trunc(powers), powers)
    powers = np.where((left.values == 0) & (right.values < 0), np.nan, powers)
    return _made(powers, is_whole, left, right)


_BINARY: dict[str, Callable[[Column, Column], Column]] = {
    "||": _or,
    "&&": _and,
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
    "<": _compared(np.less),
    ">": _compared(np.greater),
    "<=": _compared(np.less_equal),
    ">=": _compared(np.greater_equal),
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _divided,
    "%": _remainder,
    "**": _power,
}

_FLOATING: dict[str, Callable[..., Floats]] = {
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "double": np.positive,
    "exp": np.exp,
    "floor": np.floor,
    "fmod": np.fmod,
    "hypot": np.hypot,
    "log": np.log,
    "log10": np.log10,
    "pow": np.power,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
"""Those whose results are never integers for `expr`."""


def _rounded(values: Floats) -> Floats:
    """Return the nearest integers, of halves the one that is farther from zero."""
    whole = np.trunc(values)
    rounded: Floats = whole + np.where(np.abs(values - whole) >= 0.5, np.sign(values), 0.0)
    return rounded


_TO_WHOLE: dict[str, Callable[[Floats], Floats]] = {
    "bool": lambda values: (values != 0).astype(np.float64),
    "int": np.trunc,
    "round": _rounded,
}


def _function(name: str, arguments: list[Column]) -> Column:
    first = arguments[0]
    if name in ("max", "min"):
        return reduce(lambda one, other: _extreme(name, one, other), arguments)
    if name == "abs":
        return Column(np.abs(first.values), first.is_there, first.is_whole)
    if name == "pow":
        found = _power(*arguments)
        powers = np.power(first.values, arguments[1].values)
        return Column(powers, found.is_there, np.array(False))
    if name in _TO_WHOLE:
        finite = np.isfinite(first.values) | (name == "bool")
        return _whole(_TO_WHOLE[name](first.values), first.is_there & finite)
    values = _FLOATING[name](*(one.values for one in arguments))
    return _made(values, np.array(False), *arguments)


def _extreme(name: str, one: Column, other: Column) -> Column:
    """Return the greater or lesser of two; of equal ones the first."""
    takes = other.values > one.values if name == "max" else other.values < one.values
    values = np.where(takes, other.values, one.values)
    return _made(values, np.where(takes, other.is_whole, one.is_whole), one, other)
