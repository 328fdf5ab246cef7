"""Answers of commands on standard output, and sentences on standard error."""

from __future__ import annotations

import sys
from typing import Any

from commandline.jsontext import json_text
from commandline.terminal import is_styled
from groundwork.printable import printable

__all__ = ["say", "tell", "tell_line"]


def tell(as_json: bool, value: Any, text: str) -> None:
    """Print a value as JSON, or the lines that a person reads instead."""
    print(json_text(value) if as_json else text, flush=True)


def tell_line(as_json: bool, value: Any, text: str) -> None:
    """Print one of many values, as JSON in one line, or the line that a person reads instead."""
    print(json_text(value, None) if as_json else text, flush=True)


def say(program: str, text: object) -> None:
    """Print a sentence on standard error behind the name of the program. It may be of a stranger:
    of its control characters line breaks only are left."""
    told = "\n".join(map(printable, str(text).split("\n")))
    if sys.stderr is not None and is_styled(sys.stderr):
        from commandline.richterminal import sentence

        print(sentence(program, told), file=sys.stderr, flush=True)
    else:
        print(f"{program}: {told}", file=sys.stderr, flush=True)
