"""Filling: equal to one event after the other, in exact fractions; gates once; threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import histograms

from histogrammer import filling
from histogrammer.axes import Axis
from histogrammer.contents import Contents
from histogrammer.events.blocks import EventBlock
from histogrammer.filling import FilledSpectrum, Filler
from histogrammer.flavors import RUSTOGRAMER, Flavor, FoldRule
from histogrammer.gates.condition import Truth, Truths
from histogrammer.gates.folds import fold_counts
from histogrammer.gates.gammaslices import GammaSlice
from histogrammer.gates.intervals import Interval
from histogrammer.spectra import KINDS
from histogrammer.spectra.definition import Definition

PER_MATCH = replace(RUSTOGRAMER, folds=FoldRule.PER_MATCH)
NAMES = ("a", "b", "c", "d")
GROUPS: dict[str, list[list[str]]] = {
    "1": [["a"]],
    "2": [["a"], ["b"]],
    "g1": [["a", "b", "c"]],
    "g2": [["a", "b", "c", "d"]],
    "gd": [["a", "b"], ["c", "d"]],
    "s": [["a", "b", "c"]],
    "m2": [["a", "c"], ["b", "d"]],
    "gs": [["a", "b"], ["c"]],
    "b": [["a"]],
    "S": [["a"], ["b"]],
    "2dmproj": [["a", "c"], ["b", "d"]],
}


@dataclass(frozen=True)
class Above:
    """A gate: a parameter is above a limit. It counts its evaluations."""

    letters: ClassVar[str] = "above"
    parameter: str
    limit: float
    gates: tuple[str, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    asked: list[int] = field(default_factory=list)

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.parameter,)

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        self.asked.append(threading.get_ident())
        truth: Truth = block.column(self.parameter) > self.limit
        for name in self.gates:
            truth = truth & truths(name)
        return truth


@dataclass(frozen=True)
class Failing(Above):
    """A gate that raises."""

    def truth(self, block: EventBlock, truths: Truths) -> Truth:
        raise ZeroDivisionError("no truth")


@pytest.fixture(scope="module")
def fillers() -> Iterator[tuple[Filler, ...]]:
    made = (Filler(threads=1), Filler(threads=2), Filler(threads=1, compiled=False))
    yield made
    for filler in made:
        filler.close()


def one_d(name: str, *, gate: str | None = None) -> FilledSpectrum:
    definition = KINDS["1"].define(name, [[name]], [Axis(0, 10, 10)])
    return FilledSpectrum(definition, Contents.zeros(definition.shape), gate)


def rounded(events: Sequence[Mapping[str, float]], dtype: type) -> list[dict[str, float]]:
    with np.errstate(over="ignore"):  # 1e300 is infinite in float32
        return [{name: float(dtype(value)) for name, value in event.items()} for event in events]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    letters = draw(st.sampled_from(sorted(GROUPS)))
    kind = KINDS[letters]
    axes = [draw(histograms.axes()) for _ in range(kind.axes_given)]
    if letters == "b":
        bits = draw(st.integers(1, 33))
        axes = [Axis(0, bits, bits)]
    return kind.define("spectrum", GROUPS[letters], axes)


@settings(max_examples=40)
@given(
    definition=definitions(),
    events=histograms.events(NAMES),
    gate=st.sampled_from([None, "gate"]),
    single=st.booleans(),
)
def test_all_ways_of_filling_give_the_counts_of_exact_fractions(
    definition: Definition,
    events: list[dict[str, float]],
    gate: str | None,
    single: bool,
    fillers: tuple[Filler, ...],
) -> None:
    dtype = np.float32 if single else np.float64
    events = rounded(events, dtype)
    expected = histograms.filled(
        definition, events, gate=lambda event: gate is None or event.get("d", -1) > 0
    )
    for filler in fillers:
        contents = Contents.zeros(definition.shape)
        filler.define([FilledSpectrum(definition, contents, gate)], {"gate": Above("d", 0)})
        filler.fill(EventBlock.of(events[:5], dtype))
        filler.fill(EventBlock.of(events[5:], dtype))
        np.testing.assert_array_equal(contents.cells, expected)


@settings(max_examples=10)
@given(
    some=st.lists(definitions(), min_size=6, max_size=6),
    events=histograms.events(NAMES),
    single=st.booleans(),
)
def test_many_spectra_of_few_gates_are_filled_as_each_of_them_alone(
    some: list[Definition],
    events: list[dict[str, float]],
    single: bool,
    fillers: tuple[Filler, ...],
) -> None:
    dtype = np.float32 if single else np.float64
    events = rounded(events, dtype)
    limits = {None: -np.inf, "most": 0.0, "none": np.inf}
    gates = {name: Above("d", limit) for name, limit in limits.items() if name is not None}
    for filler in fillers:
        spectra = [
            FilledSpectrum(definition, Contents.zeros(definition.shape), gate)
            for definition in some * 2
            for gate in limits
        ]
        filler.define(spectra, gates)
        for start in range(0, len(events), 5):
            filler.fill(EventBlock.of(events[start : start + 5], dtype))
        for number, spectrum in enumerate(spectra[: 3 * len(some)]):
            limit = limits[spectrum.gate]
            expected = histograms.filled(
                spectrum.definition,
                events,
                gate=lambda event, limit=limit: limit == -np.inf or event.get("d", limit) > limit,
            )
            np.testing.assert_array_equal(spectrum.contents.cells, expected)
            twin = spectra[number + 3 * len(some)]
            np.testing.assert_array_equal(twin.contents.cells, expected)


@pytest.mark.parametrize("letters", ["g1", "g2", "gd"])
@pytest.mark.parametrize("flavor", [RUSTOGRAMER, PER_MATCH])
@settings(max_examples=10)
@given(events=histograms.events(NAMES))
def test_a_folded_spectrum_counts_as_often_as_its_fold_says(
    letters: str, flavor: Flavor, events: list[dict[str, float]]
) -> None:
    kind, axis = KINDS[letters], Axis(-100, 100, 8)
    definition = kind.define("spectrum", GROUPS[letters], [axis] * kind.axes_given)
    fold = GammaSlice(NAMES[:3], Interval(-50, 50, holds_high=False))
    expected = np.zeros(definition.shape)
    for event in events:
        one = EventBlock.of([event])
        fills = kind.fills(definition)
        times = fold_counts(fold, definition, fills, one, flavor.folds)
        for (_, index), often in zip(
            histograms.fills_of(definition, dict.fromkeys(NAMES, 0.0) | event), times, strict=True
        ):
            expected[index] += int(often[0])
    for compiled in (True, False):
        contents = Contents.zeros(definition.shape)
        with Filler(threads=1, compiled=compiled, flavor=flavor) as filler:
            filler.define([FilledSpectrum(definition, contents, fold="fold")], {"fold": fold})
            filler.fill(EventBlock.of(events))
        np.testing.assert_array_equal(contents.cells, expected)


def test_the_first_example_of_folds_in_the_reference() -> None:
    definition = KINDS["g1"].define("g", [["a", "b", "c"]], [Axis(0, 200, 200)])
    fold = GammaSlice(("a", "b", "c"), Interval(100, 200, holds_high=False))
    event = {"a": 150.0, "b": 160.0, "c": 40.0}
    for flavor, expected in ((RUSTOGRAMER, {40: 1}), (PER_MATCH, {160: 1, 150: 1, 40: 2})):
        contents = Contents.zeros(definition.shape)
        with Filler(threads=1, flavor=flavor) as filler:
            filler.define([FilledSpectrum(definition, contents, fold="fold")], {"fold": fold})
            filler.fill(EventBlock.of([event]))
            assert {
                int(cell) - 1: contents.cells[cell] for cell in np.flatnonzero(contents.cells)
            } == expected
            filler.define([FilledSpectrum(definition, contents, fold="fold")], {})
            filler.fill(EventBlock.of([event]))
        assert contents.cells.sum() == sum(expected.values()) + 3


def test_a_fold_of_many_matches_fills_in_pieces() -> None:
    names = [f"p{number}" for number in range(30)]
    definition = KINDS["g1"].define("g", [names], [Axis(0, 30, 30)])
    fold = GammaSlice(tuple(names), Interval(0, 30, holds_high=False))
    block = EventBlock.of([{name: float(at) for at, name in enumerate(names)}] * 2)
    contents = Contents.zeros(definition.shape)
    with Filler(threads=1, flavor=PER_MATCH) as filler:
        filler.define([FilledSpectrum(definition, contents, fold="fold")], {"fold": fold})
        filler.fill(block)
    assert contents.cells.tolist() == [0, *[2 * 29] * 30, 0]


def test_each_gate_is_evaluated_once_a_block_whoever_uses_it(fillers: tuple[Filler, ...]) -> None:
    part, whole, idle = Above("a", 1), Above("b", 2, gates=("part",)), Above("a", 0)
    conditions = {"whole": whole, "part": part, "idle": idle}
    gates = [None, "part", "whole", "whole", "part"] * 4
    for filler in fillers:
        spectra = [one_d("ab"[number % 2], gate=gate) for number, gate in enumerate(gates)]
        spectra.append(one_d("z", gate="idle"))
        filler.define(spectra, conditions)
        filler.fill(EventBlock.of([{"a": 1.5, "b": 2.5}, {"a": 0.5, "b": 3.5}]))
        assert [spectrum.contents.cells.sum() for spectrum in spectra[:3]] == [2, 1, 1]
        filler.fill(EventBlock.of([{"b": 0.0}]))
    assert (len(part.asked), len(whole.asked), len(idle.asked)) == (6, 6, 0)


def test_a_block_is_cut_where_its_truths_would_take_too_much_memory(
    fillers: tuple[Filler, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "MAX_TRUTH_BYTES", 9 * filling.TRUTH_BYTES)
    events = [{"a": float(number)} for number in range(10)]
    for filler in fillers:
        gates = {"high": Above("a", 4), "all": Above("a", -1), "bad": Failing("a", 0)}
        spectra = [one_d("a", gate=gate) for gate in (None, *gates)]
        filler.define(spectra, gates)
        with pytest.raises(ZeroDivisionError):
            filler.fill(EventBlock.of(events))
        assert [spectrum.contents.cells.sum() for spectrum in spectra] == [10, 5, 10, 0]
        assert len(gates["high"].asked) == 4


def test_a_spectrum_whose_gate_does_not_exist_is_not_filled(fillers: tuple[Filler, ...]) -> None:
    spectrum = one_d("a", gate="deleted")
    fillers[0].define([spectrum], {})
    fillers[0].fill(EventBlock.of([{"a": 1}]))
    assert not spectrum.contents.cells.any()


def test_an_error_of_a_gate_reaches_the_caller_and_other_spectra_are_filled(
    fillers: tuple[Filler, ...],
) -> None:
    for filler in fillers:
        spectra = [one_d("a", gate=gate) for gate in (None, "bad", "good")]
        filler.define(spectra, {"bad": Failing("a", 0), "good": Above("a", 0)})
        with pytest.raises(ZeroDivisionError, match="no truth"):
            filler.fill(EventBlock.of([{"a": 1}]))
        assert [spectrum.contents.cells.sum() for spectrum in spectra] == [1, 0, 1]
        filler.define(spectra[:1], {})
        filler.fill(EventBlock.of([{"a": 1}]))
        assert spectra[0].contents.cells.sum() == 2


def test_blocks_may_have_other_parameters_in_other_rows(fillers: tuple[Filler, ...]) -> None:
    spectra = [one_d("a"), one_d("b")]
    fillers[1].define(spectra, {})
    fillers[1].fill(EventBlock.of([{"a": 1, "b": 2}]))
    fillers[1].fill(EventBlock.of([{"b": 3, "a": 4}]))
    fillers[1].fill(EventBlock.of([{"b": 5}]))
    fillers[1].fill(EventBlock.of([]))
    counts = [np.flatnonzero(spectrum.contents.cells).tolist() for spectrum in spectra]
    assert counts == [[2, 5], [3, 4, 6]]


def test_values_that_are_not_in_order_in_memory_are_filled(fillers: tuple[Filler, ...]) -> None:
    spectrum = one_d("a")
    fillers[0].define([spectrum], {})
    fillers[0].fill(EventBlock({"a": 0}, np.arange(20.0).reshape(10, 2).T))
    assert np.flatnonzero(spectrum.contents.cells).tolist() == [1, 3, 5, 7, 9, 11]


def test_a_filler_without_spectra_takes_blocks() -> None:
    with Filler(threads=2) as filler:
        filler.fill(EventBlock.of([{"a": 1}]))
    filler.fill(EventBlock.of([{"a": 1}]))
