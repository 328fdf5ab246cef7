"""Decision between plain text and text with styles. Looks at the stream and the environment only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TextIO

__all__ = ["is_styled"]


def is_styled(out: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether text to a stream gets colours, wrapped tables and bars.

    Without the extra `cli`, into a pipe or a file, on a terminal that is `dumb` or not UTF-8, and with
    NO_COLOR set it is plain, as scripts read it.
    """
    return (
        out is not None
        and out.isatty()
        and (out.encoding or "").lower().startswith("utf")
        and environment.get("TERM", "dumb") != "dumb"
        and not environment.get("NO_COLOR")
        and _is_installed()
    )


@cache
def _is_installed() -> bool:
    return find_spec("rich") is not None
