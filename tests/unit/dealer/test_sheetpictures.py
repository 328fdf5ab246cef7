"""Pictures of spectra for the hand-over sheet."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dealer.sheetpictures import MAX_ROWS, PIXELS, SheetPicture, read_picture, svg_picture

TIME = 1_796_032_366.5


def read(value: Any) -> SheetPicture | None:
    return read_picture("BANKA spectrum", TIME, "counts", value)


def test_a_reduced_frame_is_drawn_between_its_bounds() -> None:
    lower, upper = np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])
    value = {"lower": lower, "upper": upper, "x_start": 1400.0, "x_delta": 0.5, "points": 41}
    picture = read(value)
    assert picture is not None
    assert picture.rows == [[1, 3, 2, 5]]
    assert (picture.first, picture.last) == (1400, 1420)


def test_a_picture_has_the_first_curves_of_a_frame_and_says_what_it_is_of() -> None:
    picture = read({"data": np.arange(24.0).reshape(12, 2), "x_start": 0, "x_delta": 1})
    assert picture is not None
    figure = ElementTree.fromstring(svg_picture(picture))
    lines = figure.findall(".//polyline")
    assert len(lines) == MAX_ROWS
    (caption,) = figure.findall("figcaption")
    assert caption.text == "BANKA spectrum, 2026-11-30 09:52:46 UTC, 0 to 15 counts"
    for line in lines:
        places = [float(each) for each in re.findall(r"[\d.]+", line.get("points") or "")]
        assert min(places[::2]) == 0
        assert max(places[::2]) == PIXELS


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"data": "text"},
        {"data": np.zeros(0)},
        {"data": np.array(["a"])},
        {"data": np.zeros(10_000)},
        {"data": np.zeros((4, 4)), "y_start": 0.0},
        {"lower": np.zeros(3), "upper": np.zeros(4)},
        {"lower": np.zeros(2), "upper": np.array(["a", "b"])},
        {"data": np.zeros(3), "x_start": "left"},
        {"data": np.zeros(3), "x_delta": None},
        {"data": np.zeros(3), "points": float("inf")},
        {"data": np.zeros(3), "points": 10**400},
    ],
)
def test_frames_without_curves_that_can_be_read_have_no_picture(value: Any) -> None:
    assert read(value) is None


def test_what_strangers_write_is_text_and_what_is_no_number_is_left_out() -> None:
    rows = [[float("nan"), 1.0, float("inf"), 1.0]]
    made = svg_picture(
        SheetPicture(label="<script>\x07", time=TIME, unit='"&', first=0, last=3, rows=rows)
    )
    assert "<script" not in made
    assert "\x07" not in made
    (line,) = ElementTree.fromstring(made).findall(".//polyline")
    assert len((line.get("points") or "").split()) == 2


def test_the_greatest_numbers_that_there_are_stay_within_the_picture() -> None:
    rows = [[-1.7e308, 0.0, 1.7e308]]
    picture = SheetPicture(label="", time=TIME, unit="", first=0, last=2, rows=rows)
    (line,) = ElementTree.fromstring(svg_picture(picture)).findall(".//polyline")
    assert line.get("points") == "0.0,94.0 150.0,56.0 300.0,18.0"
