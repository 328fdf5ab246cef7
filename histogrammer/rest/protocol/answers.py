"""Answers to requests: their shapes, and how they are made of what the histogrammer has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic knows no other before Python 3.12

from histogrammer.analysis.integration import Integral
from histogrammer.analysis.statistics import FlowSums
from histogrammer.axes import Axis
from histogrammer.gates.condition import Condition
from histogrammer.gates.masks import Mask
from histogrammer.parameters import Parameter
from histogrammer.spectra import sides
from histogrammer.spectra.definition import Definition

__all__ = [
    "EMPTY_CONTENTS",
    "EMPTY_INTEGRAL",
    "EMPTY_TRACES",
    "UNDEFINED",
    "AnswerObject",
    "AxisObject",
    "BindingObject",
    "ChannelObject",
    "ContentsObject",
    "ErrorObject",
    "GateObject",
    "GatedObject",
    "HttpErrorObject",
    "IntegralObject",
    "MirrorObject",
    "ParameterObject",
    "PointObject",
    "RingFormatObject",
    "SpectrumObject",
    "StatisticsObject",
    "SumsObject",
    "TracesObject",
    "VariablesObject",
    "VersionObject",
    "answer",
    "gate_object",
    "http_error",
    "integral",
    "parameter_object",
    "spectrum_object",
    "statistics",
    "sums",
    "variables",
    "version",
]

UNDEFINED = "-undefined-"
"""In the place of what is not known of a run."""
CHANNEL_TYPE = "f64"
_REASONS = {
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}


class AnswerObject(TypedDict):
    """Any answer; `status` is `OK`, or says what went wrong."""

    status: str
    detail: object


class ParameterObject(TypedDict):
    """A parameter; None: never set."""

    name: str
    id: int
    bins: int | None
    low: float | None
    hi: float | None
    units: str | None
    description: str | None


class PointObject(TypedDict):
    """A point of a gate."""

    x: float
    y: float


class GateObject(TypedDict):
    """A gate; the limits mean something for slices only, and masks alone have a value."""

    name: str
    type: str
    gates: list[str]
    parameters: list[str]
    points: list[PointObject]
    low: float
    high: float
    value: NotRequired[int]


class GatedObject(TypedDict):
    """A spectrum and the gate that is applied to it, or its fold."""

    spectrum: str
    gate: str | None


class AxisObject(TypedDict):
    """An axis, without its flow cells."""

    low: float
    high: float
    bins: int


class SpectrumObject(TypedDict):
    """A definition of a spectrum."""

    id: int
    name: str
    type: str
    parameters: list[str]
    xparameters: list[str]
    yparameters: list[str]
    axes: list[AxisObject]
    xaxis: AxisObject | None
    yaxis: AxisObject | None
    chantype: str
    gate: str | None


class SumsObject(TypedDict):
    """Counts beyond the limits; None: there is no such axis."""

    xunderflow: int
    xoverflow: int
    yunderflow: int | None
    yoverflow: int | None


class ChannelObject(TypedDict):
    """A bin by its lower edges, and its counts."""

    x: float
    y: float
    v: float


class ContentsObject(TypedDict):
    """Bins that are not zero."""

    statistics: SumsObject
    channels: list[ChannelObject]


class StatisticsObject(TypedDict):
    """Sums of flow cells, along x and along y; 0 along y of a spectrum of one dimension."""

    name: str
    underflows: list[int]
    overflows: list[int]


class IntegralObject(TypedDict):
    """An integral; 0.0 along y of a spectrum of one dimension."""

    centroid: list[float]
    fwhm: list[float]
    counts: int


class BindingObject(TypedDict):
    """A spectrum and its slot in the display memory."""

    spectrumid: int
    name: str
    binding: int


class MirrorObject(TypedDict):
    """A host that has a copy of the display memory."""

    host: str
    shmkey: str


class VariablesObject(TypedDict):
    """Variables of SpecTcl."""

    DisplayMegabytes: int
    OnlineState: bool
    EventListSize: int
    ParameterCount: str
    LastSequence: str
    RunNumber: str
    BuffersAnalyzed: str
    RunTitle: str
    SpecTclHome: str
    RunState: str
    DisplayType: str
    AnalysisError: str


class VersionObject(TypedDict):
    """Version, in the words of Rustogramer."""

    major: int
    minor: int
    editlevel: int
    program_name: str


class RingFormatObject(TypedDict):
    """Format of ring items."""

    major: int
    minor: int


class TracesObject(TypedDict):
    """Changes since the last fetch: `add NAME`, `changed NAME`, `delete NAME`, of bindings
    `add NAME SLOT` and `remove NAME SLOT`."""

    parameter: list[str]
    spectrum: list[str]
    gate: list[str]
    binding: list[str]


class ErrorObject(TypedDict):
    """Reason of an HTTP error."""

    code: int
    reason: str
    description: str


class HttpErrorObject(TypedDict):
    """Body of an HTTP error, as Rustogramer's framework has it."""

    error: ErrorObject


