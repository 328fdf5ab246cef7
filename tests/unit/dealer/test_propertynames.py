"""Names of properties on the command line."""

from __future__ import annotations

import pytest

from dealer.propertynames import found_names, lacking_names, names_by_bank, read_properties


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["EAST.level"], {"EAST": ["level"]}),
        (["east.status.X", "level"], {"EAST": ["status.X", "level"], "WEST": ["level"]}),
        (["status.*"], {"EAST": ["status.*"], "WEST": ["status.*"]}),
        (["NORTH.level"], {"NORTH": ["level"]}),
        (["EAST."], {"EAST": ["EAST."], "WEST": ["EAST."]}),
        ([".x"], {"EAST": [".x"], "WEST": [".x"]}),
    ],
)
def test_a_word_is_of_its_bank_or_of_those_chosen(words: list[str], found: object) -> None:
    assert names_by_bank(words, ["EAST", "WEST", "NORTH"], ["EAST", "WEST"]) == found


def test_patterns_mean_each_name_once() -> None:
    assert found_names(["b", "*"], ["a", "b"]) == ["b", "a"]


def test_words_that_mean_nothing_have_a_sentence() -> None:
    there = {"EAST": ["level", "gain"], "WEST": ["gain"]}
    wanted = {
        "level": {"EAST": ["level"], "WEST": ["level"]},
        "WEST.levle": {"WEST": ["levle"]},
        "gian": {"EAST": ["gian"], "WEST": ["gian"]},
        "x*\x1b": {"EAST": ["x*\x1b"]},
        "AWAY.x": {"AWAY": ["x"]},
    }
    assert lacking_names(wanted, there) == [
        "no property levle at WEST; `dealer properties` lists what there is",
        "no property gian at EAST, WEST; did you mean gain?",
        r"no property x*\x1b at EAST; `dealer properties` lists what there is",
    ]


def test_an_answer_that_is_none_has_no_properties() -> None:
    for answer in (None, 3, "text", [3, {}, {"unit": "V"}]):
        assert read_properties(answer) == {}
    assert read_properties([{"name": "x", "unit": "V"}]) == {"x": {"name": "x", "unit": "V"}}
