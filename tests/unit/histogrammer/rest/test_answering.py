"""Answers to any query: none is an error of the server, all are as they are described."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.rest_client import RestClient, rest_client

from histogrammer.engine import Engine
from histogrammer.rest import answering
from histogrammer.rest.answering import error_answer
from histogrammer.rest.protocol.document import describe
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.routes import QueryParameter, ValueType
from histogrammer.rest.protocol.stubs import STUBS

OTHERS = sorted(ROUTES.keys() - STUBS.keys() - {"attach/attach", "analyze/start"})


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestClient]:
    with rest_client(tmp_path_factory.mktemp("rest")) as made:
        yield made


NAMES = st.sampled_from(["a", "b", "h", "p", "g", "*", "?", "[", "", "x" * 300, "é {\\", "f"])
KINDS = st.sampled_from(["1", "2", "g1", "g2", "gd", "m2", "s", "S", "b", "gs", "c", "-", "*", "T"])
LISTS = st.sampled_from(["a", "a b", "{a b} {c d}", "{", "a b c d", "{a} {b}"])
AXES = st.sampled_from(
    ["{0 8 8}", "{0 8 8} {-1 1 4}", "{0 0 8}", "{0 1 0}", "0 8 8", "{1e308 -1e308 2}"]
)
WORDS = st.sampled_from(["json", "ascii", "x", "Y", "yes", "file", "12", "0x1f"])
NUMBERS = st.one_of(
    st.integers(-2, 9).map(str),
    st.sampled_from(["1e308", "-1e308", "0.5", "nan", "1e999", "", "18446744073709551615", "x"]),
)
TRUTHS = st.sampled_from(["1", "0", "True", "off", "", "maybe"])
VALUES = {
    ValueType.TEXT: NAMES | KINDS | LISTS | AXES | WORDS,
    ValueType.INTEGER: NUMBERS,
    ValueType.UNSIGNED: NUMBERS,
    ValueType.NUMBER: NUMBERS,
    ValueType.TRUTH: TRUTHS,
}
BY_NAME = {"type": KINDS, "axes": AXES, "parameters": LISTS, "format": WORDS, "snapshot": TRUTHS}


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Return a request and its query, most of them with what is needed."""
    path = draw(st.sampled_from(OTHERS))
    fields: list[tuple[str, str]] = []
    for parameter in ROUTES[path].parameters:
        for _ in range(draw(_times(parameter))):
            values = BY_NAME.get(parameter.name, VALUES[parameter.type])
            fields.append(
                (draw(st.sampled_from([parameter.name, *parameter.aliases])), draw(values))
            )
    return path, fields


def _times(parameter: QueryParameter) -> st.SearchStrategy[int]:
    if parameter.need.is_required:
        return st.sampled_from([1, 1, 1, 1, 0, 2])
    return st.sampled_from([0, 1, 1, 3] if parameter.need.is_repeatable else [0, 0, 1, 2])


