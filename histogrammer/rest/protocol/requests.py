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
from histogrammer.rest.protocol.routes import (
    Route,
    ValueType,
    any_of,
    done,
    listing,
    may,
    must,
    pattern,
    some,
)
from histogrammer.rest.protocol.stubs import STUB_ROUTES

__all__ = ["LIMITS", "METADATA", "PAIRS", "PICTURE", "POINTS", "ROUTES", "SPECTRUM"]

_NUMBER, _TRUTH = ValueType.NUMBER, ValueType.TRUTH
_INTEGER, _UNSIGNED = ValueType.INTEGER, ValueType.UNSIGNED


POINTS = (
    any_of("xcoord", "x of the points, in order", _NUMBER, ("xcoords",)),
    any_of("ycoord", "y of the points, in order", _NUMBER, ("ycoords",)),
)
METADATA = (
    must("name", "name of the parameter"),
    may("low", "suggested lower limit", _NUMBER),
    may("high", "suggested upper limit", _NUMBER),
    may("bins", "suggested number of bins", _UNSIGNED),
    may("units", "unit"),
    may("description", "description"),
)
LIMITS = (
    may("low", "lower limit", _NUMBER),
    may("high", "upper limit", _NUMBER),
)
_CHANNEL = (
    must("spectrum", "name of the spectrum"),
    must("xchannel", "number of the bin; -1 is underflow", _INTEGER),
    may("ychannel", "the same along y", _INTEGER),
)
SPECTRUM = must("spectrum", "name of the spectrum")
PAIRS = list[tuple[str, str]]

_PARAMETERS = (
    listing(
        "parameter/list",
        "List parameters.",
        list[ParameterObject],
        pattern("names", "filter"),
    ),
    done("parameter/version", "Return the version of these requests."),
    done("parameter/create", "Create a parameter.", *METADATA),
    done("parameter/edit", "Change the metadata that are given.", *METADATA),
    done("parameter/promote", "Give a parameter metadata.", *METADATA),
    Route(
        "parameter/check",
        "Return the flag of changes, which is always 0.",
        int,
        None,
        (must("name", "name of the parameter"),),
    ),
    Route(
        "parameter/uncheck",
        "Clear the flag of changes.",
        None,
        None,
        (must("name", "name of the parameter"),),
    ),
    listing("parameter/listnew", "List what was created since the start: nothing.", list[str]),
    done("rawparameter/new", "Create a parameter.", *METADATA),
    listing(
        "rawparameter/list",
        "List parameters by pattern or by number.",
        list[ParameterObject],
        may("pattern", "pattern of names"),
        may("id", "number of the parameter", _UNSIGNED),
    ),
)

_GATES = (
    listing("gate/list", "List gates.", list[GateObject], pattern("names")),
    done("gate/delete", "Delete a gate.", must("name", "name of the gate")),
    done(
        "gate/edit",
        "Create or replace a gate.",
        must("name", "name of the gate"),
        must("type", "letters of its type"),
        any_of("gate", "component gates"),
        any_of("parameter", "parameters of a slice or of a gamma gate"),
        may("xparameter", "x parameter of a band or contour"),
        may("yparameter", "y parameter of a band or contour"),
        *LIMITS,
        *POINTS,
        may("value", "mask, also hexadecimal as 0xff"),
    ),
    listing(
        "apply/apply",
        "Apply a gate to spectra.",
        PAIRS,
        must("gate", "name of the gate"),
        any_of("spectrum", "names of spectra"),
    ),
    listing(
        "apply/list",
        "List the gates that are applied.",
        list[GatedObject],
        pattern("names of spectra"),
    ),
    listing(
        "ungate",
        "Take gates from spectra.",
        PAIRS,
        any_of("name", "names of spectra", aliases=("spectrum",)),
    ),
    done(
        "fold/apply",
        "Fold spectra by a gate.",
        must("gate", "name of the gate"),
        some("spectrum", "names of spectra"),
    ),
    listing("fold/list", "List folds.", list[GatedObject], pattern("names of spectra")),
    done("fold/remove", "Take the fold from a spectrum.", SPECTRUM),
)

