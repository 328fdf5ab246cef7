"""Spectra of several Banks, added up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealer.errors import SpectraDifferError
from dealer.spectra import summed

COUNTS = st.lists(st.integers(0, 2**40), min_size=6, max_size=6)


def spectrum(data: Any, **others: Any) -> dict[str, Any]:
    """Return a spectrum of 2 x 3 bins."""
    axes = [[0.0, 3.0, 3], [0.0, 2.0, 2]]
    return {"name": "s", "type": "2", "axes": axes, "flow": False, "data": data} | others


@given(st.lists(COUNTS, min_size=1, max_size=4))
@settings(max_examples=20)
def test_sum_is_that_of_each_bin_whatever_the_contents_come_as(every: list[list[int]]) -> None:
    lists = [[[float(n) for n in one[:3]], [float(n) for n in one[3:]]] for one in every]
    wanted = [float(sum(bins)) for bins in zip(*every, strict=True)]
    found = summed("s", {f"BANK{n}": spectrum(data) for n, data in enumerate(lists)})
    assert found["data"] == [wanted[:3], wanted[3:]]
    assert found["banks"] == [f"BANK{n}" for n in range(len(every))]
    arrays = {f"BANK{n}": spectrum(np.array(data)) for n, data in enumerate(lists)}
    assert np.array_equal(summed("s", arrays)["data"], found["data"])
    for name, data in zip(arrays, lists, strict=True):
        assert np.array_equal(arrays[name]["data"], data)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"axes": [[0.0, 3.0, 3], [0.0, 2.0, 4]]}, "0..3 in 3, 0..2 in 4"),
        ({"axes": [[0.0, 3.0, 3], [0.1, 2.0, 2]]}, "0.10000000000000001..2 in 2"),
        ({"type": "m2"}, "type m2"),
        ({"flow": True}, "with flow"),
    ],
)
def test_spectra_that_differ_are_refused_with_the_banks(others: dict[str, Any], told: str) -> None:
    banks = {"BANKA": spectrum([]), "BANKB": spectrum([], **others)}
    with pytest.raises(SpectraDifferError) as found:
        summed("s", banks)
    text = str(found.value)
    assert "BANKA: type 2, 0..3 in 3, 0..2 in 2" in text
    assert "BANKB: " in text
    assert told in text
