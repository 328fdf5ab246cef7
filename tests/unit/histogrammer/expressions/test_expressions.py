"""Expressions of pseudo parameters, held against Tcl itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.tclsh import TCLSH, TclExpressions

from histogrammer.errors import ExpressionError
from histogrammer.expressions.evaluation import Column, evaluate
from histogrammer.expressions.parser import MAX_DEPTH, MAX_LETTERS, parse
from histogrammer.expressions.trees import BINARY, FUNCTIONS, UNARY

NAMES = ("a", "b")


def value(text: str, a: float | None = None, b: float | None = None) -> float | None:
    """Return the value for one event; None of a parameter: it is absent."""
    columns = {
        name: Column(
            np.array([0.0 if given is None else given]),
            np.array([given is not None]),
            np.array(False),
        )
        for name, given in (("a", a), ("b", b))
    }
    found = evaluate(parse(text, NAMES), columns)
    there = np.broadcast_to(found.is_there, (1,))[0]
    return float(np.broadcast_to(found.values, (1,))[0]) if there else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7/2", 3),
        ("-7/2", -4),
        ("-7 % 3", 2),
        ("7/2.0", 3.5),
        ("-2**2", 4),
        ("2**3**2", 512),
        ("2**-1", 0),
        ("0**0", 1),
        ("max(1, 2.5)/2", 1.25),
        ("max(3, 2.5)/2", 1),
        ("abs(-3)/2", 1),
        ("ceil(3)/2", 1.5),
        ("pow(2, 3)/3", 8 / 3),
        ("round(-2.5)", -3),
        ("1 < 2 < 3", 1),
        ("-1 < 0 ? 1 : 0 ? 5 : 6", 1),
        ("1 ? 2 : 3/0", 2),
        ("0 && 1/0", 0),
        ("1 || 1/0", 1),
        ("!2.5", 0),
        ("bool(2.5)", 1),
        ("5 -- 3", 8),
        ("0x1f + 0o17 + 0b11", 49),
        (".5 + 5. + 1e1", 15.5),
        ("hypot(3, 4)", 5),
        ("1/0", None),
        ("1.0/0", None),
        ("0.0**-1", None),
        ("sqrt(-1)", None),
        ("log(0)", None),
        ("acos(2)", None),
        ("-8.0**0.5", None),
        ("5.5 % 2", None),
    ],
)
def test_numbers_are_computed_as_tcl_does(text: str, expected: float | None) -> None:
    assert value(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        ("$a + $b", 1.5, 2.0, 3.5),
        ("$a + $b", 1.5, None, None),
        ("$aisValid + 2*$bisValid", 1.0, None, 1),
        ("$aisValid ? $a : $b", None, 7.0, 7),
        ("$bisValid ? $a : 0", None, 7.0, None),
        ("$a && $b", 0.0, None, 0),
        ("${a}/2", 7.0, None, 3.5),
        ("return [expr {$a*2}]", 3.0, None, 6),
        ("[expr $a*2]", 3.0, None, 6),
        ("expr {$a*2}", 3.0, None, 6),
        ("{$a*2}", 3.0, None, 6),
        ("$a", float("inf"), None, None),
        ("$a < 1", float("nan"), None, None),
    ],
)
def test_parameters_have_values_and_may_be_absent(
    text: str, a: float | None, b: float | None, expected: float | None
) -> None:
    assert value(text, a, b) == expected


def test_the_longest_name_that_there_is_is_meant() -> None:
    names = {"det.e", "det.e.1", "det.e.1isValid", "with blank"}
    columns = {
        name: Column(np.array(float(n)), np.array(True), np.array(False))
        for n, name in enumerate(sorted(names))
    }
    at = {name: float(n) for n, name in enumerate(sorted(names))}
    for text, expected in [
        ("$det.e.1+0", at["det.e.1"]),
        ("$det.e+0", at["det.e"]),
        ("$det.eisValid", 1.0),
        ("$det.e.1isValid", at["det.e.1isValid"]),  # a parameter of this name is there
        ("${with blank}", at["with blank"]),
        ("${with blankisValid}", 1.0),
    ]:
        assert float(evaluate(parse(text, names), columns).values) == expected


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "the end stands where"),
        ("1 +", 4, "the end stands where"),
        ("1 2", 3, "`2` stands where an operator"),
        ("(1", 3, "where `)`"),
        ("$c + 1", 1, "`$c` is none of its parameters"),
        ("$", 1, "none of its parameters"),
        ("${a", 1, "without `}`"),
        ("[exec ls]", 1, "commands are not carried out"),
        ("$a eq 1", 4, "`eq` stands where"),
        ('"a" == "b"', 1, "texts are not compared"),
        ("$a & 1", 4, "no operators on bits"),
        ("$a << 1", 4, "no operators on bits"),
        ("~1", 1, "no operators on bits"),
        ("rand()", 1, "`rand` is no function; there are abs"),
        ("atan2(1)", 1, "atan2 takes 2 arguments, 1 are given"),
        ("010", 1, "begins with 0"),
        ("1 ? 2", 6, "where `:`"),
        ("$a; exit", 3, "`;"),
        ("return [expr {$a +}]", 19, "the end stands where"),
        ("1" * 400, 1, "no number that can be had"),
        ("(" * 1000 + "1", MAX_DEPTH // 2 + 1, "within each other"),
        ("-" * 1000 + "1", MAX_DEPTH, "within each other"),
        ("1" + "+1" * 1000, 404, "more than 200 operators"),
        (" " * (MAX_LETTERS + 1), 1, f"up to {MAX_LETTERS}"),
    ],
)
def test_anything_else_is_refused_with_a_place_and_a_sentence(
    text: str, column: int, says: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, NAMES)
    assert says in caught.value.reason
    assert caught.value.column == column


@given(st.text(alphabet="$ab{}[]()0189.+-*/%<>=!&|?:, eExisValdmn\"'\\;\n", max_size=40))
@settings(max_examples=150)
def test_any_text_is_an_expression_or_is_refused(text: str) -> None:
    try:
        tree = parse(text, NAMES)
    except ExpressionError:
        return
    column = Column(np.ones(3), np.array([True, False, True]), np.array(False))
    found = evaluate(tree, {"a": column, "b": column})
    assert np.isfinite(
        np.broadcast_to(found.values, (3,))[np.broadcast_to(found.is_there, (3,))]
    ).all()


LITERALS = st.one_of(
    st.integers(0, 20).map(str),
    st.sampled_from(["0.5", "2.5", "1e2", "0.0", "$a", "$b", "$aisValid", "$bisValid"]),
)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    functions = [name for name in FUNCTIONS if FUNCTIONS[name] == (1, 1)]
    two = [name for name in FUNCTIONS if FUNCTIONS[name] != (1, 1)]
    return st.one_of(
        st.tuples(parts, st.sampled_from(sorted(BINARY)), parts).map(" ".join),
        st.tuples(parts, st.sampled_from(sorted(BINARY)), parts).map(lambda p: f"({' '.join(p)})"),
        st.tuples(st.sampled_from(UNARY), parts).map("".join),
        st.tuples(parts, parts, parts).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
        st.tuples(st.sampled_from(functions), parts).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(two), parts, parts).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
    )


EXPRESSIONS = st.recursive(LITERALS, _joined, max_leaves=6)
NUMBERS = st.sampled_from([None, 0.0, -1.5, 2.0, 3.25, 1000.0])


@pytest.fixture(scope="module")
def tcl() -> Iterator[TclExpressions]:
    with TclExpressions() as made:
        yield made


@pytest.mark.parametrize("compared", ["0 != sqrt($a)", "sqrt($a) == sqrt($a)", "sqrt($a) < 1"])
def test_what_is_compared_with_the_root_of_a_negative_number_has_no_value(compared: str) -> None:
    assert value(compared, -1.5, None) is None
    assert value(compared, 4.0, None) is not None


@pytest.mark.skipif(TCLSH is None, reason="there is no tclsh")
@given(text=EXPRESSIONS, a=NUMBERS, b=NUMBERS)
@settings(max_examples=200)
def test_any_expression_has_the_value_that_tcl_gives_it(
    tcl: TclExpressions, text: str, a: float | None, b: float | None
) -> None:
    variables: dict[str, float] = {"aisValid": int(a is not None), "bisValid": int(b is not None)}
    variables |= {name: given for name, given in (("a", a), ("b", b)) if given is not None}
    theirs = tcl(text, variables)
    assume(theirs is None or abs(theirs) < 2**53)  # beyond, integers are not exact
    ours = value(text, a, b)
    # Tcl compares a root of a negative number; here it has no value.
    assume(not (ours is None and theirs is not None and "sqrt" in text))
    assert (ours is None) == (theirs is None), text
    assert ours is None or ours == pytest.approx(theirs, rel=1e-12, abs=1e-12), text
