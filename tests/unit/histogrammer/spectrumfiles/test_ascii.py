"""Spectra as lines of text: the samples of the reference, old writers, what is broken."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.savedspectra import counts_of, saved_spectra

from histogrammer.axes import Axis
from histogrammer.errors import SpectrumFileError
from histogrammer.spectra import KINDS
from histogrammer.spectrumfiles.ascii import read_ascii, write_ascii
from histogrammer.spectrumfiles.saved import Saved

WHEN = 1_668_464_000_123_456_789
RULE = "--------------------------------------------"
SAMPLE = f"""\
"e7" (100)\x20
2022-11-14 22:13:20.123456789 +00:00
3
1 long
("det.e7" )\x20
(0 50)\x20
{RULE}
(3) 12
(17) 240
(-1 -1)
"""


def make(
    kind: str, groups: list[list[str]], axes: list[Axis], cells: dict[tuple[int, ...], float]
) -> Saved:
    definition = KINDS[kind].define("h", groups, axes)
    made = Saved(definition, np.zeros(definition.shape))
    for cell, counts in cells.items():
        made.cells[cell] = counts
    return made


def test_the_sample_of_the_reference_is_read_and_written() -> None:
    (saved,) = read_ascii(SAMPLE)
    assert saved.definition == KINDS["1"].define("e7", [["det.e7"]], [Axis(0.0, 50.0, 100)])
    assert counts_of(saved) == {(4,): 12.0, (18,): 240.0}
    assert write_ascii([saved], WHEN) == SAMPLE


X, Y = Axis(-12.5, 1024.0, 4), Axis(0.25, 1e16, 3)
LINES = [
    (
        make("2", [["a"], ["b"]], [X, Y], {(1, 1): 7, (3, 4): 2**53, (0, 2): 9, (2, 5): 9}),
        ['"h" (4 3) ', "2 long", '("a" "b" ) ', "(-12.5 1024) (0.25 10000000000000000) "],
        ["(0 0) 7", "(3 2) 9007199254740992"],
    ),
    (
        make("g2", [["a", "b", "c"]], [X, Y], {}),
        ['"h" (4 3) ', "g2 long", '("a" "b" "c" ) ', "(-12.5 1024) (0.25 10000000000000000) "],
        [],
    ),
    (
        make("gd", [["a", "b"], ["c"]], [X, Y], {(2, 1): 1.9}),
        [
            '"h" (4 3) ',
            "gd long",
            '("a" "b" ) ("c" ) ',
            "(-12.5 1024) (0.25 10000000000000000) ",
        ],
        ["(0 1) 1"],
    ),
    (
        make("m2", [["a", "c"], ["b", "d"]], [X, Y], {(1, 1): 0.9}),
        [
            '"h" (4 3) ',
            "m2 long",
            '("a" "c" ) ("b" "d" ) ',
            "(-12.5 1024) (0.25 10000000000000000) ",
        ],
        [],
    ),
    (
        make("s", [["a", "b"]], [X], {(3, 2): 5}),
        ['"h" ( 4 ) ', "s long", '("a" "b" ) ', "(-12.5 1024) "],
        ["(1 2) 5"],
    ),
    (
        make("1", [["a"]], [X], {(0,): 3, (5,): 3, (1,): 2.0**64, (2,): -4.0}),
        ['"h" (4) ', "1 long", '("a" ) ', "(-12.5 1024) "],
        ["(0) 18446744073709551615"],
    ),
]


@pytest.mark.parametrize(("saved", "head", "channels"), LINES)
def test_each_layout_is_written_as_the_reference_has_it(
    saved: Saved, head: list[str], channels: list[str]
) -> None:
    title, *kind = head
    lines = [title, "2022-11-14 22:13:20.123456789 +00:00", "3", *kind, RULE, *channels, "(-1 -1)"]
    assert write_ascii([saved], WHEN).splitlines() == lines


@settings(max_examples=40)
@given(st.lists(saved_spectra(), max_size=2))
def test_spectra_of_every_kind_and_axis_come_back_without_flow(spectra: list[Saved]) -> None:
    read = read_ascii(write_ascii(spectra, WHEN))
    assert [one.definition for one in read] == [one.definition for one in spectra]
    for one, other in zip(read, spectra, strict=True):
        inner = (slice(1, -1),) * other.cells.ndim
        assert np.array_equal(one.cells[inner], other.cells[inner])
        assert np.count_nonzero(one.cells) == np.count_nonzero(other.cells[inner])


def block(heading: str, kind: str, names: str, limits: str, *channels: str) -> str:
    return "\n".join([heading, "any date", "3", kind, names, limits, "-----", *channels, ""])


READ = [
    (block('"h" (10 )', "1 long", '("a")', "(0.0 50)", "(3) 12", "(-1) -1"), {(4,): 12.0}),
    (block('"h" (10)', "1 word", '( "a"  )', "( 0  50.0 )", "( 3 )  12 ", "(-1 -1)"), {(4,): 12.0}),
    (
        block('"h" (10 10)', "2 byte", '("a" "b" )', "(0 50) (1 2)", "(3 4) 12", "(-1 -1) -1"),
        {(5, 4): 12.0},
    ),
    (block('"h" (10)', "1 long", '("a" )', "(0 50)", "(3) 12.0", "( -1 )\t-1"), {(4,): 12.0}),
    (
        block('"h" (10)', "1 long", '("a" )', "(0 50)", "(-1) 5", "(10) 6", "(-1 -1)"),
        {(0,): 5.0, (11,): 6.0},
    ),
    (block('"h" ( 10 )', "s long", '("a" "b" )', "(2 50)", "(1 3) 4", "(-1 -1)"), {(4, 2): 4.0}),
]


@pytest.mark.parametrize(("text", "counts"), READ)
def test_blocks_of_all_writers_and_ages_are_read(
    text: str, counts: dict[tuple[int, ...], float]
) -> None:
    for spelt in (text, text.replace("\n", "\r\n"), f"\n \n{text}\n\n", text.rstrip("\n")):
        (saved,) = read_ascii(spelt)
        assert counts_of(saved) == counts


def test_pairs_in_one_group_alternate() -> None:
    text = block('"h" (10 10)', "m2 long", '("a" "b" "c" "d" )', "(0 5) (0 5)", "(-1 -1) -1")
    assert read_ascii(text)[0].definition.groups == (("a", "c"), ("b", "d"))


@pytest.mark.parametrize(
    ("number", "limits", "largest", "end", "bins"),
    [
        (102, "(0 50)", 99, "(-1) -1", 100),
        (102, "(0 50)", 99, "(-1 -1)", 102),
        (102, "(0 50)", 101, "(-1) -1", 102),
        (100, "(0 50)", 50, "(-1) -1", 100),
        (2, "(0 50)", 0, "(-1) -1", 2),
        (513, "(0 7)", 0, "(-1) -1", 513),
    ],
)
def test_numbers_of_spectcl_may_count_flow_channels(
    number: int, limits: str, largest: int, end: str, bins: int
) -> None:
    text = block(f'"h" ({number})', "1 long", '("a" )', limits, f"({largest}) 1", end)
    assert read_ascii(text)[0].definition.x_axis.bins == bins


def test_several_spectra_of_foreign_names_follow_each_other() -> None:
    text = SAMPLE + SAMPLE.replace('"e7"', '"a "b" \\x (c)"').replace("det.e7", 'd"e\\f')
    assert [saved.definition.name for saved in read_ascii(text)] == ["e7", 'a "b" \\x (c)']
    assert read_ascii(text)[1].definition.parameters == ('d"e\\f',)


@pytest.mark.parametrize("lines", range(1, 10))
def test_a_file_that_ends_early_is_refused_with_the_line(lines: int) -> None:
    cut = "".join(SAMPLE.splitlines(keepends=True)[:lines])
    with pytest.raises(SpectrumFileError, match=rf"^line {lines + 1}: the file ends where"):
        read_ascii(cut)


BROKEN = [
    (1, "no heading", "is not a name and numbers of channels"),
    (1, '"e7" (x)', "is not a name and numbers of channels"),
    (1, '"e7" (99999999999)', "is not a name and numbers of channels"),
    (1, '"e7" ()', "0 numbers of channels, but limits of 1 axes"),
    (1, '"e7" (0)', "axis with 0 bins"),
    (1, '"e7" (999999999)', "axis with 999999999 bins"),
    (3, "2", "is not a version that can be read, 3"),
    (4, "q long", "Bad type was 'q'"),
    (4, "", "Bad type was ''"),
    (5, "det.e7", "is not names of parameters"),
    (5, '("det.e7"', "is not names of parameters"),
    (5, '("det.e7" ) x', "is not names of parameters"),
    (6, "(0)", "is not limits of axes"),
    (6, "(0 1) (0 1) (0 1)", "is not limits of axes"),
    (7, "", "is not a line of hyphens"),
    (8, "(3)", "is not a channel and its counts"),
    (8, "(3) -4", "is not a channel and its counts"),
    (8, "(3) 1e30", "is not a channel and its counts"),
    (8, "(1.5) 2", "is not a channel and its counts"),
    (8, "(101) 1", r"channel \(101\) is none of the 100 channels"),
    (9, "(1 1) 1", r"channel \(1 1\) is none of the 100 channels"),
    (9, "(-2) 1", r"channel \(-2\) is none of"),
]


@pytest.mark.parametrize(("number", "line", "text"), BROKEN)
def test_a_line_that_is_wrong_is_told(number: int, line: str, text: str) -> None:
    lines = SAMPLE.splitlines()
    lines[number - 1] = line
    with pytest.raises(SpectrumFileError, match=f"^line {number}: .*{text}"):
        read_ascii("\n".join(lines))


def test_an_empty_file_has_no_spectra() -> None:
    assert read_ascii("") == read_ascii("\n \r\n") == []
    assert write_ascii([], WHEN) == ""


def test_more_cells_than_memory_has_are_refused() -> None:
    huge = SAMPLE.replace("(100)", "(200000000)")
    with pytest.raises(SpectrumFileError, match="line 21: the spectra so far have 600000006 cells"):
        read_ascii(huge * 3)


def test_to_read_a_full_spectrum_takes_a_few_times_its_text() -> None:
    axis = Axis(0.0, 100.0, 100)
    definition = KINDS["2"].define("h", [["a"], ["b"]], [axis, axis])
    text = write_ascii([Saved(definition, np.ones(definition.shape))], 0)
    tracemalloc.start()
    try:
        (saved,) = read_ascii(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert saved.cells.sum() == 100 * 100
    assert peak < 10 * len(text)
