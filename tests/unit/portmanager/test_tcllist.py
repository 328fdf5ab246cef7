"""Tcl lists: recorded elements in both directions, and what must hold for all texts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portmanager.errors import NotAListError
from portmanager.protocol.tcllist import join_list, quote, split_list

NAMES = [  # as Tcl 8.6 wrote them
    ("", "{}"), ("plain", "plain"), ("two words", "{two words}"), ("a{b", "a\\{b"), ("a}b", "a\\}b"),
    ("a{b}c", "a{b}c"), ("{a}", "{{a}}"), ("{", "\\{"), ("a b}", "a\\ b\\}"), ("#a", "#a"),
    ("ORDERER:bob:x", "ORDERER:bob:x"), ('a"b', 'a\\"b'), ('"ab"', '{"ab"}'), ('say "hi"', '{say "hi"}'),
    ("a]b", "a\\]b"), ("a[b", "{a[b}"), ("$x", "{$x}"), ("a;b", "{a;b}"), ("a\\b", "{a\\b}"), ("a\\", "a\\\\"),
    ("a b\\", "a\\ b\\\\"), ("x\ty", "{x\ty}"), ("foo}\t", "foo\\}\\t"), ("{]", "\\{\\]"), ("\u00a0", "\u00a0"),
]  # fmt: skip

LISTS = [
    ("", []), (" \t\v\f ", []), ("a b", ["a", "b"]), ("  a \t b  ", ["a", "b"]), ("{a b} c", ["a b", "c"]),
    ('"a b" c', ["a b", "c"]), ("a\\ b c", ["a b", "c"]), ("{a {b} c}", ["a {b} c"]), ("{a\\}b}", ["a\\}b"]),
    ("a{b c}d", ["a{b", "c}d"]), ('a"b', ['a"b']), ('"a\\"b"', ['a"b']), ("\\x41\\x4", ["A\x04"]),
    ("\\u41g \\U10FFFFF", ["Ag", "\U0010ffffF"]), ("\\101 \\777 \\8", ["A", "?7", "8"]), ("\\xg \\ug", ["xg", "ug"]),
    ("\\a\\b\\f\\n\\r\\t\\v", ["\a\b\f\n\r\t\v"]), ("a\\", ["a\\"]), ("{}", [""]), ('""', [""]), ("a\\q", ["aq"]),
    ("\u00a0a", ["\u00a0a"]), ("a\\\n  b", ["a b"]), ("{a}\n{b}", ["a", "b"]),
]  # fmt: skip

NO_LISTS = [
    ("{a", "unmatched open brace in list"),
    ("{a\\}", "unmatched open brace in list"),
    ('"a', "unmatched open quote in list"),
    ('"a\\"', "unmatched open quote in list"),
    ("{a}b", 'list element in braces followed by "b" instead of space'),
    ('"a"b c', 'list element in quotes followed by "b" instead of space'),
]

AWKWARD = st.text(alphabet='ab# {}"\\[]$;\t\n\r\v\f\u00e9x0u4', max_size=12) | st.text(max_size=12)


@pytest.mark.parametrize(("name", "written"), NAMES)
def test_a_name_is_written_and_read_as_tcl_does(name: str, written: str) -> None:
    assert quote(name) == written
    assert split_list(f"x {written} y") == ["x", name, "y"]


@pytest.mark.parametrize(("text", "elements"), LISTS)
def test_a_list_has_the_elements_that_tcl_finds(text: str, elements: list[str]) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize(("text", "fault"), NO_LISTS)
def test_what_is_no_list_is_refused_in_the_words_of_tcl(text: str, fault: str) -> None:
    with pytest.raises(NotAListError, match=f"^{fault}$"):
        split_list(text)


@pytest.mark.parametrize(
    ("name", "written"), [("#a", "{#a}"), ("#", "{#}"), ("#a}", "\\#a\\}"), ("#a]b", "{#a]b}")]
)
def test_a_hash_is_quoted_at_the_begin_of_a_list_only(name: str, written: str) -> None:
    assert join_list([name, "b"]) == f"{written} b"
    assert join_list(["b", "#a"]) == "b #a"


@given(st.lists(AWKWARD, max_size=5))
@example(["a\\\nb"])
@example(["\\"])
def test_every_list_is_read_as_it_was_meant(elements: list[str]) -> None:
    assert split_list(join_list(elements)) == elements


@given(AWKWARD)
def test_reading_any_text_gives_elements_or_says_why_not(text: str) -> None:
    try:
        elements = split_list(text)
    except NotAListError as error:
        fault = str(error)
        assert fault.startswith(("unmatched open ", "list element in "))
    else:
        assert split_list(join_list(elements)) == elements