@given(asked=st.lists(queries(), min_size=1, max_size=8))
@example(
    asked=[
        (
            "spectrum/create",
            [("name", "h"), ("type", "1"), ("parameters", "a"), ("axes", "{0 8 8}")],
        ),
        ("spectrum/contents", [("name", "h")]),
    ]
)
@settings(max_examples=60)
def test_any_request_has_an_answer_as_described(
    rest: RestClient, asked: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    for path, fields in asked:
        assert rest.raw(path, urlencode(fields).encode()).status in (200, 422)


@given(path=st.sampled_from(sorted(ROUTES)), query=st.binary(max_size=60))
@settings(max_examples=60)
def test_any_bytes_are_a_query(rest: RestClient, path: str, query: bytes) -> None:
    assert rest.raw(path, query).status in (200, 422)


@pytest.mark.parametrize("path", sorted(STUBS))
def test_what_only_spectcl_can_do_is_refused_in_the_texts_of_the_reference(
    rest: RestClient, path: str
) -> None:
    needs = {one.name: "1" for one in ROUTES[path].parameters}
    stub = STUBS[path]
    told = rest(path, **needs)
    assert told == (stub.status, [] if stub.detail == () else stub.detail)
    if needs:
        assert rest.raw(path, b"").status == 422


def test_the_document_describes_every_request() -> None:
    document = describe("title", "1")
    assert document["paths"].keys() == {f"/spectcl/{path}" for path in ROUTES}
    for path in document["paths"].values():
        for response in path["get"]["responses"].values():
            schema = response["content"]["application/json"]["schema"]
            Draft202012Validator.check_schema({**schema, "components": document["components"]})


def test_what_is_missing_or_of_another_type_is_named(rest: RestClient) -> None:
    for query, says in [
        (b"", "parameter name: it is required"),
        (b"name=h&xlow=1", ""),
        (b"name=%ff", "not UTF-8"),
    ]:
        answer = rest.raw("spectrum/contents", query)
        assert answer.status == (422 if says else 200)
        assert says in answer.body.decode()
    answer = rest.raw("analyze/size", b"events=-1")
    error = json.loads(answer.body)["error"]
    assert (error["code"], error["reason"]) == (422, "Unprocessable Entity")
    assert "'-1' is not an integer" in error["description"]


def test_an_error_is_html_unless_json_is_wanted() -> None:
    page = error_answer(404, "<b>", "text/html,*/*")
    assert page.kind.startswith(b"text/html")
    assert b"&lt;b&gt;" in page.body
    assert error_answer(404, "", "application/json, */*").kind == b"application/json"


def test_the_first_of_a_scalar_counts_and_all_of_a_list_in_their_order(tmp_path: Path) -> None:
    with rest_client(tmp_path) as rest:
        rest.raw("parameter/create", b"name=x&name=y&bins=3&bins=4")
        found = rest.ok("parameter/list", filter="[xy]")
        assert [(one["name"], one["bins"]) for one in found] == [("x", None)]
        query = b"name=c&type=c&xparameter=a&yparameter=b&xcoord=1&ycoord=1&xcoord=5&ycoord=2&xcoord=1&ycoord=9"
        rest.raw("gate/edit", query)
        (gate,) = rest.ok("gate/list")
        assert [(one["x"], one["y"]) for one in gate["points"]] == [(1, 1), (5, 2), (1, 9)]
        assert gate["name"] == "c"


@pytest.mark.parametrize(
    "name",
    [
        "a blank",
        "{",
        'a"quote',
        "back\\slash",
        "100%",
        "a+b",
        "naïve µ",
        "x" * 300,
        "a/b",
        "[x",
        "",
    ],
)
def test_any_text_is_a_name(tmp_path: Path, name: str) -> None:
    with rest_client(tmp_path) as rest:
        token = rest.ok("trace/establish", retention=30)
        rest.ok("parameter/create", name=name)
        escaped = "".join(f"\\{letter}" if letter in ' {}"\\[]' else letter for letter in name)
        rest.book(name, "1", escaped or "{}", "0 8 8")
        rest.ok("gate/edit", name=name, type="s", parameter=name, low=0, high=1)
        rest.ok("apply/apply", gate=name, spectrum=name)
        rest.ok("sbind/sbind", spectrum=name)
        (listed,) = rest.ok("spectrum/list", filter=name)
        assert (listed["name"], listed["parameters"], listed["gate"]) == (name, [name], name)
        (gate,) = rest.ok("gate/list", pattern=name)
        assert (gate["name"], gate["parameters"]) == (name, [name])
        told = rest.raw("trace/fetch", b"token=" + quote(str(token)).encode())
        assert json.loads(told.body)["detail"] == {
            "parameter": [f"add {name}"],
            "spectrum": [f"add {name}"],
            "gate": [f"add {name}"],
            "binding": [f"add {name} 0"],
        }
        rest.ok("spectrum/delete", name=name)


def test_a_handler_that_fails_is_logged_and_the_next_request_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_engine: Engine, _name: str) -> None:
        raise ZeroDivisionError("its own mistake")

    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    with rest_client(tmp_path) as rest, monkeypatch.context() as patch:
        patch.setattr(Engine, "delete_spectrum", fail)
        patch.setattr(answering, "log", logging.Logger("test"))
        answering.log.addHandler(handler)
        asked = rest.unchecked("spectrum/delete", b"name=h")
        assert json.loads(asked.body)["error"]["code"] == asked.status == 500
        assert "ZeroDivisionError: its own mistake" in logged.getvalue()
        assert rest.ok("version")["major"] == 1


def test_who_asks_a_histogrammer_that_is_busy_or_has_ended_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("histogrammer.worker.MAX_WAITING", 1)
    with rest_client(tmp_path) as rest:
        worker, begun, go_on = rest.program.worker, threading.Event(), threading.Event()
        running = worker.post(lambda _engine: (begun.set(), go_on.wait()))
        begun.wait()
        waiting = worker.post(lambda _engine: None)
        status, detail = rest("spectrum/list")
        assert ("ask again later" in status, detail) == (True, [])
        go_on.set()
        running.result()
        waiting.result()
        worker.close()
        for path in ("unbind/all", "shmem/variables"):
            status, _ = rest(path)
            assert "has ended" in status
        assert rest.ok("version")["major"] == 1
        assert rest.ok("exit") == ""


def test_a_picture_of_a_spectrum_has_a_request_of_its_own(rest: RestClient) -> None:
    pytest.importorskip("matplotlib")
    rest.book("drawn", "1", "a", "0 8 8")
    answer = rest.picture(b"name=drawn&width=200&height=100&log=yes")
    assert (answer.status, answer.kind) == (200, b"image/png")
    assert isinstance(answer.body, bytes)
    assert answer.body.startswith(b"\x89PNG")
    for query, status, says in [
        (b"name=no", 404, "there is no spectrum no"),
        (b"", 422, "parameter name: it is required"),
        (b"name=drawn&width=9", 422, "a side has 64 to 4096"),
    ]:
        answer = rest.picture(query)
        assert isinstance(answer.body, bytes)
        assert (answer.status, says in answer.body.decode()) == (status, True)
