"""Parameters, gates and spectra of a file: what is booked at the start, or for a sort.

[parameters."det.e.1"]      # only for metadata; whatever gates and spectra name is there
units = "keV"

[variables.gain]
value = 0.5
units = "keV"

[pseudos.calibrated]        # a parameter that is computed for each event
parameters = ["det.e.1"]
computation = "$gain * ${det.e.1}"

[gates.peak]
type = "s"
parameters = ["det.e.1"]
low = 1170.0
high = 1176.0

[spectra.e1]
type = "1"
parameters = ["det.e.1"]
axes = [[0.0, 4096.0, 4096]]
gate = "peak"

A file `.json` is one of spectra, as clients write them: definitions are read, and contents are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from arrayconfig.files import FilesError, config_text
from groundwork.givenfiles import GivenFileError, read_given
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import HistogrammerError
from histogrammer.gates.condition import Given
from histogrammer.parameters import Metadata
from histogrammer.roots import MAX_READ_BYTES
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import Definition
from histogrammer.spectrumfiles.jsonformat import read_json
from player.config import validate
from player.errors import ConfigError, Fault
from player.tables import Table
from player.tomlfile import KeyPath, TomlFile, parse_toml

__all__ = [
    "Definitions",
    "GateTable",
    "ParameterTable",
    "PseudoTable",
    "SpectrumTable",
    "VariableTable",
    "defined",
    "read_definitions",
]

Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
AxisList = Annotated[list[float], Field(min_length=3, max_length=3)]


class ParameterTable(Table):
    """`[parameters.NAME]`: metadata, for whoever books spectra."""

    low: float | None = None
    high: float | None = None
    bins: int | None = Field(None, ge=0)
    units: str | None = None
    description: str | None = None


class VariableTable(Table):
    """`[variables.NAME]`: a number that pseudo parameters use."""

    value: float
    units: str = ""


class PseudoTable(Table):
    """`[pseudos.NAME]`: a parameter that is computed; those that it is computed from stand before it."""

    parameters: list[str] = Field(description="names of those that it is computed from")
    computation: str = Field(description="expression of $NAME and $NAMEisValid, as Tcl's expr")


class GateTable(Table):
    """`[gates.NAME]`: a gate; those that it is made of stand before it."""

    type: str = Field(description="letters of its kind, as gs")
    parameters: list[str] = Field(
        default_factory=list, description="its parameters; of bands and contours x and y"
    )
    gates: list[str] = Field(default_factory=list, description="gates that it is made of")
    low: float | None = Field(None, description="lower limit of a slice")
    high: float | None = Field(None, description="upper limit of a slice")
    points: list[Pair] = Field(default_factory=list, description="points of a band or contour")
    value: int | None = Field(None, description="mask")

    def given(self) -> Given:
        """Return it as gates are made of it."""
        x, y = [*self.parameters[:2], None, None][:2]
        return Given(
            gates=tuple(self.gates),
            parameters=tuple(self.parameters),
            x_parameter=x,
            y_parameter=y,
            low=self.low,
            high=self.high,
            x_coordinates=tuple(point[0] for point in self.points),
            y_coordinates=tuple(point[1] for point in self.points),
            value=self.value,
        )


class SpectrumTable(Table):
    """`[spectra.NAME]`: a spectrum."""

    type: str = Field(description="letters of its kind, as 1, 2, g1")
    parameters: list[str | list[str]] = Field(
        description="its parameters; of two kinds of them, two lists"
    )
    axes: list[AxisList] = Field(description="axes, each [low, high, bins]")
    gate: str | None = Field(None, description="gate that is applied to it")
    fold: str | None = Field(None, description="gate by which it is folded")

    def define(self, name: str) -> Definition:
        """Return the definition; SpectrumError, AxisError: it cannot be."""
        return defined(name, self.type, self.parameters, self.axes)


def defined(
    name: str, letters: str, parameters: Sequence[str | list[str]], axes: Sequence[Sequence[float]]
) -> Definition:
    """Return the definition of a spectrum as people write it.

    Args:
        name: Of the spectrum.
        letters: Of its kind.
        parameters: Names, or lists of names for kinds that take several.
        axes: Each (low, high, bins).

    Raises:
        SpectrumError, AxisError: It cannot be.
    """
    is_nested = any(isinstance(one, list) for one in parameters)
    lists = [[one] if isinstance(one, str) else one for one in parameters]
    groups = lists if is_nested else [[name for one in lists for name in one]]
    return kind_of(letters).define(
        name, groups, [Axis(low, high, _whole(bins)) for low, high, bins in axes]
    )


def _whole(bins: float) -> int:
    if bins != int(bins):
        raise HistogrammerError(f"{bins:g} bins: it has to be a whole number")
    return int(bins)


@dataclass(frozen=True, slots=True)
class _Booked:
    """A spectrum to be booked."""

    definition: Definition
    gate: str | None = None
    fold: str | None = None


@dataclass(frozen=True, slots=True)
class Definitions:
    """Definitions of a file.

    Attributes:
        source: The file, for faults.
        parameters: Metadata by name.
        variables: By name.
        pseudos: By name, in order.
        gates: By name, in order.
        spectra: By name, in order.
    """

    source: TomlFile
    parameters: Mapping[str, ParameterTable] = field(default_factory=dict)
    variables: Mapping[str, VariableTable] = field(default_factory=dict)
    pseudos: Mapping[str, PseudoTable] = field(default_factory=dict)
    gates: Mapping[str, GateTable] = field(default_factory=dict)
    spectra: Mapping[str, _Booked] = field(default_factory=dict)

    def book(self, engine: Engine) -> list[str]:
        """Make all of it; return the names of the spectra.

        Raises:
            ConfigError: Something cannot be made; what is before it stays.
        """
        for name, table in self.parameters.items():
            with self._told(("parameters", name)):
                engine.row_of(name)
                engine.edit_parameter(name, Metadata(**table.model_dump()))
                engine.parameters.changed.discard(name)  # no client has
        self._book_computed(engine)
        for name, gate in self.gates.items():
            with self._told(("gates", name)):
                for parameter in gate.parameters:
                    engine.row_of(parameter)
                engine.edit_condition(name, gate.type, gate.given())
        for name, booked in self.spectra.items():
            with self._told(("spectra", name)):
                for parameter in booked.definition.parameters:
                    engine.row_of(parameter)
                engine.create_spectrum(booked.definition)
                if booked.gate is not None:
                    engine.apply_gate(booked.gate, name)
                if booked.fold is not None:
                    engine.fold(booked.fold, name)
        return list(self.spectra)

    def _book_computed(self, engine: Engine) -> None:
        """Make variables and what is computed."""
        for name, variable in self.variables.items():
            with self._told(("variables", name)):
                engine.variables.put(name, variable.value, variable.units)
        for name, pseudo in self.pseudos.items():
            with self._told(("pseudos", name)):
                for parameter in pseudo.parameters:
                    engine.row_of(parameter)
                engine.create_pseudo(name, pseudo.parameters, pseudo.computation)

    @contextmanager
    def _told(self, key: KeyPath) -> Iterator[None]:
        try:
            yield
        except HistogrammerError as error:
            raise ConfigError([self.source.fault(key, str(error))]) from error


def read_definitions(path: Path) -> Definitions:
    """Read a file of definitions.

    Raises:
        ConfigError: With every fault of the file.
    """
    if path.suffix == ".json":
        return _read_saved(path)
    try:
        text = config_text(path)
    except FilesError as error:
        raise ConfigError(error.faults) from error
    source = parse_toml(text, path)
    faults: list[Fault] = []

    def section(name: str, target: Any) -> Any:
        value, found = validate(target, source, (name,), source.tables.get(name, {}))
        faults.extend(found)
        return value or {}

    parameters = section("parameters", dict[str, ParameterTable])
    variables = section("variables", dict[str, VariableTable])
    pseudos = section("pseudos", dict[str, PseudoTable])
    gates = section("gates", dict[str, GateTable])
    tables = section("spectra", dict[str, SpectrumTable])
    known = ("parameters", "variables", "pseudos", "gates", "spectra")
    faults += [
        source.fault((name,), f"unknown table or key; there are {', '.join(known)}")
        for name in source.tables
        if name not in known
    ]
    spectra: dict[str, _Booked] = {}
    for name, table in tables.items():
        try:
            spectra[name] = _Booked(table.define(name), table.gate, table.fold)
        except HistogrammerError as error:
            faults.append(source.fault(("spectra", name), str(error)))
    if faults:
        raise ConfigError(source.in_order(faults))
    return Definitions(source, parameters, variables, pseudos, gates, spectra)


def _read_saved(path: Path) -> Definitions:
    try:
        saved = read_json(read_given(path, (), MAX_READ_BYTES).decode())
    except (GivenFileError, HistogrammerError, UnicodeDecodeError) as error:
        raise ConfigError([Fault(path, None, "", str(error))]) from error
    booked = {one.definition.name: _Booked(one.definition) for one in saved}
    return Definitions(TomlFile(path, {}), spectra=booked)
