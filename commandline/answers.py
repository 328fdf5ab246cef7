"""Answers of commands on standard output, and sentences on standard error."""

from __future__ import annotations

import sys
from typing import Any

from commandline.jsontext import json_text
from commandline.terminal import is_styled

__all__ = ["say", "tell", "tell_line"]


def tell(as_json: bool, value: Any, text: str) -> None:
    """Print a value as JSON, or the lines that a person reads instead."""
    print(json_text(value) if as_json else text, flush=True)


def tell_line(as_json: bool, value: Any, text: str) -> None:
    """Print one of many values, as JSON in one line, or the line that a person reads instead."""
    print(json_text(value, None) if as_json else text, flush=True)


def say(program: str, text: object) -> None:
    """Print a sentence on standard error behind the name of the program."""
    if sys.stderr is not None and is_styled(sys.stderr):
        from commandline.richterminal import sentence

        print(sentence(program, str(text)), file=sys.stderr, flush=True)
    else:
        print(f"{program}: {text}", file=sys.stderr, flush=True)
