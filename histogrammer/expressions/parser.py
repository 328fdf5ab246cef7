"""Parser of expressions: arithmetic, comparison, logic, mathematical functions, `$NAME` and
`$NAMEisValid`, with the precedence of Tcl's `expr`. All else is refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum

from histogrammer.errors import ExpressionError
from histogrammer.expressions.trees import (
    BINARY,
    FUNCTIONS,
    UNARY,
    Binary,
    Choice,
    Function,
    Node,
    Number,
    Unary,
    Validity,
    Value,
)

__all__ = ["MAX_DEPTH", "MAX_LETTERS", "MAX_OPERATORS", "VALID", "parse"]

MAX_LETTERS = 10_000
MAX_DEPTH = 100
"""Of operators and brackets within each other; an open bracket counts twice."""
MAX_OPERATORS = 200
"""And functions: a tree is at most as deep as it has of them."""
VALID = "isValid"
"""Behind the name of a parameter: tells whether an event has it."""

_WRAPPED = re.compile(
    r"\s*(?:return\s+)?(?:\[\s*expr\s+(?P<command>.*)\]|expr\s+(?P<bare>.*))\s*;?\s*", re.DOTALL
)
_BRACED = re.compile(r"\s*\{(?P<inside>.*)\}\s*", re.DOTALL)
_BLANKS = re.compile(r"\s*")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])"
)
_NAME = re.compile(r"[\w:.]+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r"\|\||&&|==|!=|<=|>=|\*\*|[-+*/%<>!?:(),]")
_REFUSED = re.compile(r"<<|>>|[&|^~]|\[|\"|\{")
_WHY = {
    "[": "commands are not carried out",
    '"': "texts are not compared",
    "{": "texts are not compared",
}
_TAKEN = (
    "a computation is one expression of numbers, parameters ($NAME, ${NAME}, $NAMEisValid), "
    "arithmetic, comparison, !, &&, ||, ?: and mathematical functions"
)


class _Kind(Enum):
    NUMBER = "a number"
    VALUE = "a parameter"
    WORD = "a word"
    OPERATOR = "an operator"
    END = "the end"


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text.

    Attributes:
        kind: Of it.
        text: It, of an operator or a word; of a parameter its name.
        at: Column, from 1.
        node: Of a number or a parameter.
    """

    kind: _Kind
    text: str
    at: int
    node: Node | None = None


def parse(text: str, names: Container[str]) -> Node:
    """Return the tree of an expression.

    It may stand in `[expr {...}]`, with `return` before it, as bodies of Tcl procedures have it.

    Args:
        text: The expression.
        names: Of parameters and variables that it may use.

    Raises:
        ExpressionError: It is none, or uses what is not there; with the column and what is taken.
    """
    if len(text) > MAX_LETTERS:
        raise ExpressionError(
            1, f"it has {len(text)} letters, and up to {MAX_LETTERS} are possible"
        )
    inside, start = _unwrapped(text)
    parser = _Parser(_tokens(inside, start, names))
    return parser.whole()


def _unwrapped(text: str) -> tuple[str, int]:
    """Return the expression itself, and how many letters are before it."""
    start = 0
    for pattern in (_WRAPPED, _BRACED):
        found = pattern.fullmatch(text)
        if found is not None:
            group = next(name for name, value in found.groupdict().items() if value is not None)
            text, start = found[group], start + found.start(group)
    return text, start


def _tokens(text: str, start: int, names: Container[str]) -> list[_Token]:
    found: list[_Token] = []
    at = _BLANKS.match(text).end()  # type: ignore[union-attr]  # it always matches
    while at < len(text):
        token, length = _token(text, at, start + at + 1, names)
        found.append(token)
        at = _BLANKS.match(text, at + length).end()  # type: ignore[union-attr]
    found.append(_Token(_Kind.END, "", start + len(text) + 1))
    return found


def _token(text: str, at: int, column: int, names: Container[str]) -> tuple[_Token, int]:
    """Return the token that begins at a place, and its length."""
    if text[at] == "$":
        return _parameter(text, at, column, names)
    if refused := _REFUSED.match(text, at):
        sign = refused[0]
        if not text.startswith(("&&", "||"), at):
            why = _WHY.get(sign, "there are no operators on bits")
            raise ExpressionError(column, f"`{sign}`: {why}; {_TAKEN}")
    if number := _NUMBER.match(text, at):
        return _Token(_Kind.NUMBER, number[0], column, _number(number[0], column)), len(number[0])
    if word := _WORD.match(text, at):
        return _Token(_Kind.WORD, word[0], column), len(word[0])
    if operator := _OPERATOR.match(text, at):
        return _Token(_Kind.OPERATOR, operator[0], column), len(operator[0])
    raise ExpressionError(column, f"`{text[at : at + 20]}` is not understood; {_TAKEN}")


