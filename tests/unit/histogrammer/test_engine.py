"""The engine: what depends on what, among parameters, spectra, gates, bindings and traces."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from histogrammer.analysis.projection import ProjectionAxis
from histogrammer.axes import Axis
from histogrammer.engine import SNAPSHOT_GATE, Engine
from histogrammer.errors import (
    ConditionError,
    ParameterExistsError,
    PatternError,
    SpectrumError,
)
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import Filler
from histogrammer.gates.condition import Given
from histogrammer.parameters import Metadata
from histogrammer.spectra import kind_of
from histogrammer.spectra.definition import Definition

TEN = Axis(0.0, 10.0, 10)
NAMES = ("a", "b", "c")


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Engine(filler=Filler(threads=1, compiled=False), clock=lambda: 0.0)
    for name in NAMES:
        one.create_parameter(name)
    yield one
    one.close()


def one_dim(name: str, parameter: str = "a", axis: Axis = TEN) -> Definition:
    return kind_of("1").define(name, ((parameter,),), (axis,))


def two_dim(name: str, x: Axis = TEN, y: Axis = TEN) -> Definition:
    return kind_of("2").define(name, (("a",), ("b",)), (x, y))


def slice_of(low: float, high: float, parameter: str = "a") -> Given:
    return Given(parameters=(parameter,), low=low, high=high)


def fill(engine: Engine, *events: dict[str, float]) -> None:
    engine.fill(EventBlock.of(events))


def counts(engine: Engine, name: str) -> list[float]:
    cells: list[float] = engine.spectrum(name).contents.cells[1:-1].tolist()
    return cells


# what must be there, and what must not


def test_a_spectrum_needs_parameters_that_exist_and_a_name_of_its_own(engine: Engine) -> None:
    engine.create_spectrum(one_dim("h"))
    with pytest.raises(SpectrumError, match=r"^Spectrum h already exists$"):
        engine.create_spectrum(one_dim("h"))
    with pytest.raises(SpectrumError, match=r"^No such parameter: nobody$"):
        engine.create_spectrum(one_dim("g", "nobody"))
    assert list(engine.spectra) == ["h"]


def test_numbers_of_spectra_are_not_used_again(engine: Engine) -> None:
    first = engine.create_spectrum(one_dim("h"))
    engine.delete_spectrum("h")
    assert (first.number, engine.create_spectrum(one_dim("h")).number) == (0, 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e.delete_spectrum("no"),
        lambda e: e.ungate("no"),
        lambda e: e.apply_gate("g", "no"),
        lambda e: e.spectrum("no"),
    ],
)
def test_a_spectrum_that_is_not_there_is_named(
    engine: Engine, ask: Callable[[Engine], object]
) -> None:
    engine.edit_condition("g", "T", Given())
    with pytest.raises(SpectrumError, match=r"^Spectrum no does not exist$"):
        ask(engine)


def test_a_gate_that_is_not_there_is_named(engine: Engine) -> None:
    engine.create_spectrum(one_dim("h"))
    with pytest.raises(ConditionError, match=r"^No such gate g$"):
        engine.apply_gate("g", "h")


def test_a_spectrum_too_large_is_refused_with_what_is_left() -> None:
    with Engine(filler=Filler(threads=1, compiled=False), most_bytes=3 << 20) as engine:
        engine.create_parameter("a")
        engine.create_spectrum(one_dim("fits", axis=Axis(0.0, 1.0, 262_142)))
        text = r"Spectrum big needs 2\.3 MiB, and 0\.7 MiB are left"
        with pytest.raises(SpectrumError, match=text):
            engine.create_spectrum(one_dim("big", axis=Axis(0.0, 1.0, 262_142)))
        engine.delete_spectrum("fits")
        engine.create_spectrum(one_dim("big", axis=Axis(0.0, 1.0, 262_142)))


def test_names_are_looked_up_letter_by_letter_first(engine: Engine) -> None:
    for name in ("a*", "ab", "[x]", "x"):
        engine.create_spectrum(one_dim(name))
    star, bracket = engine.find_spectrum("a*"), engine.find_spectrum("[x]")
    assert star is not None
    assert bracket is not None
    assert (star.name, bracket.name) == ("a*", "[x]")
    assert engine.find_spectrum("*") is None
    with pytest.raises(PatternError):
        engine.select_spectra("[")


# gates


def test_a_gate_is_seen_by_the_next_event_and_its_replacement_too(engine: Engine) -> None:
    engine.create_spectrum(one_dim("h"))
    engine.edit_condition("g", "s", slice_of(0, 4))
    engine.apply_gate("g", "h")
    fill(engine, {"a": 3.0}, {"a": 7.0})
    engine.edit_condition("g", "s", slice_of(6, 8))
    fill(engine, {"a": 3.0}, {"a": 7.0})
    assert counts(engine, "h") == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0]


def test_a_part_replaced_three_levels_down_changes_all_spectra_at_the_same_event(
    engine: Engine,
) -> None:
    engine.edit_condition("leaf", "s", slice_of(0, 4))
    for name, of in (("one", "leaf"), ("two", "one"), ("three", "two")):
        engine.edit_condition(name, "*", Given(gates=(of,)))
    for name, gate in (("h", "three"), ("k", "one")):
        engine.create_spectrum(one_dim(name))
        engine.apply_gate(gate, name)
    fill(engine, {"a": 3.0})
    engine.edit_condition("leaf", "F", Given())
    fill(engine, {"a": 3.0})
    assert counts(engine, "h") == counts(engine, "k") == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_spectra_of_a_deleted_gate_are_ungated(engine: Engine) -> None:
    engine.create_spectrum(one_dim("h"))
    engine.edit_condition("g", "F", Given())
    engine.apply_gate("g", "h")
    fill(engine, {"a": 3.0})
    engine.delete_condition("g")
    assert engine.spectrum("h").gate is None
    fill(engine, {"a": 3.0})
    assert sum(counts(engine, "h")) == 1


def test_a_fold_acts_until_it_or_its_gate_is_removed(engine: Engine) -> None:
    definition = kind_of("g1").define("h", (NAMES,), (Axis(0.0, 200.0, 20),))
    engine.create_spectrum(definition)
    engine.edit_condition("line", "gs", Given(parameters=NAMES, low=100, high=200))
    event = {"a": 150.0, "b": 30.0, "c": 40.0}
    for change, filled in (
        (lambda: engine.fold("line", "h"), 2),
        (lambda: engine.unfold("h"), 3),
        (lambda: engine.fold("line", "h"), 2),
        (lambda: engine.delete_condition("line"), 3),
    ):
        change()
        engine.clear_spectra()
        fill(engine, event)
        assert sum(counts(engine, "h")) == filled
    with pytest.raises(ConditionError, match=r"^There is no condition named line$"):
        engine.fold("line", "h")
    with pytest.raises(SpectrumError, match=r"^no such spectrum k$"):
        engine.fold("line", "k")


# projections


@pytest.fixture
def source(engine: Engine) -> Engine:
    """Engine with the example of the reference: cells (0,0)=1, (1,2)=4, (1,0)=2, (3,1)=5."""
    made = engine.create_spectrum(two_dim("s", Axis(0.0, 4.0, 4), Axis(0.0, 3.0, 3)))
    for (x, y), value in {(0, 0): 1, (1, 2): 4, (1, 0): 2, (3, 1): 5}.items():
        engine.set_channel(made, x, y, value)
    return engine


def test_a_projection_that_goes_on_is_gated_as_its_source(source: Engine) -> None:
    source.edit_condition("g", "s", slice_of(0, 1))
    source.apply_gate("g", "s")
    before = source.spectrum("s").contents.cells.copy()
    made = source.project(source.spectrum("s"), "p", ProjectionAxis.X, snapshot=False)
    assert counts(source, "p") == [1, 6, 0, 5]
    assert np.array_equal(source.spectrum("s").contents.cells, before)
    assert made.gate == "g"
    fill(source, {"a": 0.5, "b": 1.0}, {"a": 2.5, "b": 1.0})
    assert counts(source, "p") == [2, 6, 0, 5]


def test_a_projection_within_a_contour_has_a_gate_of_both(source: Engine) -> None:
    corners = Given(
        x_parameter="a",
        y_parameter="b",
        x_coordinates=(-1.0, 1.5, 1.5, -1.0),
        y_coordinates=(-1.0, -1.0, 1.5, 1.5),
    )
    source.edit_condition("c", "c", corners)
    alone = source.project(source.spectrum("s"), "p", ProjectionAxis.X, snapshot=False, contour="c")
    assert counts(source, "p") == [1, 2, 0, 0]
    assert alone.gate == "c"
    source.edit_condition("g", "s", slice_of(0, 1))
    source.apply_gate("g", "s")
    both = source.project(source.spectrum("s"), "q", ProjectionAxis.Y, snapshot=False, contour="c")
    assert both.gate == "_q_projection_gate_"
    assert set(source.conditions["_q_projection_gate_"].gates) == {"g", "c"}


def test_a_snapshot_is_changed_by_no_event(source: Engine) -> None:
    made = source.project(source.spectrum("s"), "p", ProjectionAxis.Y, snapshot=True)
    assert made.gate == SNAPSHOT_GATE
    fill(source, {"a": 0.5, "b": 1.0})
    assert counts(source, "p") == [3, 5, 4]


def test_a_projection_whose_gate_would_depend_on_itself_leaves_nothing(source: Engine) -> None:
    corners = Given(
        x_parameter="a", y_parameter="b", x_coordinates=(0, 1, 1), y_coordinates=(0, 0, 1)
    )
    source.edit_condition("c", "c", corners)
    source.edit_condition("_p_projection_gate_", "T", Given())
    source.apply_gate("_p_projection_gate_", "s")
    with pytest.raises(ConditionError, match="would depend on itself"):
        source.project(source.spectrum("s"), "p", ProjectionAxis.X, snapshot=False, contour="c")
    assert list(source.spectra) == ["s"]


def test_a_projection_is_refused_before_anything_is_made(source: Engine) -> None:
    spectrum = source.spectrum("s")
    source.edit_condition("g", "s", slice_of(0, 1))
    for contour, text in (("g", "g is not a contour"), ("no", "no condition named no")):
        with pytest.raises(ConditionError, match=text):
            source.project(spectrum, "p", ProjectionAxis.X, snapshot=True, contour=contour)
    with pytest.raises(SpectrumError, match="already exists"):
        source.project(spectrum, "s", ProjectionAxis.X, snapshot=True)
    flat = source.create_spectrum(one_dim("h"))
    with pytest.raises(SpectrumError, match="1D spectra cannot be projected"):
        source.project(flat, "p", ProjectionAxis.X, snapshot=True)
    assert list(source.spectra) == ["s", "h"]


# spectra of files


def test_spectra_of_a_file_get_free_names_and_their_parameters(engine: Engine) -> None:
    saved = [(one_dim("h", "new"), np.arange(12.0))]
    names = [engine.enter_spectra(saved, bind=False) for _ in range(3)]
    assert names == [["h"], ["h_0"], ["h_1"]]
    assert "new" in engine.parameters
    assert engine.spectrum("h").gate == SNAPSHOT_GATE
    assert engine.enter_spectra(saved, snapshot=False, replace=True, bind=False) == ["h"]
    assert engine.spectrum("h").gate is None
    assert counts(engine, "h") == list(range(1, 11))


def test_a_file_of_many_spectra_of_one_name_numbers_them_in_one_go(engine: Engine) -> None:
    engine.create_spectrum(one_dim("h_1"))
    saved = [(one_dim("h"), np.zeros(12))] * 4
    assert engine.enter_spectra(saved, bind=False) == ["h", "h_0", "h_2", "h_3"]
    engine.delete_spectrum("h_0")
    assert engine.enter_spectra(saved[:1], bind=False) == ["h_0"]


# memory


def test_a_deleted_spectrum_gives_its_memory_back_before_the_next_block(engine: Engine) -> None:
    made = engine.create_spectrum(one_dim("h"))
    fill(engine, {"a": 1.0})
    contents = weakref.ref(made.contents.padded)
    del made
    engine.delete_spectrum("h")
    assert contents() is None
    engine.create_spectrum(one_dim("h"))
    fill(engine, {"a": 1.0})
    assert sum(counts(engine, "h")) == 1


def test_small_spectra_count_with_all_the_memory_of_their_contents() -> None:
    bytes_of_one = (12 + 64) * 9  # a float64 and a byte for each cell
    with Engine(filler=Filler(threads=1, compiled=False), most_bytes=2 * bytes_of_one) as engine:
        engine.create_parameter("a")
        engine.create_spectrum(one_dim("one"))
        engine.create_spectrum(one_dim("two"))
        with pytest.raises(SpectrumError, match="delete others"):
            engine.create_spectrum(one_dim("three"))
        engine.delete_spectrum("one")
        engine.create_spectrum(one_dim("three"))


# traces and parameters


def test_changes_are_traced_and_filling_is_none(engine: Engine) -> None:
    token = engine.traces.establish(60, now=0.0)
    engine.create_parameter("e", Metadata(units="keV"))
    engine.edit_parameter("e", Metadata(bins=5))
    engine.create_spectrum(one_dim("h"))
    engine.edit_condition("g", "T", Given())
    engine.edit_condition("g", "F", Given())
    engine.apply_gate("g", "h")
    fill(engine, {"a": 1.0})
    engine.clear_spectra()
    engine.delete_condition("g")
    assert engine.traces.fetch(token, now=0.0) == {
        "parameter": ["add e", "changed e"],
        "spectrum": ["add h"],
        "gate": ["add g", "changed g", "delete g"],
        "binding": [],
    }


def test_rows_are_numbers_of_parameters_and_unknown_ones_are_made(engine: Engine) -> None:
    assert [engine.row_of(name) for name in ("b", "new", "new")] == [1, 3, 3]
    with pytest.raises(ParameterExistsError):
        engine.create_parameter("new")
