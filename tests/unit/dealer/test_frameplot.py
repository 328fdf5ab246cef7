"""Frames as plots in the terminal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dealer.frameplot import frame_lines
from zmqjsonproxy.channels import Update


def drawn(value: dict[str, Any], units: tuple[str, str] = ("V", "s"), rows: int = 6) -> list[str]:
    frame = {"x_start": 1.0, "x_delta": 0.5, **value}
    return frame_lines(Update("A", "trace", frame, 7, 0.0), units, 40, rows, ascii_only=True)


def test_a_frame_has_a_line_of_what_it_is_and_its_points() -> None:
    head, *plot = drawn({"data": np.array([0.0, 3.0])})
    assert head == "A trace  2 points in V  1 .. 1.5 s  1970-01-01T00:00:00.000Z"
    assert (len(plot), plot[0].split()[0], plot[-1].split()[0]) == (5, "3", "0")
    assert drawn({"data": [0.0, 3.0]})[1:] == plot
    assert drawn({"data": np.array([0, 3j])})[1:] == plot
    assert drawn({"data": [0.0, None, 3.0]}, ("", ""))[0].startswith(
        "A trace  3 points  1 .. 2  1970"
    )


def test_of_several_rows_the_last_is_drawn() -> None:
    head, *plot = drawn({"data": np.array([[9.0, 9.0], [0.0, 3.0]])})
    assert "last of 2 rows" in head
    assert plot == drawn({"data": [[9.0, 9.0], [0.0, 3.0]]})[1:] == drawn({"data": [0.0, 3.0]})[1:]


def test_no_peak_is_lost_of_many_points_or_of_bounds() -> None:
    points = np.zeros(100_000)
    points[54_321] = 42.0
    lower, upper = np.zeros(1000), np.zeros(1000)
    upper[543] = 42.0
    for value in ({"data": points}, {"lower": lower, "upper": upper, "points": 100_000}):
        head, *plot = drawn(value)
        assert "100000 points" in head
        assert plot[0].split()[0] == "42"
        assert len(plot[0].split()) == 2


@pytest.mark.parametrize("value", [{"data": ["a"]}, {"data": np.array(["a"])}, {}, {"data": 3}])
def test_what_holds_no_numbers_is_not_drawn(value: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="it holds no"):
        drawn(value)


def test_a_frame_without_points_is_an_empty_plot() -> None:
    head, *plot = drawn({"data": np.array([])})
    assert "0 points" in head
    assert "".join(plot).strip() == ""
