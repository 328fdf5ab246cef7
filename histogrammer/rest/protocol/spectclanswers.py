"""Answers as SpecTcl has them, where they are other than Rustogramer's: their shapes, and how they are
made. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic knows no other before Python 3.12

from histogrammer.analysis.integration import Integral
from histogrammer.analysis.statistics import FlowSums
from histogrammer.axes import Axis
from histogrammer.gates.condition import Condition
from histogrammer.gates.masks import Mask
from histogrammer.parameters import Parameter
from histogrammer.pseudos import Pseudo
from histogrammer.rest.protocol.answers import (
    AxisObject,
    PointObject,
    SpectrumObject,
    StatisticsObject,
    VariablesObject,
    spectrum_object,
)
from histogrammer.spectra import given_axes
from histogrammer.spectra.definition import Definition
from histogrammer.treevariables import TreeVariable

__all__ = [
    "EMPTY_NUMBERS",
    "FILTER_FORMAT",
    "EditVersionObject",
    "FilterObject",
    "FitObject",
    "NumberedChannelObject",
    "NumberedContentsObject",
    "NumberedSumsObject",
    "PipelineObject",
    "PlainIntegralObject",
    "PseudoObject",
    "ShortGateObject",
    "ShortParameterObject",
    "TreeObject",
    "TreeVariableObject",
    "named_variables",
    "numbered_sums",
    "plain_integral",
    "pseudo_object",
    "short_gate",
    "short_parameter",
    "short_statistics",
    "typed_spectrum",
    "variable_object",
    "whole_number",
]

CHANNEL_TYPE = "long"
FILTER_FORMAT = "ring"


class ShortParameterObject(TypedDict):
    """A parameter, with what is known of it."""

    name: str
    id: int
    bins: NotRequired[int]
    low: NotRequired[float]
    hi: NotRequired[float]
    units: NotRequired[str]
    description: NotRequired[str]


class ShortGateObject(TypedDict):
    """A gate, with what its type has."""

    name: str
    type: str
    gates: NotRequired[list[str]]
    parameters: NotRequired[list[str]]
    points: NotRequired[list[PointObject]]
    low: NotRequired[float]
    high: NotRequired[float]
    value: NotRequired[int]


class NumberedSumsObject(TypedDict):
    """Counts beyond the limits."""

    xunderflow: int
    xoverflow: int
    yunderflow: NotRequired[int]
    yoverflow: NotRequired[int]


class NumberedChannelObject(TypedDict):
    """A channel by its numbers from 0, and its counts; fractions are those of strip charts."""

    x: int
    y: NotRequired[int]
    v: int | float


class NumberedContentsObject(TypedDict):
    """Channels that are not zero."""

    statistics: NumberedSumsObject
    channels: list[NumberedChannelObject]


class PlainIntegralObject(TypedDict):
    """An integral: plain numbers in one dimension, lists of x and y in two."""

    centroid: float | list[float]
    fwhm: float | list[float]
    counts: int


class EditVersionObject(TypedDict):
    """Version, in the words of SpecTcl."""

    major: int
    minor: int
    editlevel: str
    program_name: str


class PseudoObject(TypedDict):
    """A pseudo parameter."""

    name: str
    parameters: list[str]
    computation: str


class FilterObject(TypedDict):
    """A filter of events; `enabled` or `disabled`."""

    name: str
    gate: str
    file: str
    parameters: list[str]
    enabled: str
    format: str


class FitObject(TypedDict):
    """A fit over channels; its result in numbers of channels, empty as long as there is none."""

    name: str
    spectrum: str
    type: str
    low: float
    high: float
    parameters: dict[str, float]


class PipelineObject(TypedDict):
    """A pipeline of event processors."""

    name: str
    processors: list[str]


class TreeVariableObject(TypedDict):
    """A variable."""

    name: str
    value: float
    units: str


class TreeObject(TypedDict):
    """A ROOT tree that is written."""

    tree: str
    params: list[str]
    gate: str


EMPTY_NUMBERS = NumberedContentsObject(
    statistics=NumberedSumsObject(xunderflow=0, xoverflow=0), channels=[]
)


def short_parameter(parameter: Parameter) -> ShortParameterObject:
    """Return a parameter without the metadata that were never set."""
    metadata, made = parameter.metadata, ShortParameterObject(name=parameter.name, id=parameter.id)
    if metadata.bins is not None:
        made["bins"] = metadata.bins
    if metadata.low is not None and metadata.high is not None:
        made["low"], made["hi"] = metadata.low, metadata.high
    if metadata.units is not None:
        made["units"] = metadata.units
    if metadata.description is not None:
        made["description"] = metadata.description
    return made


def short_gate(name: str, condition: Condition, components: Sequence[str]) -> ShortGateObject:
    """Return a gate without the keys that its type has no use for; arguments as of
    `answers.gate_object`."""
    made = ShortGateObject(name=name, type=condition.letters)
    if condition.gates:
        made["gates"] = list(components)
    if condition.parameters:
        made["parameters"] = list(condition.parameters)
    if condition.letters in ("s", "gs"):
        (made["low"], _), (made["high"], _) = condition.points
    elif condition.points:
        made["points"] = [PointObject(x=x, y=y) for x, y in condition.points]
    if isinstance(condition, Mask):
        made["value"] = condition.value
    return made


def typed_spectrum(definition: Definition, number: int, gate: str | None) -> SpectrumObject:
    """Return a definition of a spectrum; arguments as of `answers.spectrum_object`.

    A summary has its y axis alone in `axes`, and an axis that is not there is empty.
    """
    made = spectrum_object(definition, number, gate)
    made["chantype"] = CHANNEL_TYPE
    made["axes"] = [_axis(axis) for axis in given_axes(definition)]
    if made["yaxis"] is None:
        made["yaxis"] = {"low": 0.0, "high": 0.0, "bins": 0}
    return made


def _axis(axis: Axis) -> AxisObject:
    return AxisObject(low=axis.low, high=axis.high, bins=axis.bins)


def short_statistics(definition: Definition, flow: FlowSums) -> StatisticsObject:
    """Return the flow of a spectrum, for each axis that it has."""
    axes = 1 if definition.y_axis is None else 2
    return StatisticsObject(
        name=definition.name,
        underflows=[int(count) for count in flow.underflows[:axes]],
        overflows=[int(count) for count in flow.overflows[:axes]],
    )


def numbered_sums(definition: Definition, flow: FlowSums) -> NumberedSumsObject:
    """Return counts beyond the limits of a spectrum, for each axis that it has."""
    (x_under, y_under), (x_over, y_over) = flow.underflows, flow.overflows
    made = NumberedSumsObject(xunderflow=int(x_under), xoverflow=int(x_over))
    if definition.y_axis is not None:
        made["yunderflow"], made["yoverflow"] = int(y_under), int(y_over)
    return made


def whole_number(count: float) -> int | float:
    """Return a count as an integer, if it is one: those of strip charts may have fractions."""
    return int(count) if count.is_integer() else count


def plain_integral(definition: Definition, found: Integral) -> PlainIntegralObject:
    """Return an integral."""
    if definition.y_axis is None:
        return PlainIntegralObject(
            centroid=found.centroid[0], fwhm=found.fwhm[0], counts=found.counts
        )
    return PlainIntegralObject(
        centroid=list(found.centroid), fwhm=list(found.fwhm), counts=found.counts
    )


def named_variables(
    told: VariablesObject, *, is_online: bool, parameters: int, events: int
) -> dict[str, str]:
    """Return the variables of the program as texts.

    Args:
        told: As `answers.variables` has them.
        is_online: Events come from a program, as from the data acquisition.
        parameters: Number of all parameters.
        events: Events of the source so far.
    """
    return {
        **{key: str(value) for key, value in told.items()},
        "OnlineState": str(int(is_online)),
        "ParameterCount": str(parameters),
        "LastSequence": str(events),
    }


def pseudo_object(pseudo: Pseudo) -> PseudoObject:
    """Return a pseudo parameter."""
    return PseudoObject(
        name=pseudo.name, parameters=list(pseudo.parameters), computation=pseudo.computation
    )


def variable_object(variable: TreeVariable) -> TreeVariableObject:
    """Return a variable; JSON has no value that is not finite, and 0 stands for it."""
    value = variable.value if math.isfinite(variable.value) else 0.0
    return TreeVariableObject(name=variable.name, value=value, units=variable.units)
