"""JSON as commands print it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commandline.jsontext import json_text


class Colour(StrEnum):
    RED = "red"


def strictly(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "means"),
    [
        (np.arange(2000.0), list(range(2000))),
        (np.array([[1, 2], [3, 4]], "<i2"), [[1, 2], [3, 4]]),
        (np.array([1.5, np.nan, -np.inf]), [1.5, None, None]),
        (np.array([1 + 2j]), [[1.0, 2.0]]),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.ma.masked_array([1.0, 2.0], [False, True]), "[1.0 --]"),
        (b"\x00\xff", "AP8="),
        (bytearray(b"x"), "eA=="),
        (float("nan"), None),
        ({"a": (1, [float("inf")])}, {"a": [1, [None]]}),
        ({3: "x", None: 1}, {"3": "x", "null": 1}),
        (10**400, 10**400),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (Colour.RED, "red"),
        (Path("/x"), "/x"),
        ({1}, "{1}"),
        ("h\udc80", "h\udc80"),
    ],
    ids=repr,
)
def test_every_value_is_valid_json_and_whole(value: Any, means: Any) -> None:
    for indent in (None, 2):
        text = json_text(value, indent)
        assert strictly(text) == means
        text.encode("ascii")


def test_people_see_which_number_it_is_that_json_does_not_have() -> None:
    assert json_text([float("nan"), np.inf], None, strict=False) == "[NaN, Infinity]"


def test_what_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="contains itself"):
        json_text(endless)
