"""Spectra as JSON: the sample of the reference, files of both programs, what is broken."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.savedspectra import counts_of, saved_spectra

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.spectra import KINDS
from histogrammer.spectrumfiles.jsonformat import read_json, write_json
from histogrammer.spectrumfiles.saved import Saved

SAMPLE = """
[{"definition": {"name": "de.vs.e", "type_string": "2",
                 "x_parameters": ["e"], "y_parameters": ["de"],
                 "x_axis": [0.0, 100.0, 12], "y_axis": [-5.0, 5.0, 6]},
  "channels": [
    {"chan_type": "Bin", "x_coord": 30.0, "y_coord": -2.5, "x_bin": 4, "y_bin": 2, "value": 7},
    {"chan_type": "Overflow", "x_coord": 100.0, "y_coord": 0.0, "x_bin": 11, "y_bin": 3, "value": 2}]}]
"""


def test_the_sample_of_the_reference_is_read_and_written() -> None:
    (saved,) = read_json(SAMPLE)
    axes = [Axis(0.0, 100.0, 10), Axis(-5.0, 5.0, 4)]
    assert saved.definition == KINDS["2"].define("de.vs.e", [["e"], ["de"]], axes)
    assert counts_of(saved) == {(2, 4): 7.0, (3, 11): 2.0}
    written = write_json([saved])
    assert json.dumps(json.loads(written)) == json.dumps(json.loads(SAMPLE))


@settings(max_examples=40)
@given(st.lists(saved_spectra(), max_size=2))
def test_spectra_of_every_kind_and_axis_come_back_whole(spectra: list[Saved]) -> None:
    read = read_json(write_json(spectra))
    assert [one.definition for one in read] == [one.definition for one in spectra]
    for one, other in zip(read, spectra, strict=True):
        assert np.array_equal(one.cells, other.cells)


def test_a_spectrum_of_one_dimension_has_no_y() -> None:
    definition = KINDS["g1"].define("h", [["a", "b"]], [Axis(-1.0, 1.0, 2)])
    (written,) = json.loads(write_json([Saved(definition, np.array([3.0, 0.4, 2.0**64, 5.0]))]))
    assert written == {
        "definition": {
            "name": "h",
            "type_string": "g1",
            "x_parameters": ["a", "b"],
            "y_parameters": [],
            "x_axis": [-1.0, 1.0, 4],
            "y_axis": None,
        },
        "channels": [
            channel("Underflow", -1.0, x_bin=0, value=3),
            channel("Bin", 0.0, x_bin=2, value=2**64 - 1),
            channel("Overflow", 1.0, x_bin=3, value=5),
        ],
    }


def channel(
    word: str, x: float, y: float = 0.0, *, x_bin: int = 0, y_bin: int = 0, value: float = 1
) -> dict[str, object]:
    return {
        "chan_type": word,
        "x_coord": x,
        "y_coord": y,
        "x_bin": x_bin,
        "y_bin": y_bin,
        "value": value,
    }


def file(kind: str = "1", key: str = "definition", **changes: Any) -> list[dict[str, Any]]:
    """A file of one spectrum: 10 bins of width 10, of two dimensions 10 x 10."""
    is_flat = kind == "1"
    definition: dict[str, Any] = {
        "name": "h",
        "type_string": kind,
        "x_parameters": ["a"],
        "y_parameters": [] if is_flat else ["b"],
        "x_axis": [0, 100, 12],
        "y_axis": None if is_flat else [0.0, 100.0, 12.0],
    }
    channels = changes.pop("channels", [])
    return [{key: {**definition, **changes}, "channels": channels}]


PLACES = [
    ("definition", channel("Bin", 29.999999999999996, x_bin=3), (4,)),
    ("definition", channel("Bin", 30.0, x_bin=3), (4,)),
    ("definition", channel("Bin", 0.0, x_bin=1), (1,)),
    ("description", channel("Bin", 35.0, x_bin=4), (4,)),
    ("description", channel("Bin", 5.0, x_bin=0), (1,)),
    ("description", channel("Underflow", -5.0), (0,)),
    ("description", channel("Overflow", 105.0), (11,)),
    ("definition", channel("Underflow", 0.0), (0,)),
    ("definition", channel("Overflow", 100.0, x_bin=7), (11,)),
]


@pytest.mark.parametrize(("key", "one", "cell"), PLACES)
def test_a_channel_is_found_by_its_coordinate(
    key: str, one: dict[str, object], cell: tuple[int, ...]
) -> None:
    (saved,) = read_json(json.dumps(file(key=key, channels=[one])))
    assert counts_of(saved) == {cell: 1.0}


FLOW = [
    (channel("Underflow", 0.0, 50.0, x_bin=0, y_bin=6), (6, 0)),
    (channel("Underflow", 50.0, 0.0, x_bin=6, y_bin=0), (0, 6)),
    (channel("Underflow", 0.0, 0.0, x_bin=0, y_bin=0), (0, 0)),
    (channel("Underflow", 0.0, 0.0, x_bin=1, y_bin=0), (0, 1)),
    (channel("Underflow", 0.0, 0.0, x_bin=0, y_bin=1), (1, 0)),
    (channel("Underflow", 0.0, 100.0, x_bin=0, y_bin=11), (11, 0)),
    (channel("Overflow", 100.0, 100.0, x_bin=11, y_bin=11), (11, 11)),
    (channel("Overflow", 100.0, 0.0, x_bin=11, y_bin=0), (0, 11)),
    (channel("Overflow", 100.0, 0.0, x_bin=11, y_bin=1), (1, 11)),
    (channel("Overflow", 0.0, 100.0, x_bin=1, y_bin=11), (11, 1)),
]


@pytest.mark.parametrize(("one", "cell"), FLOW)
def test_flow_of_two_dimensions_is_told_apart(
    one: dict[str, object], cell: tuple[int, ...]
) -> None:
    (saved,) = read_json(json.dumps(file("2", channels=[one])))
    assert counts_of(saved) == {cell: 1.0}


def test_a_summary_takes_its_y_axis() -> None:
    for x_axis in (None, [0.0, 2.0, 4]):
        text = json.dumps(file("s", x_parameters=["a", "b"], y_parameters=[], x_axis=x_axis))
        (saved,) = read_json(text)
        summary = KINDS["s"].define("h", [["a", "b"]], [Axis(0.0, 100.0, 10)])
        assert saved.definition == summary


BROKEN = [
    ("[", "line 1: no JSON"),
    ("[NaN]", "line 1: no JSON"),
    ("{}", "the file: {} is not an array of spectra"),
    ("[3]", "spectrum 0: 3 is not an object"),
    ("[" * 400 + "]" * 400, "spectrum 0: what has so many levels is not an object"),
    ("[{}]", "spectrum 0: the key definition is missing"),
    (json.dumps([{"definition": {}}]), "definition: the key name is missing"),
    (json.dumps([{"definition": file()[0]["definition"]}]), "the key channels is missing"),
    (json.dumps(file(name=3)), "3 is not a name"),
    (json.dumps(file(kind="q", y_parameters=[])), "Bad type was 'q'"),
    (json.dumps(file(x_parameters="a")), '"a" is not an array of names'),
    (json.dumps(file(x_parameters=[None])), "null is not a name of a parameter"),
    (json.dumps(file(x_axis=[0, 100])), r"x_axis: \[0,100\] is not an axis"),
    (json.dumps(file(x_axis=[0, 100, 2.5])), "is not an axis"),
    (json.dumps(file(x_axis=[0, 100, 2])), "axis with 0 bins"),
    (json.dumps(file(x_axis=[5, 5, 4])), "the limits must differ"),
    (json.dumps(file(x_axis=None)), "takes one axis, 0 given"),
    (json.dumps(file(y_axis=[0, 1, 3])), "a spectrum of type 1 has no y_axis"),
    (json.dumps(file("s", y_parameters=[], y_axis=None)), "a spectrum of type s has a y_axis"),
    (json.dumps(file(channels=[3])), "channels 0: 3 is not a channel"),
    (json.dumps(file(channels=[channel("Bin", 0.0, value=-1)])), "not a channel"),
    (json.dumps(file(channels=[channel("Other", 0.0)])), "not a channel"),
    (json.dumps(file(channels=[channel("Bin", 100.0, x_bin=11)])), "Bin at x 100, y 0 is no cell"),
    (json.dumps(file(channels=[channel("Bin", -11.0)])), "Bin at x -11, y 0 is no cell"),
    (
        json.dumps(file("2", channels=[channel("Overflow", 50.0, 50.0)])),
        "Overflow at x 50, y 50 is no cell",
    ),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_what_is_wrong_in_a_file_is_told(text: str, reason: str) -> None:
    with pytest.raises(SpectrumFileError, match=reason):
        read_json(text)


def test_a_file_that_is_cut_anywhere_is_refused() -> None:
    text = SAMPLE.strip()
    for length in range(len(text)):
        with pytest.raises(SpectrumFileError, match="no JSON"):
            read_json(text[:length])


def test_to_write_a_full_spectrum_takes_little_more_than_its_text() -> None:
    axis = Axis(0.0, 200.0, 200)
    definition = KINDS["2"].define("h", [["a"], ["b"]], [axis, axis])
    saved = Saved(definition, np.ones(definition.shape))
    tracemalloc.start()
    try:
        text = write_json([saved])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(json.loads(text)[0]["channels"]) == 202 * 202
    assert peak < 6 * len(text)


def test_all_spectra_of_a_file_together_are_bounded() -> None:
    large = json.dumps(file(x_axis=[0.0, 1.0, (1 << 28) + 2], channels=[]))[1:-1]
    with pytest.raises(SpectrumFileError, match=r"^spectrum 1: the spectra so far have"):
        read_json(f"[{large},{large},{large}]")
    assert len(read_json(f"[{','.join([json.dumps(file())[1:-1]] * 3000)}]")) == 3000
