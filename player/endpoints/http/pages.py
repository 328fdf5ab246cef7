"""Pages for people. All that they show is text of strangers: it is escaped, cut, and shown with its
hidden characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from arrayconfig.logs import utc
from player.endpoints.http.protocol.texts import shown, value_text

__all__ = ["STATIC", "Pages"]

_HERE = Path(__file__).resolve().parent
STATIC = _HERE / "static"


class Pages:
    """Templates, filled.

    Args:
        **common: For all pages.
    """

    def __init__(self, **common: Any) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"shown": _shown, "value": value_text, "age": _age, "utc": utc}
        self._templates.globals |= common

    def render(self, name: str, **values: Any) -> str:
        """Return a page."""
        text = self._templates.get_template(name).render(values)
        return text.encode("utf-8", "backslashreplace").decode()


def _shown(value: object, most: int = 2000) -> str:
    return shown(str(value), most)


def _age(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
