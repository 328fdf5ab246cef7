"""Answers to requests: their shapes, and how they are made of what the histogrammer has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

from histogrammer.axes import Axis
from histogrammer.gates.condition import Condition
from histogrammer.spectra import sides
from histogrammer.spectra.definition import Definition

__all__ = [
    "EMPTY_CONTENTS",
    "EMPTY_INTEGRAL",
    "EMPTY_TRACES",
    "UNDEFINED",
    "Answer",
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
    "RegionLimits",
    "RingFormatObject",
    "SpectrumObject",
    "StatisticsObject",
    "SumsObject",
    "TracesObject",
    "VariablesObject",
    "VersionObject",
    "answer",
    "contents",
    "gate_object",
    "http_error",
    "integral",
    "parameter_object",
    "spectrum_object",
    "statistics",
    "variables",
    "version",
]

UNDEFINED = "-undefined-"
"""In the place of what is not known of a run."""
CHANNEL_TYPE = "f64"
DELETED = "-deleted-"
"""Component gate that was deleted."""
_REASONS = {
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}

RegionLimits: TypeAlias = tuple[float | None, float | None, float | None, float | None]
"""xlow, xhigh, ylow, yhigh; None: the limit of the axis."""


class Answer(TypedDict):
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
    """A gate; the limits mean something for slices only."""

    name: str
    type: str
    gates: list[str]
    parameters: list[str]
    points: list[PointObject]
    low: float
    high: float


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
    """What SpecTcl has in variables."""

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


def answer(detail: object, status: str = "OK") -> Answer:
    """Return an answer."""
    return Answer(status=status, detail=detail)


def http_error(code: int, description: str) -> HttpErrorObject:
    """Return the body of an HTTP error: 404, 405, 422 or 500."""
    return HttpErrorObject(
        error=ErrorObject(code=code, reason=_REASONS[code], description=description)
    )


def parameter_object(
    name: str,
    number: int,
    *,
    bins: int | None = None,
    low: float | None = None,
    high: float | None = None,
    units: str | None = None,
    description: str | None = None,
) -> ParameterObject:
    """Return a parameter; its upper limit is called `hi` there."""
    return ParameterObject(
        name=name, id=number, bins=bins, low=low, hi=high, units=units, description=description
    )


def gate_object(name: str, condition: Condition, components: Sequence[str]) -> GateObject:
    """Return a gate.

    Args:
        name: Its name.
        condition: It.
        components: Names of its component gates, with `DELETED` for those that were.
    """
    points = condition.points
    has_limits = len(points) >= 2
    return GateObject(
        name=name,
        type=condition.letters,
        gates=list(components),
        parameters=list(condition.parameters),
        points=[PointObject(x=x, y=y) for x, y in points],
        low=points[0][0] if has_limits else 0.0,
        high=points[1][0] if has_limits else 0.0,
    )


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


def statistics(
    name: str, underflows: tuple[float, float], overflows: tuple[float, float]
) -> StatisticsObject:
    """Return sums of flow cells, (x, y) each."""
    return StatisticsObject(
        name=name,
        underflows=[int(count) for count in underflows],
        overflows=[int(count) for count in overflows],
    )


def integral(
    centroid: tuple[float, float], fwhm: tuple[float, float], counts: float
) -> IntegralObject:
    """Return an integral; centroid and width (x, y)."""
    return IntegralObject(centroid=list(centroid), fwhm=list(fwhm), counts=int(counts))


def contents(
    definition: Definition,
    cells: npt.NDArray[np.float64],
    underflows: tuple[float, float],
    overflows: tuple[float, float],
    limits: RegionLimits = (None, None, None, None),
) -> ContentsObject:
    """Return the bins of a spectrum that are not zero; flow cells stand in the statistics alone.

    Args:
        definition: The spectrum.
        cells: Its cells, of its shape.
        underflows: Sums of flow cells, (x, y).
        overflows: The same.
        limits: Only bins whose lower edges are within them, both ends included; those along y are
            nothing to a spectrum of one dimension.
    """
    x_low, x_high, y_low, y_high = limits
    x_edges, x_bins = _within(definition.x_axis, x_low, x_high)
    y_axis = definition.y_axis
    sums = SumsObject(
        xunderflow=int(underflows[0]),
        xoverflow=int(overflows[0]),
        yunderflow=None if y_axis is None else int(underflows[1]),
        yoverflow=None if y_axis is None else int(overflows[1]),
    )
    if y_axis is None:
        counts = cells[1:-1][x_bins]
        (at,) = np.nonzero(counts)
        xs, ys, values = x_edges[at], np.zeros(len(at)), counts[at]
    else:
        y_edges, y_bins = _within(y_axis, y_low, y_high)
        counts = cells[1:-1, 1:-1][y_bins, x_bins]
        rows, columns = np.nonzero(counts)
        xs, ys, values = x_edges[columns], y_edges[rows], counts[rows, columns]
    triples: Iterable[tuple[float, float, float]] = zip(
        xs.tolist(), ys.tolist(), values.tolist(), strict=True
    )
    return ContentsObject(
        statistics=sums, channels=[ChannelObject(x=x, y=y, v=v) for x, y, v in triples]
    )


def _within(
    axis: Axis, low: float | None, high: float | None
) -> tuple[npt.NDArray[np.float64], slice]:
    """Return the lower edges of the bins that lie within limits, and where these bins are."""
    edges = axis.low + np.arange(axis.bins, dtype=np.float64) * axis.width
    first = 0 if low is None else int(np.searchsorted(edges, low, "left"))
    last = axis.bins if high is None else int(np.searchsorted(edges, high, "right"))
    bins = slice(first, max(first, last))
    return edges[bins], bins


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
