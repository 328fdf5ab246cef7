"""The shipped configuration, damaged in all ways that come to mind; for property-based tests."""

from __future__ import annotations

from hypothesis import strategies as st
from support.backends import SHIPPED

__all__ = ["SHORT", "damaged"]

LINES = SHIPPED.read_text().split("\n")
SHORT = LINES[: LINES.index("[banks.BANKB]")]
SHORT += LINES[LINES.index("[mode_defaults.vegas]") : LINES.index("[modes.MODE2]")]
BITS = [
    "=",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'''",
    "#",
    ".",
    ",",
    "${",
    "${A}",
    "${HOME}",
    "$${",
    "-",
    "nan",
    "inf",
    "1e400",
    "true",
    "[]",
    "{}",
    '""',
    "0x",
    "1979-05-27T07:32:00Z",
    "\u2028",
    "\x0b",
    "\x00",
    "\ufeff",
    "\r",
    "é",
    "9" * 30,
    "9" * 5000,
    "-1",
    "[[a]]",
    "[banks]",
    "banks.BANKA = 1",
    "inherits = 'vegas'",
    "a" * 300,
    '{"": 1}',
    "\\",
    "modes = []",
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The shipped file with some lines lost, doubled, swapped, or with something in the middle of
    them."""
    lines = list(SHORT)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "insert", "value", "cut", "text"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case "swap":
                to = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[to] = lines[to], lines[at]
            case "insert":
                lines.insert(at, draw(st.sampled_from(BITS)))
            case "value":
                key, sign, _ = lines[at].partition("=")
                lines[at] = f"{key}{sign} {draw(st.sampled_from(BITS))}"
            case "cut":
                column = draw(st.integers(0, len(lines[at])))
                lines[at] = (
                    lines[at][:column] + draw(st.sampled_from(BITS)) + lines[at][column + 1 :]
                )
            case "text":
                lines[at] = draw(st.text(max_size=30))
    return "\n".join(lines)
