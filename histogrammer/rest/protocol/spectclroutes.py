"""Requests as SpecTcl has them: those that Rustogramer answers with stubs, and those that take or
return something else there; and the table of both programs together. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from histogrammer.flavors import Flavor
from histogrammer.rest.protocol.requests import METADATA, POINTS, ROUTES, SPECTRUM
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
from histogrammer.rest.protocol.spectclanswers import (
    EMPTY_NUMBERS,
    EditVersionObject,
    FilterObject,
    FitObject,
    NumberedContentsObject,
    PipelineObject,
    PlainIntegralObject,
    PseudoObject,
    ShortGateObject,
    ShortParameterObject,
    TreeObject,
    TreeVariableObject,
)
from histogrammer.rest.protocol.stubs import STUBS

__all__ = ["DIFFERENCES", "NOT_THERE", "SPECTCL_ROUTES", "matrix", "routes_of"]

_NUMBER, _UNSIGNED = ValueType.NUMBER, ValueType.UNSIGNED

_NAME = must("name", "name of the parameter")
_LIMITED = (
    _NAME,
    must("low", "suggested lower limit", _NUMBER),
    must("high", "suggested upper limit", _NUMBER),
    must("bins", "suggested number of bins", _UNSIGNED),
    *METADATA[4:],
)
_CHANNEL_TYPES = may("chantype", "taken, and without effect: counts do not wrap")

_CHANGED = (
    listing(
        "parameter/list", "List parameters.", list[ShortParameterObject], pattern("names", "filter")
    ),
    done("parameter/create", "Create a tree parameter.", *_LIMITED),
    done("parameter/promote", "Make a parameter a tree parameter.", *_LIMITED),
    Route("parameter/check", "Return 1 if clients have changed a parameter.", int, None, (_NAME,)),
    listing("parameter/listnew", "List the parameters that clients have created.", list[str]),
    done(
        "rawparameter/new",
        "Create a parameter.",
        _NAME,
        must("number", "number of the parameter, not in use", _UNSIGNED),
        may("resolution", "number of bits; 2 to this power are its bins", _UNSIGNED),
        *METADATA[1:],
    ),
    listing(
        "rawparameter/list",
        "List parameters by pattern or by number.",
        list[ShortParameterObject],
        may("pattern", "pattern of names"),
        may("id", "number of the parameter", _UNSIGNED),
    ),
    listing("gate/list", "List gates.", list[ShortGateObject], pattern("names")),
    done(
        "spectrum/create",
        "Create a spectrum, and bind it to display memory.",
        *ROUTES["spectrum/create"].parameters,
        _CHANNEL_TYPES,
    ),
    Route(
        "spectrum/contents",
        "Return the channels that are not zero, by their numbers.",
        NumberedContentsObject,
        EMPTY_NUMBERS,
        (must("name", "name of the spectrum"),),
    ),
    Route(
        "integrate",
        "Integrate a spectrum, or a region of it.",
        PlainIntegralObject,
        PlainIntegralObject(centroid=0.0, fwhm=0.0, counts=0),
        (
            SPECTRUM,
            may("gate", "slice or contour that is the region"),
            may("low", "first channel", _NUMBER),
            may("high", "last channel", _NUMBER),
            *POINTS,
        ),
    ),
    done(
        "swrite",
        "Write spectra into a file of the server.",
        must("file", "path"),
        may("format", "as of Rustogramer", default="ascii"),
        *ROUTES["swrite"].parameters[2:],
    ),
    done(
        "sread",
        "Read spectra from a file of the server.",
        must("filename", "path"),
        may("format", "as of Rustogramer", default="ascii"),
        *ROUTES["sread"].parameters[2:],
    ),
    Route("shmem/variables", "Return variables of the program, as texts.", dict[str, str], {}),
    done(
        "attach/attach",
        "Attach a source of events.",
        *ROUTES["attach/attach"].parameters,
        may("format", "ring, or filter: a file that a filter wrote", default="ring"),
    ),
    Route("version", "Return the version of the program.", EditVersionObject, {}),
)

_PARAMETERS = (
    done(
        "rawparameter/delete",
        "Delete a parameter that nothing uses.",
        may("name", "name of the parameter"),
        may("id", "its number", _UNSIGNED),
    ),
    done(
        "pseudo/create",
        "Create a parameter that is computed from others.",
        must("pseudo", "name of the parameter"),
        some("parameter", "names of those that it is computed from"),
        must("computation", "expression of $NAME and $NAMEisValid"),
    ),
    done("pseudo/delete", "Compute a parameter no more.", must("name", "its name")),
    listing("pseudo/list", "List pseudo parameters.", list[PseudoObject], pattern("names")),
    listing("treevariable/list", "List variables.", list[TreeVariableObject]),
    done(
        "treevariable/set",
        "Give a variable a value.",
        must("name", "name of the variable"),
        must("value", "number", _NUMBER),
        must("units", "units of it"),
    ),
    Route(
        "treevariable/check",
        "Return 1 if clients have changed a variable.",
        int,
        None,
        (must("name", "name of the variable"),),
    ),
    done("treevariable/setchanged", "Say that a variable is changed.", must("name", "its name")),
    done(
        "treevariable/firetraces",
        "Have traces of variables called: there are none.",
        pattern("names"),
    ),
)

_EVENTS = (
    done(
        "filter/new",
        "Create a filter, which writes nothing yet.",
        must("name", "name of the filter"),
        must("gate", "gate that selects events"),
        some("parameter", "names of those that are written"),
    ),
    done("filter/delete", "Delete a filter, and close its file.", must("name", "its name")),
    done("filter/enable", "Have a filter write.", must("name", "its name")),
    done("filter/disable", "Have a filter write no more.", must("name", "its name")),
    done(
        "filter/regate",
        "Give a filter another gate.",
        must("name", "name of the filter"),
        must("gate", "gate that selects events"),
    ),
    done(
        "filter/file",
        "Give a filter a new file of the server.",
        must("name", "name of the filter"),
        must("file", "path, at which nothing is yet"),
    ),
    done(
        "filter/format",
        "Set the format of a filter's file.",
        must("name", "name of the filter"),
        must("format", "ring"),
    ),
    listing("filter/list", "List filters.", list[FilterObject], pattern("names")),
    done(
        "roottree/create",
        "Write events into the new file TREE.root, in the first folder for files.",
        must("tree", "name of the tree"),
        some("parameter", "patterns of names of those that are written"),
        may("gate", "gate that selects events; empty: all"),
    ),
    done(
        "roottree/delete",
        "Write a tree no more, and close its file.",
        must("tree", "name of the tree"),
    ),
    listing(
        "roottree/list", "List ROOT trees that are written.", list[TreeObject], pattern("names")
    ),
    done(
        "fit/create",
        "Create a fit.",
        must("name", "name of the fit"),
        must("spectrum", "name of a spectrum of one dimension"),
        must("low", "first channel", _NUMBER),
        must("high", "last channel", _NUMBER),
        must("type", "linear or gaussian"),
    ),
    done("fit/update", "Fit again to what spectra have now.", pattern("names")),
    done("fit/delete", "Delete a fit.", must("name", "its name")),
    done("fit/proc", "Refuse: fits are no Tcl procedures.", must("name", "name of the fit")),
    listing("fit/list", "List fits.", list[FitObject], pattern("names")),
    done("unbind/byid", "Unbind spectra by their numbers.", any_of("id", "numbers", _UNSIGNED)),
)

_PIPELINES = (
    listing("evbunpack/list", "List unpackers of built events: none.", list[str], pattern("names")),
    done("evbunpack/create", "Refuse: events come unpacked.", any_of("name", "name")),
    done("evbunpack/add", "Refuse: events come unpacked.", any_of("evpname", "name")),
    listing("pman/ls", "List the names of pipelines.", list[str], pattern("names")),
    listing("pman/list", "List the names of pipelines.", list[str], pattern("names")),
    Route("pman/current", "Return the pipeline in use.", PipelineObject, {}),
    listing("pman/lsall", "List pipelines.", list[PipelineObject], pattern("names")),
    listing("pman/lsevp", "List the names of event processors.", list[str], pattern("names")),
    done("pman/use", "Use a pipeline; there is one.", must("name", "its name")),
    done("pman/create", "Refuse: pipelines are built in.", any_of("name", "name")),
    done("pman/add", "Refuse: pipelines are built in.", any_of("pipeline", "name")),
    done("pman/rm", "Refuse: pipelines are built in.", any_of("pipeline", "name")),
    done("pman/clear", "Refuse: pipelines are built in.", any_of("pipeline", "name")),
    done("pman/clone", "Refuse: pipelines are built in.", any_of("source", "name")),
    done("script", "Refuse: scripts are not carried out.", must("command", "Tcl script")),
)

SPECTCL_ROUTES: dict[str, Route] = {
    route.path: route for route in (*_CHANGED, *_PARAMETERS, *_EVENTS, *_PIPELINES)
}
"""Path -> request, of those that are other than in `requests.ROUTES`."""

_BUILT_IN = "the pipeline `default` is built in, and no other can be made"
_UNPACKED = "events come as parameters, unpacked by the analysis pipeline: nothing is unpacked here"
NOT_THERE: dict[str, str] = {
    "evbunpack/create": _UNPACKED,
    "evbunpack/add": _UNPACKED,
    "pman/create": _BUILT_IN,
    "pman/add": _BUILT_IN,
    "pman/rm": _BUILT_IN,
    "pman/clear": _BUILT_IN,
    "pman/clone": _BUILT_IN,
    "fit/proc": "fits are functions of this program, not Tcl procedures: draw with the parameters of fit/list",
    "script": "scripts are not carried out: there is no Tcl interpreter here; make requests instead",
}
"""Path -> sentence with which a request is refused by the rules of SpecTcl."""

DIFFERENCES: dict[str, str] = {
    "parameter/list": "keys that were never set are left out",
    "parameter/version": "2.1",
    "parameter/create": "limits and bins are needed",
    "parameter/promote": "limits and bins are needed; not of a tree parameter",
    "parameter/edit": "sets the flag of changes",
    "parameter/check": "0 or 1",
    "parameter/uncheck": "clears the flag of changes",
    "parameter/listnew": "names that clients created",
    "rawparameter/new": "takes a number",
    "rawparameter/list": "keys that were never set are left out",
    "gate/list": "only keys that the type has",
    "gate/delete": "a gate that is never true takes its place",
    "apply/list": "`-TRUE-` in the place of null",
    "spectrum/list": "`long`, `-TRUE-`; of a summary one axis; an axis that is not there is empty",
    "spectrum/create": "binds the spectrum, if there is room",
    "spectrum/delete": "status `not foUNd` of an unknown one",
    "spectrum/contents": "integers by numbers of channels; no region; status `not found`",
    "channel/get": "an integer",
    "specstats": "one number of one dimension",
    "integrate": "limits are channels; plain numbers of one dimension; without counts a failure",
    "swrite": "format `ascii` if none is given",
    "sread": "format `ascii` if none is given",
    "shmem/variables": "all texts, with `OnlineState`, `ParameterCount`, `LastSequence`",
    "attach/attach": "formats other than `ring` and `filter` are refused",
    "trace/establish": "tokens from 1",
    "version": "`SpecTcl` 5.14",
}
"""Path -> phrase about what is other in the flavor of SpecTcl, of requests that both carry out."""


def routes_of(flavor: Flavor) -> Mapping[str, Route]:
    """Return all requests of a flavor: path below `/spectcl/` -> request."""
    return {**ROUTES, **SPECTCL_ROUTES} if flavor.carries_out_all else ROUTES


def matrix() -> list[tuple[str, str, str]]:
    """Return each request, and what becomes of it in the flavors of Rustogramer and of SpecTcl."""
    return [(path, _of_rustogramer(path), _of_spectcl(path)) for path in ROUTES]


def _of_rustogramer(path: str) -> str:
    return "refused, as by Rustogramer" if path in STUBS else "carried out"


def _of_spectcl(path: str) -> str:
    if path in NOT_THERE:
        return f"refused: {NOT_THERE[path]}"
    return f"carried out: {DIFFERENCES[path]}" if path in DIFFERENCES else "carried out"
