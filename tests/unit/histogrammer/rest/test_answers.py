"""Shapes of answers, against the examples of the reference; what Rustogramer cannot do."""

from __future__ import annotations

import json
import typing

import pytest

from histogrammer.analysis.integration import Integral
from histogrammer.analysis.statistics import FlowSums
from histogrammer.axes import Axis
from histogrammer.flavors import RUSTOGRAMER
from histogrammer.gates import masks
from histogrammer.gates.condition import ConditionKind, Context, Given
from histogrammer.parameters import Metadata, Parameter
from histogrammer.rest.protocol import answers
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.stubs import STUBS
from histogrammer.spectra.definition import Definition

E, DE = Axis(0.0, 4096.0, 512), Axis(0.0, 1024.0, 256)
DE_E = Definition(name="de.vs.e", kind="2", groups=(("det.e",), ("det.de",)), x_axis=E, y_axis=DE)


class Slice:
    """A gate as the histogrammer has it."""

    letters = "s"
    parameters = ("det.e.01",)
    gates = ()
    points = ((310.0, 0.0), (355.0, 0.0))

    def truth(self, block: object, truths: object) -> typing.Never:
        raise NotImplementedError


def same(made: object, text: str) -> bool:
    """Keys in their order, and types of numbers, too."""
    return json.dumps(made) == json.dumps(json.loads(text))


def test_a_parameter_has_the_keys_of_the_reference() -> None:
    metadata = Metadata(bins=2048, low=0.0, high=4095.0, units="keV")
    made = answers.parameter_object(Parameter("det.e.01", 3, metadata))
    assert same(
        made,
        '{"name": "det.e.01", "id": 3, "bins": 2048, "low": 0.0, "hi": 4095.0,'
        ' "units": "keV", "description": null}',
    )


def test_a_gate_has_all_keys() -> None:
    assert same(
        answers.gate_object("win", Slice(), ()),
        '{"name": "win", "type": "s", "gates": [], "parameters": ["det.e.01"],'
        ' "points": [{"x": 310.0, "y": 0.0}, {"x": 355.0, "y": 0.0}],'
        ' "low": 310.0, "high": 355.0}',
    )


@pytest.mark.parametrize("kind", masks.KINDS)
def test_a_mask_has_a_value_after_the_keys_of_all_gates(kind: ConditionKind) -> None:
    context = Context(flavor=RUSTOGRAMER, parameters={"hits"}, conditions={})
    made = answers.gate_object("m", kind.create(Given(parameters=("hits",), value=6), context), ())
    assert same(
        made,
        f'{{"name": "m", "type": "{kind.letters}", "gates": [], "parameters": ["hits"],'
        ' "points": [], "low": 0.0, "high": 0.0, "value": 6}',
    )


def test_a_spectrum_has_the_keys_of_the_reference() -> None:
    x = '{"low": 0.0, "high": 4096.0, "bins": 512}'
    y = '{"low": 0.0, "high": 1024.0, "bins": 256}'
    assert same(
        answers.spectrum_object(DE_E, 4, None),
        '{"id": 4, "name": "de.vs.e", "type": "2", "parameters": ["det.e", "det.de"],'
        ' "xparameters": ["det.e"], "yparameters": ["det.de"],'
        f' "axes": [{x}, {y}], "xaxis": {x}, "yaxis": {y}, "chantype": "f64", "gate": null}}',
    )


def test_a_spectrum_of_one_dimension_has_no_y_axis() -> None:
    definition = Definition(name="h", kind="g1", groups=(("a", "b"),), x_axis=E)
    made = answers.spectrum_object(definition, 0, "win")
    assert (made["xparameters"], made["yparameters"]) == (["a", "b"], [])
    assert (made["yaxis"], len(made["axes"]), made["gate"]) == (None, 1, "win")


def test_sums_and_integrals_have_two_numbers() -> None:
    assert same(
        answers.statistics("de.vs.e", FlowSums((12.0, 0.0), (3.0, 41.0))),
        '{"name": "de.vs.e", "underflows": [12, 0], "overflows": [3, 41]}',
    )
    assert same(
        answers.integral(Integral((412.5, 0.0), (18.25, 0.0), 9321)),
        '{"centroid": [412.5, 0.0], "fwhm": [18.25, 0.0], "counts": 9321}',
    )


def test_the_version_is_that_of_rustogramer() -> None:
    assert same(
        answers.answer(answers.version()),
        '{"status": "OK", "detail": {"major": 1, "minor": 2, "editlevel": 4,'
        ' "program_name": "Rustogramer"}}',
    )


def test_unknown_variables_are_texts() -> None:
    made = answers.variables(megabytes=32, batch_events=100, home="/opt", is_active=True)
    assert (made["RunState"], made["RunNumber"], made["OnlineState"]) == (
        "Active",
        "-undefined-",
        False,
    )


def test_an_http_error_is_an_object() -> None:
    assert answers.http_error(422, "name is required") == {
        "error": {"code": 422, "reason": "Unprocessable Entity", "description": "name is required"}
    }


NOT_SPECTCL = "This is not SpecTcl"
STUB_ANSWERS = [
    ("evbunpack/add", "/spectcl/evbunpack/add is not implemented", NOT_SPECTCL),
    (
        "evbunpack/list",
        "/spectcl/evbunpack/list is not implemented - this is not SpecTcl",
        [],
    ),
    ("filter/regate", "/spectcl/filter/regate is not implemented", NOT_SPECTCL),
    ("fit/proc", "/spectcl/fit/proc is not supported", "This is not Spectcl"),
    ("pman/clone", "Pipeline management is not implemented", NOT_SPECTCL),
    ("pman/list", "Pipeline managment is not implemented - this is not SpecTcl", []),
    ("pman/lsevp", "Pipeline management is not implemented - this is not SpecTcl", []),
    ("pseudo/create", "Pseudo parameters are not implemented", NOT_SPECTCL),
    ("pseudo/list", "Psuedo parameters are not implemented - this is not SpecTcl", []),
    ("roottree/delete", "Root Tree output is not supported", NOT_SPECTCL),
    ("roottree/list", "Root tree output is not implemented - this is not SpecTcl", []),
    ("script", "Script execution is not supported", NOT_SPECTCL),
    ("treevariable/set", "Tree variables are not implemented", NOT_SPECTCL),
    ("treevariable/list", "Tree variables are not implemented.  This is not SpecTcl", []),
    ("unbind/byid", "Unbind by id is not implemented", NOT_SPECTCL),
    (
        "rawparameter/delete",
        "Deletion of parameters is not supported",
        "This is rustogrammer not SpecTcl",
    ),
]


@pytest.mark.parametrize(("path", "status", "detail"), STUB_ANSWERS)
def test_what_only_spectcl_can_do_is_answered_as_by_rustogramer(
    path: str, status: str, detail: object
) -> None:
    assert STUBS[path].answer == {"status": status, "detail": detail}


def test_empty_details_are_of_their_types() -> None:
    for route in ROUTES.values():
        kind = typing.get_origin(route.detail) or route.detail
        if kind in (str, list, float):
            assert isinstance(route.empty, kind), route.path  # type: ignore[arg-type]
