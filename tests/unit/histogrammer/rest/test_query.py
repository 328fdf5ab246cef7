"""Query strings and paths as bytes; lines of existing clients."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.errors import QueryError, UnreadableParameterError
from histogrammer.rest.protocol.paths import read_path
from histogrammer.rest.protocol.query import (
    MAX_FIELDS,
    MAX_QUERY_BYTES,
    read_integer,
    read_number,
    read_query,
    read_truth,
    read_unsigned,
)
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.routes import Need, read_values

FIELDS = [
    (b"", {}),
    (b"?", {}),
    (b"&&", {}),
    (b"name=a+b%20c", {"name": ("a b c",)}),
    (b"type=%2B", {"type": ("+",)}),
    (b"type=%2b&", {"type": ("+",)}),
    (b"name", {"name": ("",)}),
    (b"name=", {"name": ("",)}),
    (b"a=1=2", {"a": ("1=2",)}),
    (b"a=100%", {"a": ("100%",)}),
    (b"a=%zz%4", {"a": ("%zz%4",)}),
    (b"%6eame=%E2%82%AC", {"name": ("€",)}),
    (b"=x", {"": ("x",)}),
    (b"a=1;b=2", {"a": ("1;b=2",)}),
    (b"xcoord=1&ycoord=2&xcoord=3&ycoord=4", {"xcoord": ("1", "3"), "ycoord": ("2", "4")}),
]


@pytest.mark.parametrize(("raw", "fields"), FIELDS)
def test_a_query_has_these_fields(raw: bytes, fields: dict[str, tuple[str, ...]]) -> None:
    assert read_query(raw).fields == fields


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(), st.text(min_size=1)), max_size=5))
def test_any_text_is_read_back(pairs: list[tuple[str, str]]) -> None:
    wanted: dict[str, tuple[str, ...]] = {}
    for key, value in pairs:
        wanted[key] = (*wanted.get(key, ()), value)
    assert read_query(urlencode(pairs).encode()).fields == wanted


@pytest.mark.parametrize("raw", [b"a=%ff", b"\xff=1", b"a=%C3", b"a=%ED%A0%80"])
def test_a_query_that_is_no_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises(QueryError, match="not UTF-8"):
        read_query(raw)


def test_length_and_number_of_keys_are_bounded() -> None:
    assert len(read_query(b"a&" * MAX_FIELDS).fields["a"]) == MAX_FIELDS
    with pytest.raises(QueryError, match=f"{MAX_FIELDS + 1} keys"):
        read_query(b"a&" * (MAX_FIELDS + 1))
    with pytest.raises(QueryError, match="bytes"):
        read_query(b"a" * (MAX_QUERY_BYTES + 1))


def test_a_contour_of_25000_points_is_read() -> None:
    points = b"&xcoord=1234.5&ycoord=-0.25" * 25_000
    read = read_query(b"name=c&type=c&xparameter=a&yparameter=b" + points)
    assert len(read.fields["xcoord"]) == len(read.fields["ycoord"]) == 25_000


def test_truth_is_written_in_many_ways() -> None:
    assert all(read_truth(text) is True for text in ("on", "YES", "True", "1", ""))
    assert all(read_truth(text) is False for text in ("Off", "no", "FALSE", "0"))
    assert all(read_truth(text) is None for text in ("2", "maybe", " true", "-"))


def test_numbers_are_decimal() -> None:
    good = {"12": 12.0, "-1.5": -1.5, "+2e3": 2000.0, ".5": 0.5, "5.": 5.0, "0.000000": 0.0}
    assert {text: read_number(text) for text in good} == good
    bad = ("", "nan", "inf", "-Infinity", "1e999", "1_0", " 1", "0x10", "1,5", "١", "9" * 500)
    assert [read_number(text) for text in bad] == [None] * len(bad)


def test_integers_have_64_bits() -> None:
    assert [read_integer(text) for text in ("-1", "+7", "007")] == [-1, 7, 7]
    assert [read_unsigned(text) for text in ("18446744073709551615", "0")] == [2**64 - 1, 0]
    assert [read_unsigned(text) for text in ("18446744073709551616", "-1")] == [None, None]
    bad = ("1.0", "1e3", "", "0x1", "1_0", "²", "9223372036854775808", "1" * 5000)
    assert [read_integer(text) for text in bad] == [None] * len(bad)


PATHS = [
    (b"/spectcl/version", "version"),
    (b"/spectcl/version?", "version"),
    (b"/spectcl//version/", "version"),
    (b"//spectcl///parameter//list//&", "parameter/list"),
    (b"/spectcl/%70arameter/list", "parameter/list"),
    (b"/spectcl/parameter/list%3F", "parameter/list"),
    (b"/spectcl/parameter%2Flist", None),
    (b"/spectcl", None),
    (b"/spectcl/", None),
    (b"/", None),
    (b"", None),
    (b"/other/version", None),
    (b"/spectcl/%ff", None),
    (b"/spectcl/" + b"a" * 2000, None),
]


@pytest.mark.parametrize(("raw", "path"), PATHS)
def test_a_path_names_a_request(raw: bytes, path: str | None) -> None:
    assert read_path(raw) == path


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_every_request_has_four_spellings(path: str) -> None:
    doubled = path.replace("/", "//")
    for spelling in (path, f"/{doubled}", f"{path}/", f"{path}&"):
        assert read_path(f"/spectcl/{spelling}".encode()) == path


XY = {"xcoord": (), "ycoord": ()}
CLIENTS: list[tuple[str, list[tuple[str, str]], dict[str, object]]] = [
    ("version", [], {}),
    (
        "parameter/create",
        [("name", "p1"), ("low", "0"), ("high", "1024"), ("bins", "1024"), ("units", "mm")],
        {
            "name": "p1",
            "low": 0.0,
            "high": 1024.0,
            "bins": 1024,
            "units": "mm",
            "description": None,
        },
    ),
    (
        "parameter/edit",
        [("name", "p1"), ("bins", "512"), ("low", "0"), ("high", "512"), ("units", "cm")],
        {"name": "p1", "low": 0.0, "high": 512.0, "bins": 512, "units": "cm", "description": None},
    ),
    (
        "spectrum/contents",
        [("name", "h1"), ("compress", "0")],
        {"name": "h1", "xlow": None, "xhigh": None, "ylow": None, "yhigh": None},
    ),
    (
        "spectrum/create",
        [
            ("name", "hgd"),
            ("type", "gd"),
            ("parameters", "{p1 p2} {p3 p4}"),
            ("axes", "{0 1024 512} {0 1024 512}"),
        ],
        {
            "name": "hgd",
            "type": "gd",
            "parameters": "{p1 p2} {p3 p4}",
            "axes": "{0 1024 512} {0 1024 512}",
        },
    ),
    (
        "channel/set",
        [("spectrum", "h1"), ("value", "7"), ("xchannel", "5")],
        {"spectrum": "h1", "xchannel": 5, "ychannel": None, "value": 7},
    ),
    (
        "channel/set",
        [("spectrum", "h1"), ("xchannel", "-1"), ("ychannel", "0"), ("value", "7")],
        {"spectrum": "h1", "xchannel": -1, "ychannel": 0, "value": 7},
    ),
    (
        "channel/get",
        [("spectrum", "h1"), ("xchannel", "5"), ("ychannel", "0")],
        {"spectrum": "h1", "xchannel": 5, "ychannel": 0},
    ),
    (
        "project",
        [
            ("snapshot", "0"),
            ("source", "h2"),
            ("newname", "px"),
            ("direction", "x"),
            ("contour", "cc"),
        ],
        {
            "snapshot": "0",
            "source": "h2",
            "newname": "px",
            "direction": "x",
            "contour": "cc",
            "bind": True,
        },
    ),
    (
        "sread",
        [
            ("format", "json"),
            ("snapshot", "1"),
            ("replace", "0"),
            ("bind", "1"),
            ("filename", "f.json"),
        ],
        {
            "filename": "f.json",
            "format": "json",
            "snapshot": True,
            "replace": False,
            "bind": True,
        },
    ),
    (
        "sread",
        [("snapshot", "False"), ("replace", "True"), ("filename", "f"), ("format", "json")],
        {"filename": "f", "format": "json", "snapshot": False, "replace": True, "bind": True},
    ),
    (
        "swrite",
        [("file", "f.json"), ("format", "json"), ("spectrum", "h1"), ("spectrum", "h2")],
        {"file": "f.json", "format": "json", "spectrum": ("h1", "h2")},
    ),
    (
        "attach/attach",
        [("type", "file"), ("source", "/data/x.par"), ("size", "16384"), ("format", "ring")],
        {"type": "file", "source": "/data/x.par", "size": 16384},
    ),
    ("ringformat", [("major", "12"), ("minor", "0")], {"major": "12"}),
    ("unbind/byname", [("name", "h1"), ("name", "h2")], {"name": ("h1", "h2")}),
    ("unbind/byid", [("id", "0")], {}),
    ("mirror", [("pattern", "*")], {"pattern": "*"}),
    ("pman/ls", [("pattern", "*")], {}),
    ("treevariable/list", [], {}),
    ("fold/apply", [("gate", "c"), ("spectrum", "h")], {"gate": "c", "spectrum": ("h",)}),
    (
        "apply/apply",
        [("gate", "cc"), ("spectrum", "h1"), ("spectrum", "h2")],
        {"gate": "cc", "spectrum": ("h1", "h2")},
    ),
    ("ungate", [("name", "h1"), ("name", "h2")], {"name": ("h1", "h2")}),
    ("ungate", [("spectrum", "h1")], {"name": ("h1",)}),
    ("ungate", [], {"name": ()}),
    (
        "integrate",
        [("spectrum", "h2"), ("xcoords", "0"), ("ycoords", "1"), ("xcoords", "2")],
        {
            "spectrum": "h2",
            "gate": None,
            "low": None,
            "high": None,
            "xcoord": (0.0, 2.0),
            "ycoord": (1.0,),
        },
    ),
    ("gate/list", [("filter", "x")], {"pattern": "*"}),
    ("spectrum/list", [("filter", "x")], {"filter": "x"}),
    ("filter/format", [("name", "f"), ("format", "xdr")], {}),
    ("filter/list", [], {}),
    ("analyze/size", [("events", "500")], {"events": 500}),
    ("analyze/size", [("size", "500")], {"events": 500}),
    ("trace/establish", [("retention", "6")], {"retention": 6}),
]


@pytest.mark.parametrize(("path", "sent", "values"), CLIENTS)
def test_what_existing_clients_send_is_read(
    path: str, sent: list[tuple[str, str]], values: dict[str, object]
) -> None:
    assert read_values(ROUTES[path], read_query(urlencode(sent).encode())) == values


def test_gates_of_clients_are_read() -> None:
    query = b"name=g&type=c&xparameter=a&yparameter=b&xcoord=1&ycoord=1&xcoord=2&ycoord=5"
    values = read_values(ROUTES["gate/edit"], read_query(query))
    assert (values["xcoord"], values["ycoord"]) == ((1.0, 2.0), (1.0, 5.0))
    values = read_values(ROUTES["gate/edit"], read_query(b"name=m&type=em&parameter=p1&value=0xff"))
    assert (values["parameter"], values["value"]) == (("p1",), "0xff")
    values = read_values(ROUTES["gate/edit"], read_query(b"name=o&type=%2B&gate=a&gate=b"))
    assert (values["type"], values["gate"]) == ("+", ("a", "b"))


def test_of_a_required_parameter_the_first_counts() -> None:
    assert read_values(ROUTES["gate/delete"], read_query(b"name=x&name=y")) == {"name": "x"}


@pytest.mark.parametrize("low", ["low=1&low=2", "low=abc", "low", "low="])
def test_an_optional_parameter_that_is_unclear_counts_as_not_given(low: str) -> None:
    values = read_values(ROUTES["parameter/edit"], read_query(f"name=p&{low}".encode()))
    assert values["low"] is None


def test_empty_values_of_optional_parameters_are_text_truth_or_nothing() -> None:
    for query in (b"name=p&units&bins", b"name=p&units=&bins="):
        values = read_values(ROUTES["parameter/edit"], read_query(query))
        assert (values["units"], values["bins"]) == ("", None)
    for query in (b"filename=f&format=json&replace", b"filename=f&format=json&replace="):
        assert read_values(ROUTES["sread"], read_query(query))["replace"] is True
    query = b"filename=f&format=json&replace=maybe&snapshot=perhaps"
    values = read_values(ROUTES["sread"], read_query(query))
    assert (values["replace"], values["snapshot"]) == (False, True)


def test_a_coordinate_that_is_no_number_leaves_none() -> None:
    query = b"spectrum=h&xcoord=1&xcoord=b&ycoord=1&ycoord=2"
    values = read_values(ROUTES["integrate"], read_query(query))
    assert (values["xcoord"], values["ycoord"]) == ((), (1.0, 2.0))


REFUSED = [
    ("gate/delete", b"", "gate/delete: parameter name: it is required"),
    ("swrite", b"file=f&format=json", "swrite: parameter spectrum: it is required"),
    ("channel/set", b"spectrum=h&xchannel=1.5&value=1", "xchannel: '1.5' is not an integer"),
    ("sbind/set_update", b"seconds=-2", "'-2' is not an integer that is not negative"),
    ("trace/fetch", b"token=", "'' is not an integer that is not negative"),
    ("treevariable/set", b"name=v&value=x", "value: 'x' is not a number"),
]


@pytest.mark.parametrize(("path", "query", "text"), REFUSED)
def test_a_required_parameter_that_cannot_be_read_is_refused(
    path: str, query: bytes, text: str
) -> None:
    with pytest.raises(UnreadableParameterError, match=text):
        read_values(ROUTES[path], read_query(query))


def test_the_table_has_all_requests_of_the_reference_in_31_groups() -> None:
    reference = set(ROUTES) - {"pman/ls", "filter/format"}
    assert len(reference) == 94
    assert len({path.split("/")[0] for path in reference}) == 31


def test_every_parameter_has_a_name_of_python_and_a_phrase() -> None:
    for route in ROUTES.values():
        names = [one.name for one in route.parameters]
        assert len(set(names)) == len(names)
        assert all(one.name.isidentifier() and one.summary for one in route.parameters)
        assert all(one.default is None or one.need is Need.OPTIONAL for one in route.parameters)
        assert route.summary.endswith(".")
