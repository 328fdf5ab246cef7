"""Table of all requests. Whatever serves, documents or checks them is made of it. Pure."""

from __future__ import annotations

from histogrammer.rest.protocol.answers import (
    EMPTY_CONTENTS,
    EMPTY_INTEGRAL,
    EMPTY_TRACES,
    BindingObject,
    ContentsObject,
    GatedObject,
    GateObject,
    IntegralObject,
    MirrorObject,
    ParameterObject,
    RingFormatObject,
    SpectrumObject,
    StatisticsObject,
    TracesObject,
    VariablesObject,
    VersionObject,
)
from histogrammer.rest.protocol.routes import Need, QueryParameter, Route, ValueType
from histogrammer.rest.protocol.stubs import STUB_ROUTES

__all__ = ["ROUTES"]

_TEXT, _NUMBER, _TRUTH = ValueType.TEXT, ValueType.NUMBER, ValueType.TRUTH
_INTEGER, _UNSIGNED = ValueType.INTEGER, ValueType.UNSIGNED


def _must(
    name: str, summary: str, kind: ValueType = _TEXT, aliases: tuple[str, ...] = ()
) -> QueryParameter:
    return QueryParameter(name, kind, Need.REQUIRED, summary, aliases=aliases)


def _may(
    name: str,
    summary: str,
    kind: ValueType = _TEXT,
    default: str | int | float | bool | None = None,
) -> QueryParameter:
    return QueryParameter(name, kind, Need.OPTIONAL, summary, default)


def _any(
    name: str, summary: str, kind: ValueType = _TEXT, aliases: tuple[str, ...] = ()
) -> QueryParameter:
    return QueryParameter(name, kind, Need.ANY, summary, aliases=aliases)


def _some(name: str, summary: str) -> QueryParameter:
    return QueryParameter(name, _TEXT, Need.SOME, summary)


def _pattern(of: str, name: str = "pattern") -> QueryParameter:
    return _may(name, f"pattern of {of}", default="*")


def _done(path: str, summary: str, *parameters: QueryParameter) -> Route:
    """Return a request whose detail is text, empty when all went well."""
    return Route(path, summary, str, "", parameters)


def _list(path: str, summary: str, detail: object, *parameters: QueryParameter) -> Route:
    return Route(path, summary, detail, [], parameters)


_POINTS = (
    _any("xcoord", "x of the points, in order", _NUMBER, ("xcoords",)),
    _any("ycoord", "y of the points, in order", _NUMBER, ("ycoords",)),
)
_METADATA = (
    _must("name", "name of the parameter"),
    _may("low", "suggested lower limit", _NUMBER),
    _may("high", "suggested upper limit", _NUMBER),
    _may("bins", "suggested number of bins", _UNSIGNED),
    _may("units", "unit"),
    _may("description", "description"),
)
_LIMITS = (
    _may("low", "lower limit", _NUMBER),
    _may("high", "upper limit", _NUMBER),
)
_CHANNEL = (
    _must("spectrum", "name of the spectrum"),
    _must("xchannel", "number of the bin; -1 is underflow", _INTEGER),
    _may("ychannel", "the same along y", _INTEGER),
)
_SPECTRUM = _must("spectrum", "name of the spectrum")
_PAIRS = list[tuple[str, str]]

_PARAMETERS = (
    _list(
        "parameter/list",
        "List parameters.",
        list[ParameterObject],
        _pattern("names", "filter"),
    ),
    _done("parameter/version", "Return the version of these requests."),
    _done("parameter/create", "Create a parameter.", *_METADATA),
    _done("parameter/edit", "Change the metadata that are given.", *_METADATA),
    _done("parameter/promote", "Give a parameter metadata.", *_METADATA),
    Route(
        "parameter/check",
        "Return the flag of changes, which is always 0.",
        int,
        None,
        (_must("name", "name of the parameter"),),
    ),
    Route(
        "parameter/uncheck",
        "Clear the flag of changes.",
        None,
        None,
        (_must("name", "name of the parameter"),),
    ),
    _list("parameter/listnew", "List what was created since the start: nothing.", list[str]),
    _done("rawparameter/new", "Create a parameter.", *_METADATA),
    _list(
        "rawparameter/list",
        "List parameters by pattern or by number.",
        list[ParameterObject],
        _may("pattern", "pattern of names"),
        _may("id", "number of the parameter", _UNSIGNED),
    ),
)

_GATES = (
    _list("gate/list", "List gates.", list[GateObject], _pattern("names")),
    _done("gate/delete", "Delete a gate.", _must("name", "name of the gate")),
    _done(
        "gate/edit",
        "Create or replace a gate.",
        _must("name", "name of the gate"),
        _must("type", "letters of its type"),
        _any("gate", "component gates"),
        _any("parameter", "parameters of a slice or of a gamma gate"),
        _may("xparameter", "x parameter of a band or contour"),
        _may("yparameter", "y parameter of a band or contour"),
        *_LIMITS,
        *_POINTS,
        _may("value", "mask, also hexadecimal as 0xff"),
    ),
    _list(
        "apply/apply",
        "Apply a gate to spectra.",
        _PAIRS,
        _must("gate", "name of the gate"),
        _any("spectrum", "names of spectra"),
    ),
    _list(
        "apply/list",
        "List the gates that are applied.",
        list[GatedObject],
        _pattern("names of spectra"),
    ),
    _list(
        "ungate",
        "Take gates from spectra.",
        _PAIRS,
        _any("name", "names of spectra", aliases=("spectrum",)),
    ),
    _done(
        "fold/apply",
        "Fold spectra by a gate.",
        _must("gate", "name of the gate"),
        _some("spectrum", "names of spectra"),
    ),
    _list("fold/list", "List folds.", list[GatedObject], _pattern("names of spectra")),
    _done("fold/remove", "Take the fold from a spectrum.", _SPECTRUM),
)

