"""Answers of commands on standard output, and sentences on standard error."""

from __future__ import annotations

import re
import sys
from typing import Any

from commandline.jsontext import json_text
from commandline.terminal import is_styled
from groundwork.printable import printable

__all__ = ["say", "tell", "tell_line", "tell_text"]


def tell(as_json: bool, value: Any, text: str) -> None:
    """Print a value as JSON, or the lines that a person reads instead."""
    print(json_text(value) if as_json else text, flush=True)


def tell_line(as_json: bool, value: Any, text: str) -> None:
    """Print one of many values, as JSON in one line, or the line that a person reads instead."""
    print(json_text(value, None) if as_json else text, flush=True)


def tell_text(text: str) -> None:
    """Print a text of a stranger: as it is for programs, and so that it steers no terminal."""
    print(_lines(text) if sys.stdout is not None and sys.stdout.isatty() else text, flush=True)


def say(program: str, text: object) -> None:
    """Print a sentence on standard error behind the name of the program. It may be of a stranger:
    of its control characters line breaks and tabs only are left."""
    told = _lines(str(text))
    if sys.stderr is not None and is_styled(sys.stderr):
        from commandline.richterminal import sentence

        print(sentence(program, told), file=sys.stderr, flush=True)
    else:
        print(f"{program}: {told}", file=sys.stderr, flush=True)


def _lines(text: str) -> str:
    """Return a text without control characters but line breaks and tabs."""
    return re.sub(r"[^\n\t]+", lambda found: printable(found[0]), text)