_SPECTRA = (
    listing("spectrum/list", "List spectra.", list[SpectrumObject], pattern("names", "filter")),
    done(
        "spectrum/create",
        "Create a spectrum.",
        must("name", "name of the spectrum"),
        must("type", "letters of its type"),
        must("parameters", "Tcl list of its parameters"),
        must("axes", "Tcl list of its axes, each {low high bins}"),
    ),
    done("spectrum/delete", "Delete a spectrum.", must("name", "name of the spectrum")),
    Route(
        "spectrum/contents",
        "Return the bins that are not zero.",
        ContentsObject,
        EMPTY_CONTENTS,
        (
            must("name", "name of the spectrum"),
            may("xlow", "only bins from this coordinate on", _NUMBER),
            may("xhigh", "only bins up to this coordinate", _NUMBER),
            may("ylow", "the same along y", _NUMBER),
            may("yhigh", "the same along y", _NUMBER),
        ),
    ),
    done("spectrum/zero", "Clear spectra.", pattern("names")),
    Route("channel/get", "Return the counts of a bin.", float, 0.0, _CHANNEL),
    done(
        "channel/set",
        "Set the counts of a bin.",
        *_CHANNEL,
        must("value", "counts", _INTEGER),
    ),
    listing("specstats", "Return sums of flow cells.", list[StatisticsObject], pattern("names")),
    Route(
        "integrate",
        "Integrate a spectrum, or a region of it.",
        IntegralObject,
        EMPTY_INTEGRAL,
        (SPECTRUM, may("gate", "slice or contour that is the region"), *LIMITS, *POINTS),
    ),
    done(
        "project",
        "Make a projection.",
        must("snapshot", "truth value: the new spectrum never changes"),
        must("source", "name of the spectrum that is projected"),
        must("newname", "name of the new spectrum"),
        must("direction", "x or y"),
        may("contour", "contour within which bins count; empty: none"),
        may("bind", "bind the new spectrum to display memory", _TRUTH, True),
    ),
    done(
        "swrite",
        "Write spectra into a file of the server.",
        must("file", "path"),
        must("format", "json, ascii, csv, root or hdf5"),
        some("spectrum", "names of spectra"),
    ),
    done(
        "sread",
        "Read spectra from a file of the server.",
        must("filename", "path"),
        must("format", "json, ascii, csv, root or hdf5"),
        may("snapshot", "the spectra never change", _TRUTH, True),
        may("replace", "spectra of the same names are replaced", _TRUTH, False),
        may("bind", "bind the spectra to display memory", _TRUTH, True),
    ),
)

_DISPLAY = (
    done("shmem/key", "Return where the display memory is."),
    done("shmem/size", "Return the size of its channels, bytes."),
    Route("shmem/variables", "Return variables of the program.", VariablesObject, {}),
    done("sbind/all", "Bind all spectra that are not bound."),
    done("sbind/sbind", "Bind spectra.", any_of("spectrum", "names of spectra")),
    listing("sbind/list", "List bindings.", list[BindingObject], pattern("names of spectra")),
    done(
        "sbind/set_update",
        "Set the period of the display memory.",
        must("seconds", "period", _UNSIGNED),
    ),
    Route("sbind/get_update", "Return the period of the display memory, seconds.", int, 0),
    done("unbind/byname", "Unbind spectra.", some("name", "names of spectra")),
    done("unbind/all", "Unbind all spectra."),
    listing(
        "mirror",
        "List copies of the display memory on other hosts: those that mirrors keep.",
        list[MirrorObject],
        pattern("hosts"),
    ),
)

_PROGRAM = (
    done(
        "attach/attach",
        "Attach a source of events.",
        must("type", "file, pipe, or stream"),
        must("source", "path, or name of a program or stream of the configuration"),
        may("size", "bytes that are read at once", _UNSIGNED),
    ),
    done("attach/list", "Return the source of events."),
    done("attach/detach", "Detach the source of events."),
    done("analyze/start", "Begin to process events."),
    done("analyze/stop", "Stop processing events."),
    done(
        "analyze/size",
        "Set the number of events that are processed at once.",
        must("events", "number of events", _UNSIGNED, ("size",)),
    ),
    done("ringformat", "Set the format of ring items.", must("major", "11 or 12")),
    Route("ringformat/get", "Return the format of ring items.", RingFormatObject, {}),
    Route("version", "Return the version of the program.", VersionObject, {}),
    done("exit", "End the program."),
    Route(
        "trace/establish",
        "Begin to note changes for a client; return its token.",
        int,
        0,
        (must("retention", "seconds for which they are kept", _UNSIGNED),),
    ),
    Route(
        "trace/fetch",
        "Return the changes since the last fetch.",
        TracesObject,
        EMPTY_TRACES,
        (must("token", "token of the client", _UNSIGNED),),
    ),
    done(
        "trace/done",
        "Forget a client.",
        must("token", "token of the client", _UNSIGNED),
    ),
)

PICTURE = Route(
    "pictures/spectrum",
    "Return a spectrum with its gates as a picture, PNG.",
    bytes,
    b"",
    (
        must("name", "name of the spectrum"),
        may("width", "pixels", _UNSIGNED, 800),
        may("height", "pixels", _UNSIGNED, 500),
        may("log", "counts are drawn logarithmically", _TRUTH, False),
    ),
)
"""Not below `/spectcl/`, where clients know what there is."""

ROUTES: dict[str, Route] = {
    route.path: route
    for route in (*_PARAMETERS, *_GATES, *_SPECTRA, *_DISPLAY, *_PROGRAM, *STUB_ROUTES)
}
"""Path below `/spectcl/` -> request."""
