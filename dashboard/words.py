"""Words of states, which the page and the terminal share: `static/text/words.js`, read as data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["words"]

_FILE = Path(__file__).with_name("static") / "text" / "words.js"


@cache
def words() -> dict[str, Any]:
    """Return the catalogue: the one object in the file."""
    text = _FILE.read_text(encoding="utf-8")
    begin, end = text.index("\n{\n") + 1, text.rindex("\n}\n") + 2
    told: dict[str, Any] = json.loads(text[begin:end])
    return told
