"""Answers in the flavor of SpecTcl, where they are other than Rustogramer's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rest_client import RestClient, rest_client

from histogrammer.flavors import RUSTOGRAMER, SPECTCL
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.routes import ValueType
from histogrammer.rest.protocol.spectclroutes import (
    DIFFERENCES,
    NOT_THERE,
    SPECTCL_ROUTES,
    matrix,
    routes_of,
)
from histogrammer.rest.protocol.stubs import STUBS


def test_the_version_is_that_of_spectcl(rest: RestClient) -> None:
    assert rest.ok("version") == {
        "major": 5,
        "minor": 14,
        "editlevel": "000",
        "program_name": "SpecTcl",
    }


def test_parameters_have_only_what_is_known(rest: RestClient) -> None:
    assert rest.ok("parameter/list", filter="a") == [{"name": "a", "id": 1}]
    rest.ok("parameter/create", name="e", low=0, high=4096, bins=512)
    assert rest.ok("parameter/listnew") == ["e"]
    (listed,) = rest.ok("parameter/list", filter="e")
    assert listed == {"name": "e", "id": 5, "bins": 512, "low": 0.0, "hi": 4096.0}
    assert rest("parameter/create", name="f", low=0, high=1) == ("missing parameter", "bins")
    assert rest("parameter/create", name="f", low="x", high=1, bins=1) == ("bad parameter", "low")


def test_changes_of_parameters_are_flagged_until_they_are_unchecked(rest: RestClient) -> None:
    assert rest.ok("parameter/check", name="a") == 0
    rest.ok("parameter/promote", name="a", low=0, high=8, bins=8)
    assert rest("parameter/promote", name="a", low=0, high=8, bins=8)[0] == "already treeparameter"
    assert rest.ok("parameter/check", name="a") == 1
    rest.ok("parameter/uncheck", name="a")
    assert rest.ok("parameter/check", name="a") == 0
    rest.ok("parameter/edit", name="a", units="keV")
    assert rest.ok("parameter/check", name="a") == 1


def test_raw_parameters_have_numbers_and_are_deleted_when_nothing_uses_them(
    rest: RestClient,
) -> None:
    rest.ok("rawparameter/new", name="raw", number=100, resolution=10)
    assert rest.ok("rawparameter/list", id=100) == [{"name": "raw", "id": 100, "bins": 1024}]
    assert rest("rawparameter/new", name="other", number=100)[0] == "Could not modify metadata"
    rest.ok("rawparameter/new", name="lower", number=50)
    rest.book("h", "1", "raw", "0 8 8")
    _, detail = rest("rawparameter/delete", name="raw")
    assert "used by spectrum h" in detail
    rest.ok("spectrum/delete", name="h")
    rest.ok("rawparameter/delete", id=100)
    assert rest.ok("rawparameter/list", pattern="raw") == []
    assert rest("rawparameter/delete") == ("missing parameter", "either name or id")


def test_gates_have_the_keys_of_their_type(rest: RestClient) -> None:
    rest.ok("gate/edit", name="s", type="s", parameter="a", low=1, high=2)
    rest.ok("gate/edit", name="n", type="-", gate="s")
    rest.ok("gate/edit", name="m", type="em", parameter="a", value="0xff")
    band = {"xparameter": "a", "yparameter": "b", "xcoord": [1, 2], "ycoord": [3, 4]}
    rest.ok("gate/edit", name="b", type="b", **band)
    rest.ok("gate/edit", name="T", type="T")
    assert {one.pop("name"): one for one in rest.ok("gate/list")} == {
        "s": {"type": "s", "parameters": ["a"], "low": 1.0, "high": 2.0},
        "n": {"type": "-", "gates": ["s"]},
        "m": {"type": "em", "parameters": ["a"], "value": 255},
        "b": {
            "type": "b",
            "parameters": ["a", "b"],
            "points": [{"x": 1.0, "y": 3.0}, {"x": 2.0, "y": 4.0}],
        },
        "T": {"type": "T"},
    }


def test_a_deleted_gate_is_one_that_is_never_true(rest: RestClient) -> None:
    rest.ok("gate/edit", name="g", type="s", parameter="a", low=1, high=2)
    rest.book("h", "1", "a", "0 8 8")
    rest.ok("apply/apply", gate="g", spectrum="h")
    rest.ok("gate/delete", name="g")
    assert rest.ok("gate/list") == [{"name": "g", "type": "F"}]
    assert rest.ok("apply/list") == [{"spectrum": "h", "gate": "g"}]
    rest.fill([{"a": 1.0}])
    assert rest.ok("spectrum/contents", name="h")["channels"] == []


def test_spectra_are_bound_at_once_and_named_in_the_words_of_spectcl(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 8 8")
    rest.book("sum", "s", "a b", "0 8 8")
    assert [one["name"] for one in rest.ok("sbind/list")] == ["h", "sum"]
    flat, summary = rest.ok("spectrum/list")
    assert (flat["chantype"], flat["gate"]) == ("long", "-TRUE-")
    assert flat["yaxis"] == {"low": 0.0, "high": 0.0, "bins": 0}
    assert summary["axes"] == [{"low": 0.0, "high": 8.0, "bins": 8}]
    assert rest.ok("apply/list", pattern="h") == [{"spectrum": "h", "gate": "-TRUE-"}]
    numbers = {one["name"]: one["id"] for one in rest.ok("spectrum/list")}
    rest.ok("unbind/byid", id=[numbers["sum"], numbers["h"]])
    assert rest.ok("sbind/list") == []
    assert rest("unbind/byid", id=99)[0] == "Failed to unbind 99"
    assert rest("spectrum/delete", name="no")[0] == "not foUNd"


def test_contents_are_integers_by_numbers_of_channels(rest: RestClient) -> None:
    rest.book("h", "1", "a", "-8 8 8")
    rest.book("h2", "2", "a b", "-8 8 8", "0 10 5")
    rest.fill([{"a": -8.0, "b": 9.0}, {"a": 7.0, "b": 11.0}, {"a": 9.0}])
    assert rest.ok("spectrum/contents", name="h") == {
        "statistics": {"xunderflow": 0, "xoverflow": 1},
        "channels": [{"x": 0, "v": 1}, {"x": 7, "v": 1}],
    }
    assert rest.ok("spectrum/contents", name="h2") == {
        "statistics": {"xunderflow": 0, "xoverflow": 0, "yunderflow": 0, "yoverflow": 1},
        "channels": [{"x": 0, "y": 4, "v": 1}],
    }
    body = rest.raw("spectrum/contents", b"name=h").body
    assert b'{"x":7,"v":1}' in body  # type: ignore[operator]  # it is whole
    assert rest.ok("channel/get", spectrum="h", xchannel=0) == 1
    assert rest("spectrum/contents", name="no")[0] == "not found"
    assert rest.ok("specstats", pattern="h*") == [
        {"name": "h", "underflows": [0], "overflows": [1]},
        {"name": "h2", "underflows": [0, 0], "overflows": [0, 1]},
    ]


def test_contents_of_any_size_are_the_same_in_pieces(rest: RestClient) -> None:
    rest.book("large", "2", "a b", "0 300 300", "0 300 300")
    rest.engine.spectra["large"].contents.cells[1:-1:100, 1:-1] = 1.0
    found = rest.ok("spectrum/contents", name="large")["channels"]
    assert len(found) == 900
    assert found[300] == {"x": 0, "y": 100, "v": 1}
    assert found[-1] == {"x": 299, "y": 200, "v": 1}
    rest.ok("spectrum/zero")
    assert rest.ok("spectrum/contents", name="large")["channels"] == []


def test_integrals_take_channels_and_leave_the_upper_end_of_a_gate_out(rest: RestClient) -> None:
    rest.book("h", "1", "a", "40 60 5")  # edges 40, 44, 48, 52, 56
    for channel, value in enumerate((10, 30, 40, 20)):
        rest.ok("channel/set", spectrum="h", xchannel=channel, value=value)
    whole = rest.ok("integrate", spectrum="h")  # the example of the reference
    assert (whole["counts"], whole["centroid"]) == (100, pytest.approx(46.8))
    assert whole["fwhm"] == pytest.approx(8.4774, abs=1e-4)
    assert rest.ok("integrate", spectrum="h", low=1, high=2)["counts"] == 70
    rest.ok("gate/edit", name="g", type="s", parameter="a", low=44, high=48)
    assert rest.ok("integrate", spectrum="h", gate="g")["counts"] == 30
    assert rest("integrate", spectrum="h", low=4, high=4)[0] == "Integration area is zero"


def test_a_value_at_the_upper_limit_of_a_slice_is_outside(rest: RestClient, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with rest_client(tmp_path / "other", flavor=RUSTOGRAMER) as other:
        for client, expected in ((rest, [0.0]), (other, [1.0])):
            client.ok("gate/edit", name="g", type="s", parameter="a", low=1, high=2)
            client.book("h", "1", "a", "0 8 8")
            client.ok("apply/apply", gate="g", spectrum="h")
            client.fill([{"a": 2.0}])
            assert [client.ok("channel/get", spectrum="h", xchannel=2)] == expected


def test_variables_are_texts(rest: RestClient) -> None:
    told = rest.ok("shmem/variables")
    assert all(isinstance(value, str) for value in told.values())
    assert (told["ParameterCount"], told["OnlineState"], told["RunState"]) == (
        "4",
        "0",
        "Inactive",
    )


def test_tokens_begin_at_one(rest: RestClient) -> None:
    assert rest.ok("trace/establish", retention=30) == 1


def test_sources_of_other_kinds_and_formats_are_refused(rest: RestClient) -> None:
    status, detail = rest("attach/attach", type="tape", source="x")
    assert (status, "Rustogramer" in detail) == ("Data source type 'tape' is not supported", False)
    status, detail = rest("attach/attach", type="file", source="x", format="jumbo")
    assert (status, "format jumbo is not there" in detail) == ("Attach failed", True)


@pytest.mark.parametrize("path", sorted(NOT_THERE))
def test_what_is_not_there_is_refused_with_a_sentence(rest: RestClient, path: str) -> None:
    status, detail = rest(path, name="x", command="set a 1")
    assert (status == "ERROR") == (path == "script")
    assert status != "OK"
    assert detail == NOT_THERE[path]


def test_pipelines_keep_their_lists(rest: RestClient) -> None:
    assert rest.ok("pman/ls") == rest.ok("pman/list") == ["default"]
    current = rest.ok("pman/current")
    assert current == {"name": "default", "processors": rest.ok("pman/lsevp")}
    assert rest.ok("pman/lsall", pattern="def*") == [current]
    assert rest.ok("pman/use", name="default") == ""
    assert rest("pman/use", name="other")[0] == "'pman' command failed"
    assert rest.ok("evbunpack/list") == []


def test_the_matrix_tells_of_every_request_once() -> None:
    rows = matrix()
    assert [path for path, _, _ in rows] == list(ROUTES)
    assert {path for path, ours, _ in rows if ours.startswith("refused")} == STUBS.keys()
    assert {path for path, _, theirs in rows if theirs.startswith("refused")} == NOT_THERE.keys()
    assert DIFFERENCES.keys() <= ROUTES.keys() - STUBS.keys()
    assert SPECTCL_ROUTES.keys() - STUBS.keys() <= DIFFERENCES.keys()
    assert STUBS.keys() <= SPECTCL_ROUTES.keys()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestClient]:
    with rest_client(tmp_path_factory.mktemp("rest"), flavor=SPECTCL) as made:
        made.book("h", "1", "a", "0 8 8")
        made.ok("gate/edit", name="g", type="s", parameter="a", low=1, high=2)
        yield made


SPECTCL_TABLE = routes_of(SPECTCL)
TEXTS = st.sampled_from(["a", "b", "h", "g", "f", "1", "*", "[", "", "$a+1", "{0 8 8}", "ring"])
NUMBERS = st.sampled_from(["0", "1", "7", "-1", "1e308", "nan", "x", "", "18446744073709551615"])


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    path = draw(
        st.sampled_from(sorted(SPECTCL_TABLE.keys() - {"attach/attach", "roottree/create"}))
    )
    fields = []
    for parameter in SPECTCL_TABLE[path].parameters:
        values = TEXTS if parameter.type is ValueType.TEXT else NUMBERS
        times = draw(st.sampled_from([1, 1, 1, 0, 2]))
        fields += [(parameter.name, draw(values)) for _ in range(times)]
    return path, fields


@given(asked=st.lists(queries(), min_size=1, max_size=8))
@settings(max_examples=40)
def test_any_request_has_an_answer_as_described(
    shared: RestClient, asked: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    for path, fields in asked:
        answer = shared.raw(path, urlencode(fields).encode())
        assert answer.status == 200
        assert json.loads(answer.body)["status"]
