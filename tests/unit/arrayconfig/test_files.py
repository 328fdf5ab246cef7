"""The files of a configuration: which, how they are merged, and variables in their values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrayconfig.files import (
    FilesError,
    config_files,
    config_path,
    config_text,
    merged,
    read_tables,
    substitute,
)

ENVIRONMENT = {"HOST": "hpc1", "EMPTY": "", "DOLLAR": "${HOST}"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${HOST}", "hpc1"),
        ("a-${HOST}-b-${HOST}", "a-hpc1-b-hpc1"),
        ("${EMPTY}", ""),
        ("${EMPTY:-other}", "other"),
        ("${NONE:-}", ""),
        ("${NONE:-a b:-c}", "a b:-c"),
        ("${HOST:-other}", "hpc1"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("${DOLLAR}", "${HOST}"),
        ("$HOST $ $$ {HOST}", "$HOST $ $$ {HOST}"),
    ],
)
def test_variables_are_replaced_once(text: str, result: str) -> None:
    found = substitute({"key": [text]}, ENVIRONMENT)
    assert (found.value, found.faults) == ({"key": [result]}, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("${NONE}", "the variable NONE is not set; set it, or write ${NONE:-default}"),
        ("${}", "${} is no variable; write ${NAME}, ${NAME:-default}, or $${ for ${ itself"),
        ("${1A}", "${1A} is no variable; write ${NAME}, ${NAME:-default}, or $${ for ${ itself"),
        ("${HOST", "${HOST is no variable; write ${NAME}, ${NAME:-default}, or $${ for ${ itself"),
    ],
)
def test_what_cannot_be_replaced_stays_and_is_a_fault(text: str, fault: str) -> None:
    found = substitute({"a": {"b": text}}, ENVIRONMENT)
    assert (found.value, found.faults) == ({"a": {"b": text}}, {("a", "b"): (fault,)})


@given(st.text(), st.dictionaries(st.sampled_from("ABC"), st.text()))
def test_any_text_is_replaced_or_stays_with_a_fault(text: str, environment: dict[str, str]) -> None:
    found = substitute({"key": text}, environment)
    assert isinstance(found.value["key"], str)
    escaped = substitute({"key": text.replace("${", "$${")}, environment)
    if "$${" not in text:
        assert (escaped.value, escaped.faults, escaped.used) == ({"key": text}, {}, {})


VALUES = st.recursive(
    st.integers() | st.text(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)
)
TABLES = st.dictionaries(st.sampled_from("abc"), VALUES)


@given(TABLES, TABLES, TABLES)
def test_merging_is_associative_and_the_later_value_stays(one: Any, two: Any, three: Any) -> None:
    assert merged(merged(one, two), three) == merged(one, merged(two, three)) or clashing(
        one, two, three
    )
    assert merged(one, {}) == merged({}, one) == one
    for key, value in two.items():
        if not isinstance(value, dict):
            assert merged(one, two)[key] == value


def clashing(*tables: Any) -> bool:
    """A key is a table in one file and none in another: then the order decides what is merged."""
    keys = set().union(*tables)
    for key in keys:
        values = [table[key] for table in tables if key in table]
        kinds = {isinstance(value, dict) for value in values}
        if len(kinds) > 1 or (kinds == {True} and clashing(*values)):
            return True
    return False


def test_files_beside_the_main_one_come_after_it_by_name(tmp_path: Path) -> None:
    main = tmp_path / "dibas.toml"
    for name in (
        "dibas.toml",
        "dibas.d/20-b.toml",
        "dibas.d/10-a.toml",
        "dibas.d/.hidden.toml",
        "dibas.d/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    ordered = [tmp_path / "dibas.d" / "10-a.toml", tmp_path / "dibas.d" / "20-b.toml"]
    assert config_files(main) == [main, *ordered]
    assert config_files(tmp_path / "dibas.d") == ordered
    assert config_files(tmp_path / "none.toml") == [
        tmp_path / "none.toml"
    ]  # and reading it says so


def test_an_installation_may_have_the_directory_alone(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "config"
    folder.mkdir(parents=True)
    assert config_path(None, {"DIBAS_DIR": str(tmp_path)}) == folder / "dibas.toml"
    (folder / "dibas.d").mkdir()
    assert config_path(None, {"DIBAS_DIR": str(tmp_path)}) == folder / "dibas.d"
    (folder / "dibas.toml").write_text("")
    assert config_path(None, {"DIBAS_DIR": str(tmp_path)}) == folder / "dibas.toml"
    assert config_path(None, {"DIBAS_DIR": str(tmp_path), "DIBAS_CONFIG": "/x"}) == Path("/x")
    assert config_path(None, {}) is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            b"\xef\xbb\xbfa = 1\n",
            ":1: begins with a byte order mark of UTF-8; save it as UTF-8 without one",
        ),
        (
            "a = 1\n".encode("utf-16"),
            ":1: begins with a byte order mark of UTF-16; save it as UTF-8 without one",
        ),
        (b"a = 1\nb = '\xe9'\n", ":2: not UTF-8 text: found byte 0xE9; save the file as UTF-8"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    with pytest.raises(FilesError) as caught:
        config_text(path)
    assert [str(one).removeprefix(str(path)) for one in caught.value.faults] == [fault]


def test_all_files_are_looked_at_before_anything_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a = \n")
    (tmp_path / "b.toml").write_text("b = " + "[" * 5000)
    (tmp_path / "c.toml").write_text(".".join(["c"] * 200) + " = 1\n")
    (tmp_path / "d.toml").mkdir()
    with pytest.raises(FilesError) as caught:
        read_tables(tmp_path, {}, [()])
    assert [(fault.file.name, fault.line) for fault in caught.value.faults] == [
        ("a.toml", 1),
        ("b.toml", None),
        ("c.toml", None),
        ("d.toml", None),
    ]
    assert (
        caught.value.faults[2].text == "lists or tables are nested too deeply; expected at most 64"
    )


def test_only_what_is_wanted_needs_its_variables(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        '[banks.A]\nhost = "${NONE}"\ntoken = "${TOKEN}"\n[banks.B]\nhost = "${LOST}"\n'
    )
    (tmp_path / "b.toml").write_text('[banks.A]\nhost = "${HOST}"\n')
    with pytest.raises(FilesError) as caught:
        read_tables(tmp_path, ENVIRONMENT, [("banks", "*", "host")])
    assert [(fault.file.name, fault.key) for fault in caught.value.faults] == [
        ("a.toml", "banks.B.host")
    ]
    tables = read_tables(tmp_path, {**ENVIRONMENT, "LOST": "x"}, [("banks", "*", "host")])
    assert tables == {"banks": {"A": {"host": "hpc1", "token": "${TOKEN}"}, "B": {"host": "x"}}}
