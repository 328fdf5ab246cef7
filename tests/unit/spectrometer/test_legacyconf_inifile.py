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


def test_values_that_refer_to_each_other_without_end_stay_as_they_are() -> None:
    migration = migrate("[DEFAULTS]\ntelescope = %(telescope)s x\n")
    assert tomllib.loads(migration.toml)["instrument"]["telescope"] == "%(telescope)s x"
    assert "have no end" in migration.findings[-1].text
    growing = "[DEFAULTS]\na0 = " + "x" * 99 + "".join(f"\na{n + 1} = {f'%(a{n})s' * 99}" for n in range(9))
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