EMPTY_CONTENTS = ContentsObject(
    statistics=SumsObject(xunderflow=0, xoverflow=0, yunderflow=None, yoverflow=None), channels=[]
)
EMPTY_INTEGRAL = IntegralObject(centroid=[0.0], fwhm=[0.0], counts=0)
EMPTY_TRACES = TracesObject(parameter=[], spectrum=[], gate=[], binding=[])


def answer(detail: object, status: str = "OK") -> AnswerObject:
    """Return an answer."""
    return AnswerObject(status=status, detail=detail)


def http_error(code: int, description: str) -> HttpErrorObject:
    """Return the body of an HTTP error, 422 for one."""
    return HttpErrorObject(
        error=ErrorObject(code=code, reason=_REASONS[code], description=description)
    )


def parameter_object(parameter: Parameter) -> ParameterObject:
    """Return a parameter; its upper limit is called `hi` there."""
    metadata = parameter.metadata
    return ParameterObject(
        name=parameter.name,
        id=parameter.id,
        bins=metadata.bins,
        low=metadata.low,
        hi=metadata.high,
        units=metadata.units,
        description=metadata.description,
    )


def gate_object(name: str, condition: Condition, components: Sequence[str]) -> GateObject:
    """Return a gate.

    Args:
        name: Its name.
        condition: It.
        components: Names of its component gates, as `gates.conditions.Listed` has them.
    """
    points = condition.points
    has_limits = len(points) >= 2
    made = GateObject(
        name=name,
        type=condition.letters,
        gates=list(components),
        parameters=list(condition.parameters),
        points=[PointObject(x=x, y=y) for x, y in points],
        low=points[0][0] if has_limits else 0.0,
        high=points[1][0] if has_limits else 0.0,
    )
    if isinstance(condition, Mask):
        made["value"] = condition.value
    return made


def spectrum_object(definition: Definition, number: int, gate: str | None) -> SpectrumObject:
    """Return a definition of a spectrum.

    Args:
        definition: It.
        number: Its number in order of creation, from 0.
        gate: Name of the gate that is applied to it.
    """
    x_axis = _axis(definition.x_axis)
    y_axis = None if definition.y_axis is None else _axis(definition.y_axis)
    xs, ys = sides(definition)
    return SpectrumObject(
        id=number,
        name=definition.name,
        type=definition.kind,
        parameters=[*xs, *ys],
        xparameters=list(xs),
        yparameters=list(ys),
        axes=[x_axis] if y_axis is None else [x_axis, y_axis],
        xaxis=x_axis,
        yaxis=y_axis,
        chantype=CHANNEL_TYPE,
        gate=gate,
    )


def _axis(axis: Axis) -> AxisObject:
    return AxisObject(low=axis.low, high=axis.high, bins=axis.bins)


def statistics(name: str, flow: FlowSums) -> StatisticsObject:
    """Return the flow of a spectrum."""
    return StatisticsObject(
        name=name,
        underflows=[int(count) for count in flow.underflows],
        overflows=[int(count) for count in flow.overflows],
    )


def integral(found: Integral) -> IntegralObject:
    """Return an integral."""
    return IntegralObject(centroid=list(found.centroid), fwhm=list(found.fwhm), counts=found.counts)


def sums(definition: Definition, flow: FlowSums) -> SumsObject:
    """Return counts beyond the limits of a spectrum."""
    (x_under, y_under), (x_over, y_over) = flow.underflows, flow.overflows
    is_flat = definition.y_axis is None
    return SumsObject(
        xunderflow=int(x_under),
        xoverflow=int(x_over),
        yunderflow=None if is_flat else int(y_under),
        yoverflow=None if is_flat else int(y_over),
    )


def variables(
    *,
    megabytes: int,
    batch_events: int,
    home: str,
    is_active: bool,
    error: str = "",
    run_number: str = UNDEFINED,
    run_title: str = UNDEFINED,
    items: str = UNDEFINED,
) -> VariablesObject:
    """Return the variables of the program.

    Args:
        megabytes: Size of the channels of the display memory, MiB.
        batch_events: Events that are processed at once.
        home: Folder of the program.
        is_active: Events are being processed.
        error: `FILE: byte OFFSET: REASON` of the last analysis; empty: there was none.
        run_number: Of the run, as text.
        run_title: Title of it.
        items: Items that were read of it, as text.
    """
    return VariablesObject(
        DisplayMegabytes=megabytes,
        OnlineState=False,
        EventListSize=batch_events,
        ParameterCount=UNDEFINED,
        LastSequence=UNDEFINED,
        RunNumber=run_number,
        BuffersAnalyzed=items,
        RunTitle=run_title,
        SpecTclHome=home,
        RunState="Active" if is_active else "Inactive",
        DisplayType="None",
        AnalysisError=error,
    )


def version(major: int = 1, minor: int = 2, editlevel: int = 4) -> VersionObject:
    """Return the version of Rustogramer that is followed: clients choose their menus by its name,
    and offer nothing to any other."""
    return VersionObject(major=major, minor=minor, editlevel=editlevel, program_name="Rustogramer")