def _number(text: str, column: int) -> Number:
    if re.fullmatch(r"0\d+", text):
        raise ExpressionError(column, f"`{text}` begins with 0: write it without, or as 0o17")
    try:
        if re.fullmatch(r"\d+|0[xXoObB]\w+", text):
            return Number(float(int(text, 0)), True)
        return Number(float(text), False)
    except (ValueError, OverflowError):  # more digits than any number has
        raise ExpressionError(column, f"`{text[:20]}...` is no number that can be had") from None


def _parameter(text: str, at: int, column: int, names: Container[str]) -> tuple[_Token, int]:
    """Return a parameter: the longest name that there is, if it stands in no braces."""
    if text.startswith("${", at):
        end = text.find("}", at)
        if end < 0:
            raise ExpressionError(column, "`${` without `}`")
        node = _named(text[at + 2 : end], names)
        if node is not None:
            return _Token(_Kind.VALUE, text[at:end], column, node), end + 1 - at
        raise _unknown(text[at + 2 : end], column)
    found = _NAME.match(text, at + 1)
    spelt = found[0] if found else ""
    for length in range(len(spelt), 0, -1):
        node = _named(spelt[:length], names)
        if node is not None:
            return _Token(_Kind.VALUE, spelt[:length], column, node), 1 + length
    raise _unknown(spelt, column)


def _named(name: str, names: Container[str]) -> Node | None:
    if name in names:
        return Value(name)
    bare = name.removesuffix(VALID)
    return Validity(bare) if bare != name and bare in names else None


def _unknown(name: str, column: int) -> ExpressionError:
    return ExpressionError(
        column,
        f"`${name[:80]}` is none of its parameters, and no variable; write ${{NAME}} for names "
        "with blanks or signs",
    )


class _Parser:
    """Parser of tokens.

    Args:
        tokens: The last one is the end.
    """

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next = tokens, 0
        self._depth = self._operators = 0

    def whole(self) -> Node:
        """Return the tree of all tokens."""
        node = self._choice()
        if self._token.kind is not _Kind.END:
            raise self._unexpected("an operator, or the end")
        return node

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _unexpected(self, wanted: str) -> ExpressionError:
        token = self._token
        said = f"`{token.text}`" if token.text else token.kind.value
        return ExpressionError(token.at, f"{said} stands where {wanted} is expected; {_TAKEN}")

    def _takes(self, operator: str) -> bool:
        if self._token.kind is _Kind.OPERATOR and self._token.text == operator:
            self._next += 1
            return True
        return False

    def _needs(self, operator: str) -> None:
        if not self._takes(operator):
            raise self._unexpected(f"`{operator}`")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                self._token.at, f"more than {MAX_DEPTH} operators or brackets within each other"
            )

    def _counted(self, node: Node) -> Node:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise ExpressionError(self._token.at, f"more than {MAX_OPERATORS} operators")
        return node

    def _choice(self) -> Node:
        self._deeper()
        node = self._operation(1)
        if self._takes("?"):
            yes = self._choice()
            self._needs(":")
            node = self._counted(Choice(node, yes, self._choice()))
        self._depth -= 1
        return node

    def _operation(self, least: int) -> Node:
        """Return operands with operators between them that bind at least so strongly."""
        self._deeper()
        node = self._operand()
        while self._token.kind is _Kind.OPERATOR:
            operator = self._token.text
            strength = BINARY.get(operator, 0)
            if strength < least:
                break
            self._next += 1
            right = self._operation(strength if operator == "**" else strength + 1)
            node = self._counted(Binary(operator, node, right))
        self._depth -= 1
        return node

    def _operand(self) -> Node:
        token = self._token
        if token.node is not None:
            self._next += 1
            return token.node
        if token.kind is _Kind.WORD:
            return self._function()
        for operator in UNARY:
            if self._takes(operator):
                self._deeper()
                node = self._counted(Unary(operator, self._operand()))
                self._depth -= 1
                return node
        if self._takes("("):
            node = self._choice()
            self._needs(")")
            return node
        raise self._unexpected("a number, a parameter, a function or a bracket")

    def _function(self) -> Node:
        token = self._token
        if token.text not in FUNCTIONS:
            there = ", ".join(sorted(FUNCTIONS))
            raise ExpressionError(
                token.at, f"`{token.text[:40]}` is no function; there are {there}"
            )
        self._next += 1
        self._needs("(")
        arguments = [self._choice()]
        while self._takes(","):
            arguments.append(self._choice())
        self._needs(")")
        least, most = FUNCTIONS[token.text]
        if not least <= len(arguments) <= (most or len(arguments)):
            raise ExpressionError(
                token.at, f"{token.text} takes {least} arguments, {len(arguments)} are given"
            )
        return self._counted(Function(token.text, tuple(arguments)))
