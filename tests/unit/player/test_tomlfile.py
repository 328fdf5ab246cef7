"""The line of every key of a TOML document."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from arrayconfig.files import dotted
from player.errors import ConfigError
from player.tomlfile import key_lines, parse_toml, read_toml

DOCUMENT = """\
# a comment
top = 1

[a]
list = [
  1,
  2,
]
"quoted key" = { inner = 3, b.c = 4 }
text = '''
[not.a.table]
x = 5
'''

[a.deep.table]
x.y = 6

[[items]]
name = "first"
[items.sub]
z = 7
[[items]]
name = "second"
"""


def test_every_key_has_its_line() -> None:
    lines = key_lines(DOCUMENT)
    expected = {
        ("top",): 2,
        ("a",): 4,
        ("a", "list"): 5,
        ("a", "quoted key"): 9,
        ("a", "quoted key", "inner"): 9,
        ("a", "quoted key", "b", "c"): 9,
        ("a", "text"): 10,
        ("a", "deep", "table"): 15,
        ("a", "deep", "table", "x", "y"): 16,
        ("items", 0): 18,
        ("items", 0, "name"): 19,
        ("items", 1): 22,
        ("items", 1, "name"): 23,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("not",) not in lines


def test_a_key_without_a_line_has_that_of_the_table_around_it() -> None:
    source = parse_toml(DOCUMENT, Path("x.toml"))
    assert source.line(("a", "missing")) == 4
    assert source.line(("nowhere", "missing")) is None
    assert str(source.fault(("a", "missing", 2), "text")) == "x.toml:4: a.missing[2]: text"
    assert str(source.fault((), "text")) == "x.toml: text"


@pytest.mark.parametrize(("path", "text"), [((), ""), (("a",), "a"), (("a", 2, "b"), "a[2].b")])
def test_a_path_reads_like_the_file(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


@given(
    st.lists(
        st.sampled_from(
            ["[a]", "[b.c]", "x = 1", "y = [", "]", "# c", "", "z = '''", "'''", "[[d]]"]
        )
    )
)
def test_any_document_is_read_or_refused_with_a_line(statements: list[str]) -> None:
    text = "\n".join(statements) + "\n"
    try:
        source = parse_toml(text, Path("x"))
    except ConfigError as error:
        place = min(fault.line or 0 for fault in error.faults)
    else:
        place = 1
        for path, (_file, line) in source.places.items():
            assert isinstance(path[-1], int) or str(path[-1]) in text.splitlines()[line - 1]
    assert place >= 1


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(ConfigError, match="expected a regular file"):
            read_toml(path)


@pytest.mark.parametrize(
    "value",
    [
        '"""x"""', '"""x""""', '"""x"""""', '"""\\""" x"""', '"""\n[a]\n# x\n"""', "'''x'''", "'''x'''''",
        "'''\\'''", "'''\n\"\"\"\n'''", '"# no comment"', '"\\\\"', '"\\"["', "'[{'", "''", '""', "1 # [ ''' \"",
        '[\n1, # ] }\n"]",\n]', "[[1, [2]], ['''\n]''']]", "{ b = [\n1 ], c = '}' }",
    ],
)  # fmt: skip
def test_a_value_ends_where_it_ends(value: str) -> None:
    lines = key_lines(f"a = {value}\nlast = 1\n[t]\nx.y = {value}\n[[u]]")
    one = value.count("\n")
    assert (lines["a",], lines["last",], lines["t",], lines["t", "x", "y"]) == (
        1,
        one + 2,
        one + 3,
        one + 4,
    )
    assert lines["u", 0] == 2 * one + 5


@pytest.mark.parametrize("line", ["{},", "'x',", "[1],", "{{ b = {} }},", "# {}"])
def test_a_value_of_many_lines_is_parsed_once(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x = 1\na = [\n" + "".join(line.format(n) + "\n" for n in range(2000)) + "]\ny = 2\n"
    loads, parsed = tomli.loads, list[int]()
    monkeypatch.setattr(
        tomli, "loads", lambda source: (parsed.append(len(source)), loads(source))[1]
    )
    assert key_lines(text)["y",] == 2004
    assert sum(parsed) <= len(text) + 1
