"""Time in which events were processed, and what of it the contents of spectra have."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from histogrammer.activetime import ActiveTime
from histogrammer.analysis.projection import ProjectionAxis
from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.filling import Filler
from histogrammer.spectra import kind_of

TEN = Axis(0.0, 10.0, 10)
MATRIX = kind_of("2").define("m", (("a",), ("b",)), (TEN, TEN))


class Hand:
    """Clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def engine(clock: Hand) -> Iterator[Engine]:
    with Engine(filler=Filler(threads=1, compiled=False), clock=clock) as one:
        for name in "ab":
            one.create_parameter(name)
        yield one


def seconds(engine: Engine, name: str) -> float:
    return engine.spectrum(name).seconds(engine.active.seconds)


def test_only_time_between_begin_and_end_counts(clock: Hand) -> None:
    active = ActiveTime(clock)
    for length in (3.0, 4.0):
        clock.now += 50
        active.begin()
        clock.now += length / 2
        active.begin()
        clock.now += length / 2
        active.end()
        active.end()
    assert active.seconds == 7


def test_contents_have_the_active_time_since_they_were_booked_or_cleared(
    engine: Engine, clock: Hand
) -> None:
    engine.create_spectrum(MATRIX)
    engine.active.begin()
    clock.now += 10
    assert seconds(engine, "m") == 10
    engine.clear_spectra("m")
    clock.now += 2
    engine.active.end()
    clock.now += 1000
    assert seconds(engine, "m") == 2


def test_a_projection_has_the_time_of_its_source_and_a_snapshot_keeps_it(
    engine: Engine, clock: Hand
) -> None:
    source = engine.create_spectrum(MATRIX)
    engine.active.begin()
    clock.now += 10
    engine.project(source, "goes on", ProjectionAxis.X, snapshot=False)
    frozen = engine.project(source, "frozen", ProjectionAxis.Y, snapshot=True)
    clock.now += 5
    assert (seconds(engine, "goes on"), seconds(engine, "frozen")) == (15, 10)
    assert frozen.until_s == 10


def test_contents_of_a_file_have_no_time_that_is_known(engine: Engine) -> None:
    engine.enter_spectra([(MATRIX, np.zeros(MATRIX.shape))], bind=False)
    assert math.isnan(seconds(engine, "m"))
