"""The original's INI file, read by the rules of Python 2."""

from __future__ import annotations

import tomllib

import pytest

from spectrometer.legacyconf import migrate
from spectrometer.legacyconf.inifile import read_ini


def options(text: str) -> dict[str, str]:
    file = read_ini("[S]\n" + text)
    section = file.sections["S"]
    return {name: file.value(section, option) for name, option in section.options.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A = b", {"a": "b"}),
        ("a: b = c", {"a": "b = c"}),
        ("a = b ; comment", {"a": "b"}),
        ("a = b;c", {"a": "b;c"}),
        ("a = b # no comment", {"a": "b # no comment"}),
        ('a = " b "', {"a": "b"}),
        ('a = ""', {"a": ""}),
        ("a =", {"a": ""}),
        ("a = 1,\n  2,\n\t3", {"a": "1,\n2,\n3"}),
        ("a = 1,\n\n  2", {"a": "1,\n2"}),
        ("a = 1,\n# between\n  2", {"a": "1,\n2"}),
        ("rem = no option\na = 1", {"a": "1"}),
        ("; comment\n# comment\na = 1\r", {"a": "1"}),
        ("a = %(b)s/c\nb = x", {"a": "x/c", "b": "x"}),
        ("a = 5%%", {"a": "5%%"}),
        ("a = %(b)s%%\nb = 5", {"a": "5%", "b": "5"}),
        ("a = 1\nA = 2", {"a": "2"}),
    ],
)
def test_lines_are_read_as_python_2_read_them(text: str, expected: dict[str, str]) -> None:
    assert options(text) == expected


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "hpchost = hpc1 # new",
            "a # behind a value began no comment in the original: the value is 'hpc1 # new'",
        ),
        ("a = 'SHAO'", "single quotes are a part of the value in the original: it is \"'SHAO'\""),
        ('a = "SHAO', "has a quote without its partner: '\"SHAO'"),
        ('a = "SHAO"', ""),
        ("a = b#c ; and # this", ""),
    ],
)
def test_what_looks_like_something_else_is_told(line: str, text: str) -> None:
    findings = read_ini(f"[S]\n{line}\n").findings
    assert [(finding.line, finding.section) for finding in findings] == ([(2, "S")] if text else [])
    assert all(text in finding.text for finding in findings)


def test_values_that_refer_to_each_other_without_end_stay_as_they_are() -> None:
    migration = migrate("[DEFAULTS]\ntelescope = %(telescope)s x\n")
    assert tomllib.loads(migration.toml)["instrument"]["telescope"] == "%(telescope)s x"
    assert "have no end" in migration.findings[-1].text
    growing = (
        "[DEFAULTS]\na0 = "
        + "x" * 99
        + "".join(f"\na{n + 1} = {f'%(a{n})s' * 99}" for n in range(9))
    )
    assert "have no end" in migrate(f"{growing}\ntelescope = %(a9)s\n").findings[-1].text


def test_options_of_default_hold_in_every_section() -> None:
    migration = migrate("[DEFAULT]\nneeded_arm_delay = 7\n[MODE1]\n")
    assert tomllib.loads(migration.toml)["modes"]["MODE1"]["needed_arm_delay_s"] == 7


def test_what_the_original_could_not_read_is_named_with_its_line() -> None:
    migration = migrate("stray\n[BANKA]\nhpchost = a\nno option\n")
    assert [(f.line, f.section, f.text) for f in migration.findings if f.key == ""] == [
        (1, "", "stands before the first section; the original stops here"),
        (4, "BANKA", "neither section nor option, the original stops here: 'no option'"),
    ]


def test_an_option_that_stands_twice_is_said_so_with_what_it_was() -> None:
    file = read_ini("[S]\na = 1\nb = 2\nA = 1\nb = 3,\n 4\nb = 2\n")
    assert [(f.line, f.key, f.text) for f in file.findings] == [
        (4, "A", "is given 2 times; the same as in line 2"),
        (7, "b", "is given 3 times; the last one holds, not '3,\\n4' in line 5"),
    ]


def test_a_section_that_stands_twice_is_one() -> None:
    file = read_ini("[S]\na = 1\n[T]\n[S]\nb = 2\n")
    assert list(file.sections["S"].options) == ["a", "b"]
    assert [(f.line, f.text) for f in file.findings] == [
        (4, "the section stands twice, first in line 1; both are taken together")
    ]


def test_an_option_that_stands_many_times_takes_no_memory() -> None:
    file = read_ini("[S]\n" + "a = 1\n" * 20_000)
    assert len(file.sections["S"].options["a"].earlier) == 19_999


def test_comments_belong_to_what_they_stand_above() -> None:
    file = read_ini("# file\n\n# first\n[S]\n# of a\na = 1 ; behind\n\n; second\n[T]\nrem end\n")
    assert (file.head, file.tail) == (["# file"], ["rem end"])
    assert [section.comments for section in file.sections.values()] == [["# first"], ["; second"]]
    assert file.sections["S"].options["a"].comments == ["# of a", "; behind"]
