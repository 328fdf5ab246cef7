"""Streams that get styles."""

from __future__ import annotations

import io

import pytest

from commandline.terminal import is_styled

TERMINAL = {"TERM": "xterm-256color"}


class Stream(io.StringIO):
    def __init__(self, encoding: str | None, is_terminal: bool) -> None:
        super().__init__()
        self._encoding, self._is_terminal = encoding, is_terminal

    @property
    def encoding(self) -> str | None:  # type: ignore[override]  # that of a file is a text
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


def test_a_terminal_gets_styles() -> None:
    assert is_styled(Stream("utf-8", True), TERMINAL)


@pytest.mark.parametrize(
    ("encoding", "is_terminal", "environment"),
    [
        ("utf-8", False, TERMINAL),
        ("ascii", True, TERMINAL),
        (None, True, TERMINAL),
        ("utf-8", True, {"TERM": "dumb"}),
        ("utf-8", True, {}),
        ("utf-8", True, TERMINAL | {"NO_COLOR": "1"}),
    ],
)
def test_pipes_and_terminals_that_cannot_or_should_not_are_plain(
    encoding: str | None, is_terminal: bool, environment: dict[str, str]
) -> None:
    assert not is_styled(Stream(encoding, is_terminal), environment)


def test_a_stream_that_is_not_there_is_plain() -> None:
    assert not is_styled(None, TERMINAL)


def test_an_empty_no_color_means_nothing() -> None:
    assert is_styled(Stream("utf-8", True), TERMINAL | {"NO_COLOR": ""})
