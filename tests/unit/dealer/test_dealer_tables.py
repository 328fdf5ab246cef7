"""Tables as a notebook shows them."""

from __future__ import annotations

from dealer.outcome import Outcome, Outcomes, Values
from dealer.tables import html_table
from zmqjsonproxy import RefusedError


def test_html_escapes_whatever_comes_from_a_player() -> None:
    html = html_table(("Bank",), [("<script>",)])
    assert "<td>&lt;script&gt;</td>" in html
    assert "<script>" not in html


def test_html_keeps_lines_and_shows_pictures_without_running_what_they_hold() -> None:
    assert "<td><pre>a &lt; b\nc</pre></td>" in html_table((), [("a < b\nc",)])
    picture = html_table((), [("<svg onload='steal()'></svg>",)])
    assert 'src="data:image/svg+xml;base64,' in picture
    assert "steal" not in picture


def test_outcomes_show_one_bank_a_line_and_are_a_dictionary() -> None:
    refusal = RefusedError("exposure: 99 s is too long")
    outcomes = Outcomes({"A": Outcome("A", 5, None, 0.0012), "B": Outcome("B", None, refusal, 0.5)})
    assert repr(outcomes).splitlines() == [
        "<A in 1.2 ms: 5>",
        "<B in 500.0 ms: RefusedError: exposure: 99 s is too long>",
    ]
    assert outcomes == {"A": Outcome("A", 5, None, 0.0012), "B": Outcome("B", None, refusal, 0.5)}
    html = outcomes._repr_html_()
    assert "<td>A</td><td>5</td><td>1.2</td>" in html
    assert "RefusedError: exposure: 99 s is too long" in html
    assert repr(Outcomes()) == "{}"


def test_values_are_a_dictionary_and_their_keys_the_columns_in_a_notebook() -> None:
    assert repr(Values({"A": (True, "set")})) == "{'A': (True, 'set')}"
    assert (
        "<td>A</td><td>(True, &#x27;set&#x27;)</td>" in Values({"A": (True, "set")})._repr_html_()
    )
    html = Values({"A": {"X": 1}, "B": {"X": 2, "Y": 3}})._repr_html_()
    assert "<th>Bank</th><th>X</th><th>Y</th>" in html
    assert "<td>A</td><td>1</td><td></td>" in html
