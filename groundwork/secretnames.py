"""Names of values that nobody may be shown: `password`, `token`, `api_key` and their like."""

from __future__ import annotations

import re

__all__ = ["names_secret"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET = re.compile(
    r"(?:^|[_-])(?:passwords?|passwd|passphrase|pwd|secrets?|tokens?|credentials?|(?:api|private)[_-]?key)(?:[_-]|$)",
    re.IGNORECASE,
)


def names_secret(name: str) -> bool:
    """Tell whether the value of a name must not be shown: `password`, `secret`, `token`, alone or
    as in `api_token` and `apiToken`."""
    return _SECRET.search(_HUMP.sub("_", name)) is not None