_SPECTRA = (
    _list("spectrum/list", "List spectra.", list[SpectrumObject], _pattern("names", "filter")),
    _done(
        "spectrum/create",
        "Create a spectrum.",
        _must("name", "name of the spectrum"),
        _must("type", "letters of its type"),
        _must("parameters", "Tcl list of its parameters"),
        _must("axes", "Tcl list of its axes, each {low high bins}"),
    ),
    _done("spectrum/delete", "Delete a spectrum.", _must("name", "name of the spectrum")),
    Route(
        "spectrum/contents",
        "Return the bins that are not zero.",
        ContentsObject,
        EMPTY_CONTENTS,
        (
            _must("name", "name of the spectrum"),
            _may("xlow", "only bins from this coordinate on", _NUMBER),
            _may("xhigh", "only bins up to this coordinate", _NUMBER),
            _may("ylow", "the same along y", _NUMBER),
            _may("yhigh", "the same along y", _NUMBER),
        ),
    ),
    _done("spectrum/zero", "Clear spectra.", _pattern("names")),
    Route("channel/get", "Return the counts of a bin.", float, 0.0, _CHANNEL),
    _done(
        "channel/set",
        "Set the counts of a bin.",
        *_CHANNEL,
        _must("value", "counts", _INTEGER),
    ),
    _list("specstats", "Return sums of flow cells.", list[StatisticsObject], _pattern("names")),
    Route(
        "integrate",
        "Integrate a spectrum, or a region of it.",
        IntegralObject,
        EMPTY_INTEGRAL,
        (_SPECTRUM, _may("gate", "slice or contour that is the region"), *_LIMITS, *_POINTS),
    ),
    _done(
        "project",
        "Make a projection.",
        _must("snapshot", "truth value: the new spectrum never changes"),
        _must("source", "name of the spectrum that is projected"),
        _must("newname", "name of the new spectrum"),
        _must("direction", "x or y"),
        _may("contour", "contour within which bins count; empty: none"),
        _may("bind", "bind the new spectrum to display memory", _TRUTH, True),
    ),
    _done(
        "swrite",
        "Write spectra into a file of the server.",
        _must("file", "path"),
        _must("format", "json or ascii"),
        _some("spectrum", "names of spectra"),
    ),
    _done(
        "sread",
        "Read spectra from a file of the server.",
        _must("filename", "path"),
        _must("format", "json or ascii"),
        _may("snapshot", "the spectra never change", _TRUTH, True),
        _may("replace", "spectra of the same names are replaced", _TRUTH, False),
        _may("bind", "bind the spectra to display memory", _TRUTH, True),
    ),
)

_DISPLAY = (
    _done("shmem/key", "Return where the display memory is."),
    _done("shmem/size", "Return the size of its channels, bytes."),
    Route("shmem/variables", "Return variables of the program.", VariablesObject, {}),
    _done("sbind/all", "Bind all spectra that are not bound."),
    _done("sbind/sbind", "Bind spectra.", _any("spectrum", "names of spectra")),
    _list("sbind/list", "List bindings.", list[BindingObject], _pattern("names of spectra")),
    _done(
        "sbind/set_update",
        "Set the period of the display memory.",
        _must("seconds", "period", _UNSIGNED),
    ),
    Route("sbind/get_update", "Return the period of the display memory, seconds.", int, 0),
    _done("unbind/byname", "Unbind spectra.", _some("name", "names of spectra")),
    _done("unbind/all", "Unbind all spectra."),
    _list(
        "mirror",
        "List copies of the display memory on other hosts: those that mirrors keep.",
        list[MirrorObject],
        _pattern("hosts"),
    ),
)

_PROGRAM = (
    _done(
        "attach/attach",
        "Attach a source of events.",
        _must("type", "file, or pipe"),
        _must("source", "path, or command"),
        _may("size", "bytes that are read at once", _UNSIGNED),
    ),
    _done("attach/list", "Return the source of events."),
    _done("attach/detach", "Detach the source of events."),
    _done("analyze/start", "Begin to process events."),
    _done("analyze/stop", "Stop processing events."),
    _done(
        "analyze/size",
        "Set the number of events that are processed at once.",
        _must("events", "number of events", _UNSIGNED, ("size",)),
    ),
    _done("ringformat", "Set the format of ring items.", _must("major", "11 or 12")),
    Route("ringformat/get", "Return the format of ring items.", RingFormatObject, {}),
    Route("version", "Return the version of the program.", VersionObject, {}),
    _done("exit", "End the program."),
    Route(
        "trace/establish",
        "Begin to note changes for a client; return its token.",
        int,
        0,
        (_must("retention", "seconds for which they are kept", _UNSIGNED),),
    ),
    Route(
        "trace/fetch",
        "Return the changes since the last fetch.",
        TracesObject,
        EMPTY_TRACES,
        (_must("token", "token of the client", _UNSIGNED),),
    ),
    _done(
        "trace/done",
        "Forget a client.",
        _must("token", "token of the client", _UNSIGNED),
    ),
)

ROUTES: dict[str, Route] = {
    route.path: route
    for route in (*_PARAMETERS, *_GATES, *_SPECTRA, *_DISPLAY, *_PROGRAM, *STUB_ROUTES)
}
"""Path below `/spectcl/` -> request."""
