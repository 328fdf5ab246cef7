"""Requests that Rustogramer has only stubs for, carried out in the flavor of SpecTcl."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from support.full_disk import room_for
from support.rest_client import RestClient
from support.ringfiles import definitions, event, item, plain_events

from histogrammer.events.protocol.paramitems import Variable, Variables, write_variables
from histogrammer.events.protocol.ringitems import write_item
from histogrammer.fits import Fits
from histogrammer.rest import answering
from histogrammer.rest.answering import LARGE_AT_ONCE
from histogrammer.spectrum import Spectrum

EVENTS = [{"a": 1.0, "b": 5.0}, {"a": 3.0}, {"b": 2.0}, {"a": 3.5, "b": 0.25}]


def analyze(rest: RestClient, path: Path) -> None:
    rest.ok("attach/attach", type="file", source=str(path))
    rest.ok("analyze/start")
    assert rest.program.analyzer.wait(300)


def counts(rest: RestClient, name: str) -> dict[int, int]:
    return {one["x"]: one["v"] for one in rest.ok("spectrum/contents", name=name)["channels"]}


def test_a_pseudo_parameter_is_computed_for_each_event(rest: RestClient) -> None:
    rest.ok("pseudo/create", pseudo="sum", parameter=["a", "b"], computation="$a + $b")
    rest.ok("pseudo/create", pseudo="n", parameter=["a", "b"], computation="$aisValid+$bisValid")
    rest.ok("pseudo/create", pseudo="twice", parameter="sum", computation="return [expr {2*$sum}]")
    rest.book("sum", "1", "sum", "0 16 16")
    rest.book("n", "1", "n", "0 4 4")
    rest.book("twice", "1", "twice", "0 16 16")
    for dtype in (np.float32, np.float64):
        rest.ok("spectrum/zero")
        rest.fill(EVENTS, dtype)
        assert counts(rest, "sum") == {6: 1, 3: 1}
        assert counts(rest, "n") == {1: 2, 2: 2}
        assert counts(rest, "twice") == {12: 1, 7: 1}
    assert rest.ok("pseudo/list", pattern="s*") == [
        {"name": "sum", "parameters": ["a", "b"], "computation": "$a + $b"}
    ]


def test_a_pseudo_parameter_takes_the_place_of_one_that_is_read(rest: RestClient) -> None:
    rest.ok("pseudo/create", pseudo="b", parameter="a", computation="$a / 3")
    rest.book("b", "1", "b", "0 8 8")
    rest.fill(EVENTS, np.float32)  # a third is no float32
    assert counts(rest, "b") == {0: 1, 1: 2}
    rest.ok("pseudo/delete", name="b")
    rest.ok("spectrum/zero")
    rest.fill(EVENTS)
    assert counts(rest, "b") == {5: 1, 2: 1, 0: 1}


def test_a_pseudo_parameter_that_cannot_be_is_refused_with_the_reason(rest: RestClient) -> None:
    for query, says in [
        ({"parameter": "a", "computation": "[exec ls]"}, "commands are not carried out"),
        ({"parameter": "no", "computation": "$no"}, "Parameter no does not exist"),
        ({"parameter": "a", "computation": "$b"}, "`$b` is none of its parameters"),
        ({"parameter": "p", "computation": "$p+1"}, "computed from itself: p -> p"),
    ]:
        status, detail = rest("pseudo/create", pseudo="p", **query)
        assert (status, says in detail) == ("'pseudo' command failed", True), detail
    rest.ok("pseudo/create", pseudo="p", parameter="a", computation="$a")
    assert "already exists" in rest("pseudo/create", pseudo="p", parameter="a", computation="1")[1]
    assert "There is no" in rest("pseudo/delete", name="q")[1]
    assert [one["name"] for one in rest.ok("pseudo/list")] == ["p"]


def test_variables_of_a_file_hold_for_the_events_behind_them(
    rest: RestClient, tmp_path: Path
) -> None:
    path = tmp_path / "run.evt"
    parts = [definitions([(1, "a")])]
    for gain in (2.0, 3.0):
        variables = Variables((Variable("gain", gain, "keV"),))
        parts += [write_item(write_variables(variables)), event(1, [(1, 1.0)])]
    path.write_bytes(b"".join(parts))
    rest.engine.variables.put("gain", 1.0)
    rest.ok("pseudo/create", pseudo="e", parameter="a", computation="$gain * $a")
    rest.book("e", "1", "e", "0 8 8")
    analyze(rest, path)
    assert counts(rest, "e") == {2: 1, 3: 1}
    assert rest.ok("treevariable/list") == [{"name": "gain", "value": 3.0, "units": "keV"}]
    assert rest.ok("treevariable/check", name="gain") == 0
    rest.ok("treevariable/set", name="gain", value=4, units="MeV")
    assert rest.ok("treevariable/check", name="gain") == 1
    rest.ok("spectrum/zero")
    rest.fill([{"a": 1.0}])
    assert counts(rest, "e") == {4: 1}


def test_a_parameter_and_a_variable_of_one_name_are_not_mixed_up(rest: RestClient) -> None:
    rest.engine.variables.put("a", 100.0)
    rest.engine.variables.put("nan", float("nan"))
    rest.ok("pseudo/create", pseudo="p", parameter="a", computation="$a")
    rest.ok("pseudo/create", pseudo="v", parameter="b", computation="$a + 0*$b")
    rest.ok("pseudo/create", pseudo="none", parameter="b", computation="$nan")
    for name in ("p", "v", "none"):
        rest.book(name, "1", name, "0 128 128")
    rest.fill([{"a": 1.0, "b": 2.0}])
    assert (counts(rest, "p"), counts(rest, "v"), counts(rest, "none")) == ({1: 1}, {100: 1}, {})
    assert [one["value"] for one in rest.ok("treevariable/list")] == [100.0, 0.0]


def test_variables_that_do_not_exist_are_refused(rest: RestClient) -> None:
    for path, query in [
        ("treevariable/set", {"value": 1, "units": ""}),
        ("treevariable/check", {}),
        ("treevariable/setchanged", {}),
    ]:
        status, _ = rest(path, name="no", **query)
        assert status.startswith("'treevariable' command failed")
    assert rest("treevariable/set", name="no") == ("missing parameter", "value")
    assert rest.ok("treevariable/firetraces") == ""


def test_a_filter_writes_events_that_can_be_read_again(rest: RestClient, tmp_path: Path) -> None:
    path = tmp_path / "filtered.evt"
    rest.ok("gate/edit", name="g", type="s", parameter="a", low=2, high=4)
    rest.ok("filter/new", name="f", gate="g", parameter=["b", "a", "b"])
    assert "has no file" in rest("filter/enable", name="f")[1]
    rest.ok("filter/file", name="f", file=str(path))
    rest.fill(EVENTS)  # it is not enabled yet
    rest.ok("filter/enable", name="f")
    rest.fill(EVENTS)
    rest.ok("gate/edit", name="all", type="T")
    rest.ok("filter/regate", name="f", gate="all")
    rest.fill(EVENTS[:1], np.float32)
    rest.ok("filter/file", name="f", file=str(tmp_path / "other.evt"))
    rest.fill(EVENTS[2:3])  # it is enabled still
    assert list(plain_events((tmp_path / "other.evt").read_bytes())) == EVENTS[2:3]
    rest.ok("filter/disable", name="f")
    rest.fill(EVENTS)
    expected = [EVENTS[1], EVENTS[3], EVENTS[0]]
    assert list(plain_events(path.read_bytes())) == expected
    assert rest.ok("filter/list") == [
        {
            "name": "f",
            "gate": "all",
            "file": str(tmp_path / "other.evt"),
            "parameters": ["b", "a"],
            "enabled": "disabled",
            "format": "ring",
        }
    ]
    rest.book("h", "1", "a", "0 8 8")
    rest.ok("attach/attach", type="file", source=str(path), format="filter")
    analyze(rest, path)
    assert counts(rest, "h") == {1: 1, 3: 2}
    rest.ok("filter/delete", name="f")
    assert rest.ok("filter/list") == []


def test_a_filter_writes_over_nothing_and_knows_one_format(
    rest: RestClient, tmp_path: Path
) -> None:
    path = tmp_path / "run.evt"
    path.write_bytes(item(32771, b"precious"))
    rest.ok("gate/edit", name="g", type="T")
    rest.ok("filter/new", name="f", gate="g", parameter="a")
    for file, says in [(str(path), "is there"), ("/etc/f.evt", str(tmp_path))]:
        status, detail = rest("filter/file", name="f", file=file)
        assert (status, says in detail) == ("'filter' command failed", True), detail
    assert path.read_bytes() == item(32771, b"precious")
    assert rest.ok("filter/format", name="f", format="ring") == ""
    assert "format xdr is not there" in rest("filter/format", name="f", format="xdr")[1]
    for query, says in [
        ({"name": "f", "gate": "g", "parameter": "a"}, "already exists"),
        ({"name": "k", "gate": "no", "parameter": "a"}, "No such gate no"),
        ({"name": "k", "gate": "g", "parameter": "no"}, "Parameter no does not exist"),
    ]:
        assert says in rest("filter/new", **query)[1]
    assert rest("filter/regate", name="f", gate="no")[0] == "'filter' command failed"
    assert "does not exist" in rest("filter/enable", name="no")[1]


def test_a_filter_whose_disk_is_full_is_disabled_and_the_analysis_says_so(
    rest: RestClient, tmp_path: Path
) -> None:
    source, path = tmp_path / "run.evt", tmp_path / "filtered.evt"
    source.write_bytes(definitions([(1, "a")]) + event(1, [(1, 1.0)]))
    rest.ok("gate/edit", name="g", type="T")
    rest.ok("filter/new", name="f", gate="g", parameter="a")
    rest.ok("filter/file", name="f", file=str(path))
    rest.ok("filter/enable", name="f")
    rest.book("h", "1", "a", "0 8 8")
    before = path.read_bytes()
    with room_for(len(before)):
        analyze(rest, source)
    error = rest.ok("shmem/variables")["AnalysisError"]
    assert "Filter f" in error
    assert "File too large" in error
    assert path.read_bytes() == before
    assert counts(rest, "h") == {1: 1}  # it was filled
    assert rest.ok("filter/list")[0]["enabled"] == "disabled"


def test_fits_are_made_of_channels_and_updated(rest: RestClient) -> None:
    rest.book("h", "1", "a", "0 10 100")
    rest.ok("fit/create", name="f", spectrum="h", low=10, high=60, type="gaussian")
    rest.ok("fit/create", name="line", spectrum="h", low=0, high=4, type="linear")
    (peak, line) = rest.ok("fit/list")
    assert peak["parameters"] == {}  # there is nothing yet
    assert line["parameters"] == {"slope": 0.0, "offset": 0.0, "chisquare": 0.0}
    x = np.arange(100)
    made = 20 + 500 * np.exp(-(((x - 40.25) / 3.0) ** 2) / 2)
    rest.engine.spectra["h"].contents.cells[1:-1] = made
    rest.ok("fit/update", pattern="f")
    (peak,) = rest.ok("fit/list", pattern="f")
    assert {key: peak[key] for key in ("spectrum", "type", "low", "high")} == {
        "spectrum": "h",
        "type": "gaussian",
        "low": 10,
        "high": 60,
    }
    assert peak["parameters"] == pytest.approx(
        {"baseline": 20, "height": 500, "centroid": 40.25, "sigma": 3, "chisquare": 0}, abs=1e-6
    )
    rest.ok("spectrum/delete", name="h")
    _, detail = rest("fit/update")
    assert "f: Spectrum h does not exist; line: Spectrum h" in detail
    rest.ok("fit/delete", name="f")
    assert [one["name"] for one in rest.ok("fit/list")] == ["line"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"type": "mine"}, "there is no fit type mine: linear, gaussian"),
        ({"spectrum": "no"}, "Spectrum no does not exist"),
        ({"spectrum": "h2"}, "two dimensions"),
        ({"high": 8}, "within 0 to 7"),
        ({"low": 5, "high": 5}, "must be increasing"),
        ({"name": "there"}, "already exists"),
    ],
)
def test_a_fit_that_cannot_be_is_refused(
    rest: RestClient, changed: dict[str, object], says: str
) -> None:
    rest.book("h", "1", "a", "0 8 8")
    rest.book("h2", "2", "a b", "0 8 8", "0 8 8")
    query = {"name": "f", "spectrum": "h", "low": 0, "high": 7, "type": "linear"}
    rest.ok("fit/create", **{**query, "name": "there"})
    status, detail = rest("fit/create", **{**query, **changed})
    assert (status, says in detail) == ("'fit' command failed", True), detail


def test_a_root_tree_has_the_events_of_a_gate_and_is_a_source(
    rest: RestClient, tmp_path: Path
) -> None:
    uproot = pytest.importorskip("uproot")
    rest.ok("gate/edit", name="g", type="s", parameter="a", low=0, high=10)
    rest.ok("roottree/create", tree="t", parameter=["[ab]", "d"], gate="g")
    rest.ok("roottree/create", tree="all", parameter="b")
    assert rest.ok("roottree/list", pattern="t") == [
        {"tree": "t", "params": ["a", "b", "d"], "gate": "g"}
    ]
    for dtype in (np.float64, np.float32):
        rest.fill(EVENTS, dtype)
    rest.ok("roottree/delete", tree="t")
    rest.fill(EVENTS)
    with uproot.open(tmp_path / "t.root") as file:
        found = file["t"].arrays(library="np")
    assert found["a"].tolist() == [1.0, 3.0, 3.5] * 2
    assert np.isnan(found["b"]).tolist() == [False, True, False] * 2
    assert np.isnan(found["d"]).all()
    rest.ok("roottree/delete", tree="all")
    with uproot.open(tmp_path / "all.root") as file:
        assert file["all"].num_entries == 12
    for name, axis in (("b", "0 8 8"), ("d", "0 8 8")):
        rest.book(name, "1", name, axis)
    analyze(rest, tmp_path / "t.root")
    assert counts(rest, "b") == {5: 2, 0: 2}  # what was absent is absent
    assert rest.ok("specstats", pattern="d") == [{"name": "d", "underflows": [0], "overflows": [0]}]
    for query, says in [
        ({"tree": "t", "parameter": "a"}, "is there"),
        ({"tree": "../t", "parameter": "a"}, "no name of a tree"),
        ({"tree": "u", "parameter": "no*"}, "there is no parameter no*"),
        ({"tree": "u", "parameter": "a", "gate": "no"}, "No such gate no"),
    ]:
        status, detail = rest("roottree/create", **query)
        assert (status, says in detail) == ("'roottree' command failed", True), detail
    assert rest.ok("roottree/list") == []
    assert "does not exist" in rest("roottree/delete", tree="t")[1]


def test_a_root_tree_whose_disk_is_full_is_disabled_and_the_analysis_says_so(
    rest: RestClient, tmp_path: Path
) -> None:
    pytest.importorskip("uproot")
    source = tmp_path / "run.evt"
    values = np.random.default_rng(2).random(5000)  # which cannot be compressed
    source.write_bytes(definitions([(1, "a")]) + b"".join(event(1, [(1, v)]) for v in values))
    rest.ok("roottree/create", tree="t", parameter="a")
    rest.book("h", "1", "a", "0 8 8")
    with room_for((tmp_path / "t.root").stat().st_size):
        analyze(rest, source)
        rest.ok("roottree/delete", tree="t")
    error = rest.ok("shmem/variables")["AnalysisError"]
    assert "ROOT tree t" in error
    assert counts(rest, "h") == {0: 5000}
    assert rest.ok("roottree/list") == []


def test_fits_and_pseudo_parameters_have_an_end(
    rest: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("histogrammer.fits.MAX_FITS", 1)
    monkeypatch.setattr("histogrammer.pseudos.MAX_PSEUDOS", 1)
    rest.book("h", "1", "a", "0 8 8")
    fit = {"spectrum": "h", "low": 0, "high": 7, "type": "linear"}
    rest.ok("fit/create", name="one", **fit)
    assert rest("fit/create", name="two", **fit)[1] == "up to 1 fits are possible"
    pseudo = {"parameter": "a", "computation": "$a"}
    rest.ok("pseudo/create", pseudo="one", **pseudo)
    assert "up to 1 pseudo" in rest("pseudo/create", pseudo="two", **pseudo)[1]


def test_other_requests_have_their_turn_between_two_fits(
    rest: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest.book("h", "1", "a", "0 8 8")
    for name in ("first", "second"):
        rest.ok("fit/create", name=name, spectrum="h", low=0, high=7, type="linear")
    order: list[str] = []
    update = Fits.update

    def noted(fits: Fits, name: str, spectra: Mapping[str, Spectrum]) -> None:
        order.append(name)
        if name == "first":  # what is asked while it is fitted
            rest.program.worker.post(lambda _engine: order.append("another"))
        update(fits, name, spectra)

    monkeypatch.setattr(Fits, "update", noted)
    rest.ok("fit/update")
    assert order == ["first", "another", "second"]


def test_drawing_is_in_the_way_of_no_contents(
    rest: RestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def draw(_picture: object) -> bytes:
        begun.set()
        assert go_on.wait(60)
        return b"drawn"

    monkeypatch.setattr(answering, "draw", draw)
    rest.book("h", "1", "a", "0 8 8")

    async def asked() -> tuple[bool, bytes]:
        answerer = answering.Answerer(rest.program)
        pictures = [
            asyncio.create_task(answerer.picture(b"name=h", "")) for _ in range(LARGE_AT_ONCE + 1)
        ]
        await asyncio.to_thread(begun.wait, 60)
        query = f"file={tmp_path}/f&format=json&spectrum=h".encode()
        async with asyncio.timeout(60), answerer.answering("swrite", query, "") as answer:
            is_written = b'"OK"' in answer.body  # type: ignore[operator]
        go_on.set()
        bodies = {(await picture).body for picture in pictures}
        (body,) = bodies
        assert isinstance(body, bytes)
        return is_written, body

    assert asyncio.run(asked()) == (True, b"drawn")
