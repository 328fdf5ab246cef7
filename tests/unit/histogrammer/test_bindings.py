"""Bindings: spectra of an engine in its display memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from histogrammer.axes import Axis
from histogrammer.display.filememory import FileMemory
from histogrammer.display.memory import DisplayMemory
from histogrammer.engine import Engine
from histogrammer.errors import DisplayMemoryError
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import Filler
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import Definition

NOW = 100.0


@pytest.fixture
def memory(tmp_path: Path) -> DisplayMemory:
    """Closed by the engine."""
    return FileMemory(tmp_path, 1)


@pytest.fixture
def engine(memory: DisplayMemory) -> Iterator[Engine]:
    filler = Filler(threads=1, compiled=False)
    with Engine(filler=filler, memory=memory, clock=lambda: NOW) as one:
        for name in "ab":
            one.create_parameter(name)
        yield one


def one_dim(name: str) -> Definition:
    return kind_of("1").define(name, (("a",),), (Axis(0.0, 10.0, 10),))


def test_a_spectrum_that_is_bound_is_copied_alone(engine: Engine, memory: DisplayMemory) -> None:
    for name in ("h", "g"):
        engine.set_channel(engine.create_spectrum(one_dim(name)), 0, None, 1.0)
    engine.bindings.bind("h")
    engine.set_channel(engine.spectrum("h"), 0, None, 2.0)
    engine.bindings.bind("g")
    assert memory.channels[[1, 13]].tolist() == [1, 1]
    engine.bindings.refresh()
    assert memory.channels[[1, 13]].tolist() == [2, 1]


def test_bound_spectra_are_shown_at_once_and_at_their_time(
    engine: Engine, memory: DisplayMemory
) -> None:
    channels = memory.channels
    spectrum = engine.create_spectrum(one_dim("h"))
    engine.set_channel(spectrum, 3, None, 7.0)
    assert engine.bindings.bind("h") == 0
    assert channels[:12].tolist() == [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]
    engine.fill(EventBlock.of([{"a": 3.0}]))
    engine.bindings.refresh_every = 3600.0
    engine.tick(NOW + 3599.0)
    assert channels[4] == 7
    engine.tick(NOW + 3601.0)
    assert channels[4] == 8
    engine.clear_spectra("h")
    assert channels[4] == 0


def test_the_limits_of_a_strip_chart_move_in_the_display_memory(
    engine: Engine, memory: DisplayMemory
) -> None:
    engine.create_spectrum(one_dim("still"))
    engine.create_spectrum(kind_of("S").define("strip", (("a", "b"),), (Axis(100, 108, 8),)))
    for slot, name in enumerate(("still", "strip")):
        assert engine.bindings.bind(name) == slot

    def limits() -> list[tuple[float, float]]:
        return [(m["xmin"], m["xmax"]) for m in memory.header["map"][:2]]

    assert limits() == [(0, 10), (100, 108)]
    engine.fill(EventBlock.of([{"a": 109.5, "b": 1.0}]))
    engine.bindings.refresh()
    assert limits() == [(0, 10), (102, 110)]
    assert memory.channels[12:22].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    engine.bindings.unbind("strip")
    assert engine.bindings.bind("strip") == 1
    assert limits() == [(0, 10), (102, 110)]
    engine.clear_spectra("strip")
    engine.bindings.refresh()
    assert limits() == [(0, 10), (100, 108)]


def test_a_deleted_spectrum_leaves_the_display_memory_and_is_traced(engine: Engine) -> None:
    token = engine.traces.establish(60, now=NOW)
    engine.create_spectrum(one_dim("h"))
    engine.bindings.bind("h")
    engine.delete_spectrum("h")
    assert engine.bindings == {}
    with pytest.raises(DisplayMemoryError, match="might not exist"):
        engine.bindings.bind("h")
    told = engine.traces.fetch(token, now=NOW)
    assert told["spectrum"] == ["add h", "delete h"]
    assert told["binding"] == ["add h 0", "remove h 0"]


def test_nothing_is_bound_without_a_display_memory() -> None:
    with Engine(filler=Filler(threads=1, compiled=False)) as engine:
        for refused in (engine.bindings.bind, engine.bindings.unbind):
            with pytest.raises(DisplayMemoryError, match="no display memory"):
                refused("h")
