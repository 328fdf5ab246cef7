"""State of a histogrammer, and all that changes or reads it: parameters, spectra, gates, bindings,
traces. It has no lock and no thread of its own; `worker` lets one thread touch it.

Errors have the texts that REST clients know as `detail`.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from groundwork.closing import Closing
from histogrammer.activetime import ActiveTime
from histogrammer.analysis.projection import ProjectionAxis, projected_cells, projected_definition
from histogrammer.analysis.regions import Inside
from histogrammer.bindings import Bindings
from histogrammer.contents import Contents
from histogrammer.display.memory import DisplayMemory
from histogrammer.errors import (
    ConditionError,
    EventParameterError,
    SpectrumError,
)
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import Filler
from histogrammer.filters import Filters, write_all
from histogrammer.fits import Fits
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.gates.compounds import And
from histogrammer.gates.condition import Condition, Given, Point
from histogrammer.gates.conditions import Conditions, Edited
from histogrammer.gates.constants import Never
from histogrammer.gates.contours import Contour
from histogrammer.gates.folds import check_fold
from histogrammer.gates.polygons import Polygon
from histogrammer.names import refusal
from histogrammer.parameters import Metadata, Parameter, Parameters
from histogrammer.patterns import one, select
from histogrammer.pseudos import Pseudos
from histogrammer.spectra.channels import set_channel
from histogrammer.spectra.definition import Definition
from histogrammer.spectrum import Spectrum
from histogrammer.traces import Topic, Traces
from histogrammer.treevariables import TreeVariables

__all__ = ["SNAPSHOT_GATE", "Engine"]

SNAPSHOT_GATE = "_snapshot_condition_"
"""Gate that is never true: of spectra that no event changes."""

_MIB = 1 << 20

Floats = npt.NDArray[np.float64]


class Engine(Closing):
    """A histogrammer.

    Args:
        filler: Fills its spectra; closed with it.
        memory: Display memory, closed with it; None: nothing can be bound.
        flavor: Program whose rules hold.
        most_bytes: Memory for the cells of all spectra.
        clock: Monotonic time, s.

    Attributes:
        flavor: Program whose rules hold.
        parameters: By name.
        pseudos: Parameters that are computed, by name.
        variables: By name.
        conditions: By name.
        filters: Of events into files, by name.
        trees: Files of ROOT trees that events are written into, by name.
        spectra: By name, in order of creation.
        fits: To spectra, by name.
        changes: Number of the changes of spectra, gates and what is applied to spectra: between
            equal ones only contents have changed.
        traces: Changes, for those who follow them.
        bindings: Spectra in the display memory.
        active: Time in which events were processed; an analysis begins and ends it.
    """

    def __init__(
        self,
        *,
        filler: Filler,
        memory: DisplayMemory | None = None,
        flavor: Flavor = RUSTOGRAMER,
        most_bytes: int = 1 << 40,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.flavor = flavor
        self.parameters = Parameters()
        self.pseudos, self.variables = Pseudos(), TreeVariables()
        self.conditions = Conditions(flavor, self.parameters)
        self.filters, self.trees, self.fits = Filters(), Filters("ROOT tree"), Fits()
        self.spectra: dict[str, Spectrum] = {}
        self.traces = Traces(flavor.first_token)
        self._filler, self._clock, self.active = filler, clock, ActiveTime(clock)
        self.bindings = Bindings(memory, self.spectra, partial(self._note, Topic.BINDING), clock)
        self._most_bytes, self._bytes = most_bytes, 0
        self._made = 0
        self.changes = 0
        self._filled_changes = -1

    def close(self) -> None:
        """End its threads, close its files, and remove the display memory."""
        self._filler.close()
        self.filters.close()
        self.trees.close()
        self.bindings.close()

    def tick(self, now: float) -> None:
        """Refresh the display memory when that is due, and forget old traces."""
        self.bindings.tick(now)
        self.traces.prune(now)

    # parameters

    def create_parameter(
        self, name: str, metadata: Metadata | None = None, number: int | None = None
    ) -> Parameter:
        """Add a parameter; arguments and errors as of `Parameters.create`."""
        made = self.parameters.create(name, metadata, number)
        self._note(Topic.PARAMETER, f"add {name}")
        return made

    def edit_parameter(self, name: str, given: Metadata) -> None:
        """Change the metadata that are given.

        Raises:
            ParameterError: There is no such parameter, or it cannot have these.
        """
        self.parameters.edit(name, given)
        self._note(Topic.PARAMETER, f"changed {name}")

    def delete_parameter(self, name: str) -> None:
        """Delete a parameter.

        Raises:
            ParameterError: There is none, or something uses it.
        """
        if name in self.pseudos:
            raise EventParameterError(
                f"Parameter {name} is computed: delete the pseudo parameter first"
            )
        self.parameters.delete(
            name,
            {
                "spectrum": self.spectra,
                "gate": self.conditions,
                "pseudo parameter": self.pseudos,
                "filter": self.filters,
                "ROOT tree": self.trees,
            },
        )

    def row_of(self, name: str) -> int:
        """Return the number of a parameter, from 0; one that does not exist is created."""
        known = self.parameters.get(name)
        return (self.create_parameter(name) if known is None else known).id - 1

    def create_pseudo(self, name: str, parameters: Sequence[str], computation: str) -> None:
        """Add a parameter that is computed from others; one of its name may be there.

        Raises:
            ParameterError: It is computed already, or cannot be.
            ExpressionError: The computation is no expression.
        """
        known, variables = self.parameters, self.variables.numbers
        self.pseudos.create(name, tuple(parameters), computation, known=known, variables=variables)
        self.row_of(name)

    # spectra

    def create_spectrum(self, definition: Definition) -> Spectrum:
        """Book a spectrum.

        Raises:
            SpectrumError: Its name is in use or too long, it has parameters that do not exist, or
                there is no memory for it.
        """
        name = definition.name
        if reason := refusal(name):
            raise SpectrumError(reason)
        if name in self.spectra:
            raise SpectrumError(f"Spectrum {name} already exists")
        for parameter in definition.parameters:
            if parameter not in self.parameters:
                raise SpectrumError(f"No such parameter: {parameter}")
        contents, now = self._new_contents(definition), self.active.seconds
        made = Spectrum(self._made, definition, contents, since_s=now)
        self._made += 1
        self.spectra[name] = made
        self.changes += 1
        self._note(Topic.SPECTRUM, f"add {name}")
        return made

    def _new_contents(self, definition: Definition) -> Contents:
        wanted = Contents.bytes_of(definition.shape)
        left = self._most_bytes - self._bytes
        refusal = SpectrumError(
            f"Spectrum {definition.name} needs {wanted / _MIB:.1f} MiB, and {left / _MIB:.1f} MiB are "
            "left for spectra: book it with fewer bins, or delete others"
        )
        if wanted > left:
            raise refusal
        try:
            contents = Contents.zeros(definition.shape)
        except MemoryError:
            raise refusal from None
        self._bytes += wanted
        return contents

    def spectrum(self, name: str) -> Spectrum:
        """Return a spectrum by its name.

        Raises:
            SpectrumError: There is none.
        """
        found = self.spectra.get(name)
        if found is None:
            raise SpectrumError(f"Spectrum {name} does not exist")
        return found

    def find_spectrum(self, pattern: str) -> Spectrum | None:
        """Return the spectrum of this name, else the only one that a pattern matches."""
        name = one(self.spectra, pattern)
        return None if name is None else self.spectra[name]

    def select_spectra(self, pattern: str = "*") -> list[Spectrum]:
        """Return the spectra that a pattern selects, in order of creation.

        Raises:
            PatternError: It is malformed.
        """
        return [self.spectra[name] for name in select(self.spectra, pattern)]

    def delete_spectrum(self, name: str) -> None:
        """Delete a spectrum, and take it out of the display memory.

        Raises:
            SpectrumError: There is none.
        """
        gone = self.spectrum(name)
        if name in self.bindings:
            self.bindings.unbind(name)
        del self.spectra[name]
        self._filler.define((), {})  # it has the contents, and the next block may never come
        self._bytes -= gone.contents.nbytes
        self.changes += 1
        self._note(Topic.SPECTRUM, f"delete {name}")

    def clear_spectra(self, pattern: str = "*") -> None:
        """Set the spectra that a pattern selects, and their display copies, to zero.

        Raises:
            PatternError: It is malformed.
        """
        for spectrum in self.select_spectra(pattern):
            spectrum.clear(self.active.seconds)
            self.bindings.clear(spectrum.name)

    def set_channel(self, spectrum: Spectrum, x: int, y: int | None, value: float) -> None:
        """Replace the contents of a channel.

        Raises:
            SpectrumError: There is no such channel.
        """
        set_channel(spectrum.definition, spectrum.contents.cells, x, y, value)
        spectrum.version += 1

    # gates

    def edit_condition(self, name: str, letters: str, given: Given) -> Edited:
        """Make a condition, or replace one in its place.

        Raises:
            ConditionError: It cannot be made.
        """
        return self._told(name, self.conditions.edit(name, letters, given))

    def _put_condition(self, name: str, condition: Condition) -> None:
        self._told(name, self.conditions.put(name, condition))

    def _told(self, name: str, edited: Edited) -> Edited:
        word = "add" if edited is Edited.CREATED else "changed"
        self._note(Topic.GATE, f"{word} {name}")
        self.changes += 1
        return edited

    def delete_condition(self, name: str) -> None:
        """Delete a condition; the flavor says what becomes of spectra that it was applied to.

        Raises:
            ConditionError: There is none.
        """
        self.conditions.delete(name)
        for spectrum in self.spectra.values():
            if spectrum.gate == name and self.flavor.deleted_gate_ungates:
                spectrum.gate = None
            if spectrum.fold == name:
                spectrum.fold = None
        self.changes += 1
        self._note(Topic.GATE, f"delete {name}")

    def apply_gate(self, gate: str, name: str) -> None:
        """Apply a condition to a spectrum, in place of the one before.

        Raises:
            ConditionError: There is no such condition.
            SpectrumError: There is no such spectrum.
        """
        spectrum = self.spectrum(name)
        if gate not in self.conditions:
            raise ConditionError(f"No such gate {gate}")
        spectrum.gate = gate
        self.changes += 1

    def ungate(self, name: str) -> None:
        """Take the condition away that is applied to a spectrum, if there is one.

        Raises:
            SpectrumError: There is no such spectrum.
        """
        self.spectrum(name).gate = None
        self.changes += 1

    def fold(self, gate: str, name: str) -> None:
        """Fold a spectrum by a condition, in place of the one before.

        Raises:
            ConditionError: There is no such condition, it is none to fold by, or the spectrum
                cannot be folded.
            SpectrumError: There is no such spectrum.
        """
        if name not in self.spectra:
            raise SpectrumError(f"no such spectrum {name}")
        spectrum = self.spectra[name]
        check_fold(gate, self.conditions, spectrum.definition)
        spectrum.fold = gate
        self.changes += 1

    def unfold(self, name: str) -> None:
        """Fold a spectrum no more.

        Raises:
            SpectrumError: There is no such spectrum.
        """
        if name not in self.spectra:
            raise SpectrumError(f"no such spectrum {name}")
        self.spectra[name].fold = None
        self.changes += 1

    # projections, and spectra of files

    def project(
        self,
        source: Spectrum,
        name: str,
        direction: ProjectionAxis,
        *,
        snapshot: bool,
        contour: str | None = None,
    ) -> Spectrum:
        """Book the projection of a spectrum, with its contents.

        Args:
            source: Spectrum of two dimensions.
            name: Of the new one.
            direction: Axis that is kept.
            snapshot: No event changes it; else it goes on, gated by what the source and the
                contour say.
            contour: Name of a condition inside which contents count; None: all do.

        Raises:
            SpectrumError: The source cannot be projected, or the new one cannot be booked.
            ConditionError: There is no such contour, or the gate of both cannot be.
        """
        definition = projected_definition(source.definition, direction, name)
        inside = None if contour is None else self.contour(contour)
        sums = projected_cells(source.shown, source.contents.cells, direction, inside)
        made = self.create_spectrum(definition)
        made.contents.cells[...] = sums
        made.version, made.since_s = made.version + 1, source.since_s
        gates = [gate for gate in (source.gate, contour) if gate is not None]
        if snapshot:
            made.gate, made.until_s = self._snapshot_gate(), source.ended_s(self.active.seconds)
        elif len(gates) == 2:
            made.gate = f"_{name}_projection_gate_"
            try:
                self._put_condition(made.gate, And(tuple(gates)))
            except ConditionError:  # the source has this very gate
                self.delete_spectrum(name)
                raise
        elif gates:
            (made.gate,) = gates
        return made

    def contour(self, name: str) -> Inside:
        """Return the inside of a contour, whatever its parameters.

        Raises:
            ConditionError: There is no such condition, or it is no contour.
        """
        condition = self.conditions.get(name)
        if condition is None:
            raise ConditionError(f"There is no condition named {name}")
        if not isinstance(condition, Contour):
            raise ConditionError(f"{name} is not a contour")
        return _inside(condition.figure)

    def polygon(self, points: Sequence[Point]) -> Inside:
        """Return the inside of a polygon, by the rules of contours.

        Raises:
            ConditionError: Fewer than three points, or points that are not finite.
        """
        return _inside(Polygon.of(tuple(points), self.flavor.polygons))

    def _snapshot_gate(self) -> str:
        if not isinstance(self.conditions.get(SNAPSHOT_GATE), Never):
            self._put_condition(SNAPSHOT_GATE, Never())
        return SNAPSHOT_GATE

    def enter_spectra(
        self,
        saved: Iterable[tuple[Definition, Floats]],
        *,
        snapshot: bool = True,
        replace: bool = False,
        bind: bool = True,
    ) -> list[str]:
        """Book spectra of a file, one after the other; parameters that do not exist are created.

        Args:
            saved: Definitions and cells.
            snapshot: No event changes them.
            replace: Those of the same names are deleted; else new ones are called NAME_0, NAME_1, ...
            bind: Put them into the display memory.

        Returns:
            Their names.

        Raises:
            SpectrumError: One of them cannot be booked; those before it stay.
            DisplayMemoryError: One of them cannot be bound; it and those before it stay.
        """
        names = []
        numbers = Counter[str]()
        for definition, cells in saved:
            for parameter in definition.parameters:
                self.row_of(parameter)
            if definition.name in self.spectra:
                if replace:
                    self.delete_spectrum(definition.name)
                else:
                    definition = self._renamed(definition, numbers)
            made = self.create_spectrum(definition)
            filled = np.nonzero(cells)  # memory for empty ones is not touched
            made.contents.cells[filled] = cells[filled]
            made.version, made.since_s = made.version + 1, math.nan
            if snapshot:
                made.gate = self._snapshot_gate()
            names.append(made.name)
            if bind:
                self.bindings.bind(made.name)
        return names

    def _renamed(self, definition: Definition, numbers: Counter[str]) -> Definition:
        """Return a definition with the first free of the names NAME_0, NAME_1, ...; numbers below
        those that are given are not free."""
        name = definition.name
        while f"{name}_{numbers[name]}" in self.spectra:
            numbers[name] += 1
        return dataclasses.replace(definition, name=f"{name}_{numbers[name]}")

    # events

    def fill(self, block: EventBlock) -> None:
        """Fill all spectra from a block of events, and write what filters select of it.

        Raises:
            FilterError: A file of a filter or of a tree cannot be written; spectra are filled, and
                the others are written.
        """
        block = self.pseudos.extended(block, self.variables.numbers)
        if self._filled_changes != self.changes:
            self._filler.define([s.filled() for s in self.spectra.values()], self.conditions)
            self._filled_changes = self.changes
        for spectrum in self.spectra.values():
            spectrum.version += 1
        self._filler.fill(block)
        write_all((self.filters, self.trees), block, self.conditions)

    # traces

    def establish_trace(self, retention: float) -> int:
        """Return the token of a new client, whose changes are kept for so many s."""
        return self.traces.establish(retention, self._clock())

    def fetch_trace(self, token: int) -> dict[str, list[str]]:
        """Return and forget what a client was not told yet, by topic.

        Raises:
            NoSuchTokenError: No client has this token.
        """
        return self.traces.fetch(token, self._clock())

    def _note(self, topic: Topic, text: str) -> None:
        self.traces.note(topic, text, self._clock())


def _inside(polygon: Polygon) -> Inside:
    return lambda points: polygon.holds(points[:, 0].copy(), points[:, 1].copy())
