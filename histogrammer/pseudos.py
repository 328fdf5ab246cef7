"""Pseudo parameters: parameters that are computed from others, for each event. Pure.

One may be computed from another; each is computed after those that it needs. Where a computation has
no value the parameter is absent.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from groundwork.truncation import cut
from histogrammer.errors import EventParameterError, ParameterExistsError
from histogrammer.events.blocks import EventBlock, Values, absent_bits, as_type
from histogrammer.expressions.evaluation import Column, evaluate
from histogrammer.expressions.parser import parse
from histogrammer.expressions.trees import Node
from histogrammer.names import refusal

__all__ = ["Pseudo", "Pseudos"]

MAX_PSEUDOS = 10_000


@dataclass(frozen=True, slots=True)
class Pseudo:
    """A pseudo parameter.

    Attributes:
        name: Of the parameter that it gives a value.
        parameters: Names of those that its computation uses.
        computation: An expression, as it was given.
        tree: The same as a tree.
    """

    name: str
    parameters: tuple[str, ...]
    computation: str
    tree: Node


class Pseudos(Mapping[str, Pseudo]):
    """Pseudo parameters by name, in the order in which they were made."""

    def __init__(self) -> None:
        self._pseudos: dict[str, Pseudo] = {}
        self._in_order: tuple[Pseudo, ...] = ()

    def __getitem__(self, name: str) -> Pseudo:
        return self._pseudos[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pseudos)

    def __len__(self) -> int:
        return len(self._pseudos)

    def create(
        self,
        name: str,
        parameters: tuple[str, ...],
        computation: str,
        *,
        known: Container[str],
        variables: Mapping[str, float],
    ) -> Pseudo:
        """Add a pseudo parameter.

        Args:
            name: Of it.
            parameters: Names of those that it is computed from.
            computation: An expression of `$NAME` and `$NAMEisValid`.
            known: Names of all parameters.
            variables: Values of variables, which it may use, too.

        Raises:
            ParameterError: The name is that of one already, there are too many, a parameter does not exist, or it would
                be computed from itself.
            ExpressionError: The computation is no expression.
        """
        if reason := refusal(name):
            raise EventParameterError(reason)
        if name in self._pseudos:
            raise ParameterExistsError(f"Pseudo parameter {name} already exists: delete it first")
        if len(self) >= MAX_PSEUDOS:
            raise EventParameterError(f"up to {MAX_PSEUDOS} pseudo parameters are possible")
        for parameter in parameters:
            if parameter not in known and parameter != name:
                raise EventParameterError(f"Parameter {parameter} does not exist")
        tree = parse(computation, {*parameters, *variables})
        made = Pseudo(name, parameters, computation, tree)
        self._in_order = _ordered({**self._pseudos, name: made})
        self._pseudos[name] = made
        return made

    def delete(self, name: str) -> None:
        """Delete a pseudo parameter: its parameter is absent from now on.

        Raises:
            ParameterError: There is none of this name.
        """
        if name not in self._pseudos:
            raise EventParameterError(f"There is no pseudo parameter {name}")
        del self._pseudos[name]
        self._in_order = _ordered(self._pseudos)

    def extended(self, block: EventBlock, variables: Mapping[str, float]) -> EventBlock:
        """Return a block with rows for all of them, in the place of rows with their names."""
        if not self._in_order:
            return block
        constant = {
            name: Column(np.array(value), np.array(np.isfinite(value)), np.array(False))
            for name, value in variables.items()
        }
        read: dict[str, Column] = {}
        made: dict[str, Column] = {}
        for pseudo in self._in_order:
            for name in pseudo.parameters:
                if name not in made and name not in read:
                    read[name] = _column(block, name)
            columns = {name: made.get(name) or read[name] for name in pseudo.parameters}
            made[pseudo.name] = evaluate(pseudo.tree, constant | columns)
        return _joined(block, made)


def _ordered(pseudos: Mapping[str, Pseudo]) -> tuple[Pseudo, ...]:
    """Return them in an order in which each comes after those that it needs."""
    graph = {name: [p for p in one.parameters if p in pseudos] for name, one in pseudos.items()}
    try:
        return tuple(pseudos[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        way = cut(" -> ".join(reversed(error.args[1])), 400)
        raise EventParameterError(
            f"A pseudo parameter would be computed from itself: {way}"
        ) from None


def _column(block: EventBlock, name: str) -> Column:
    return Column(block.column(name), block.present(name), np.array(False))


def _joined(block: EventBlock, made: Mapping[str, Column]) -> EventBlock:
    """Return a block with more rows; of the precision in which no value is changed."""
    rows: Values = np.empty((len(made), len(block)), np.float64)
    for row, column in zip(rows, made.values(), strict=True):
        row[:] = np.where(column.is_there, column.values, 0.0)
        absent = np.broadcast_to(~column.is_there, row.shape)
        row.view(np.uint64)[absent] = absent_bits(row)
    values = block.values
    if values.dtype == np.float32:
        single = as_type(rows, np.float32)
        if (as_type(single, np.float64).view(np.uint64) == rows.view(np.uint64)).all():
            rows = single
        else:
            values = as_type(values, np.float64)
    names = [name for name in block.rows if name not in made]
    kept = values[[block.rows[name] for name in names]] if len(names) < len(block.rows) else values
    numbers = dict(block.rows) if kept is values else {name: row for row, name in enumerate(names)}
    numbers |= {name: len(kept) + row for row, name in enumerate(made)}
    return EventBlock(numbers, np.concatenate([kept, rows]))
