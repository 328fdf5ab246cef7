"""Definitions of a file: what is booked of them, and faults with their lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from histogrammer.axes import Axis
from histogrammer.definitions import read_definitions
from histogrammer.engine import Engine
from histogrammer.filling import Filler
from histogrammer.parameters import Metadata
from histogrammer.spectra import kind_of
from histogrammer.spectrumfiles.jsonformat import write_json
from histogrammer.spectrumfiles.saved import Saved
from player.errors import ConfigError

ALL = """
[parameters."det.e.1"]
units = "keV"

[gates.peak]
type = "s"
parameters = ["det.e.1"]
low = 10
high = 20.5

[gates.banana]
type = "c"
parameters = ["a", "b"]
points = [[0, 0], [1, 0], [0, 1]]

[gates.both]
type = "*"
gates = ["peak", "banana"]

[gates.coincident]
type = "gs"
parameters = ["a", "b"]
low = 0
high = 1

[spectra."e 1"]
type = "1"
parameters = ["det.e.1"]
axes = [[0, 100, 50]]
gate = "both"

[spectra.ab]
type = "2"
parameters = ["a", "b"]
axes = [[0, 1, 10], [0, 2, 20]]

[spectra.gg]
type = "gd"
parameters = [["a"], ["b", "c"]]
axes = [[0, 1, 10], [0, 2, 20]]

[spectra.g]
type = "g1"
parameters = ["a", "b"]
axes = [[0, 1, 10]]
fold = "coincident"
"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(filler=Filler(threads=1, compiled=False)) as one:
        yield one


def test_everything_is_booked(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "all.toml"
    path.write_text(ALL)
    assert read_definitions(path).book(engine) == ["e 1", "ab", "gg", "g"]
    assert engine.parameters["det.e.1"].metadata == Metadata(units="keV")
    assert set(engine.parameters) == {"det.e.1", "a", "b", "c"}
    assert [(n, c.letters) for n, c in engine.conditions.items()] == [
        ("peak", "s"),
        ("banana", "c"),
        ("both", "*"),
        ("coincident", "gs"),
    ]
    assert engine.conditions["banana"].points == ((0, 0), (1, 0), (0, 1))
    spectra = engine.spectra
    assert spectra["e 1"].gate == "both"
    assert spectra["e 1"].definition.x_axis == Axis(0, 100, 50)
    assert spectra["ab"].definition.groups == (("a",), ("b",))
    assert spectra["gg"].definition.groups == (("a",), ("b", "c"))
    assert spectra["g"].fold == "coincident"


def test_file_of_spectra_is_booked_without_its_contents(engine: Engine, tmp_path: Path) -> None:
    definition = kind_of("1").define("s", [["a"]], [Axis(0.0, 4.0, 4)])
    saved = Saved(definition, np.ones(definition.shape))
    (tmp_path / "s.json").write_text(write_json([saved]))
    assert read_definitions(tmp_path / "s.json").book(engine) == ["s"]
    assert engine.spectrum("s").definition == definition
    assert not engine.spectrum("s").contents.cells.any()


FAULTS = [
    ("[spectra.s]\ntype = '1'\nparameters = ['a']\naxes = [[0, 1, 10.5]]", 1, "10.5 bins: it has"),
    ("\n[spectra.s]\ntype = '1v'\nparameters = ['a']\naxes = [[0, 1, 10]]", 2, "Bad type was '1v'"),
    ("[spectra.s]\ntype = '1'\naxes = [[0, 1, 10]]", 1, "missing"),
    ("[spectra.s]\ntype = '1'\nparameters = ['a']\naxes = [[0, 1]]", 4, "3 items"),
    (
        "[spectra.s]\ntype = '1'\nparameters = ['a']\naxes = [[1, 1, 9]]",
        1,
        "the limits must differ",
    ),
    ("[gates.g]\ntype = 'T'\nkind = 's'", 3, "unknown key"),
    ("[gate.g]", 1, "there are parameters, variables, pseudos, gates, spectra"),
    ("[gates.g]\ntype = 's'\nparameters = ['a']", 1, "Both the low and high"),
    ("[gates.g]\ntype = '-'\ngates = ['none']", 1, "none"),
    ("[parameters.p]\nlow = 1.0", 1, "Either low and high must be provided or neither"),
    (
        "[spectra.s]\ntype = '1'\nparameters = ['a']\naxes = [[0, 1, 9]]\ngate = 'g'",
        1,
        "No such gate g",
    ),
]


@pytest.mark.parametrize(("text", "line", "fault"), FAULTS)
def test_fault_has_file_and_line(
    engine: Engine, tmp_path: Path, text: str, line: int, fault: str
) -> None:
    path = tmp_path / "d.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as found:
        read_definitions(path).book(engine)
    assert (found.value.faults[0].file, found.value.faults[0].line) == (path, line)
    assert fault in found.value.faults[0].text


@pytest.mark.parametrize("name", ["none.toml", "none.json", "bad.json"])
def test_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.json").write_bytes(b'[{"definition": \xff')
    with pytest.raises(ConfigError, match=name):
        read_definitions(tmp_path / name)
