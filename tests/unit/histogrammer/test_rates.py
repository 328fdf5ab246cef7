"""Rates over the last seconds."""

from __future__ import annotations

from histogrammer.rates import Rates


def test_rates_are_those_since_the_beginning_at_first() -> None:
    rates = Rates(2)
    assert rates.at(1.0) == (0.0, 0.0)
    rates.begin(10.0, 100, 7)
    assert rates.at(10.0) == (0.0, 0.0)
    rates.note(11.0, 150, 7)
    rates.note(12.0, 300, 17)
    assert rates.at(12.0) == (100.0, 5.0)
    assert rates.at(14.0) == (50.0, 2.5)


def test_what_is_old_counts_no_more_and_little_is_kept() -> None:
    rates = Rates(1)
    rates.begin(0.0, 0)
    for step in range(1, 10_001):
        rates.note(step / 100, step * (1 if step <= 9_000 else 5) - 36_000 * (step > 9_000))
    assert len(rates._samples) < 100
    assert abs(rates.at(100.0)[0] - 500.0) < 15.0
