"""Spellings of paths: `//spectcl//version/`, `/spectcl/version?` are `version`. Pure."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

__all__ = ["ROOT", "read_path"]

ROOT = "spectcl"
_MAX_PATH_BYTES = 1000


def read_path(raw: bytes) -> str | None:
    """Return the request that a path names, as `requests.ROUTES` has it.

    Args:
        raw: Path as it came, still in percent encoding: in a decoded one an encoded slash cannot be
            told from one of the path.

    Returns:
        For example `parameter/list`; None: it is not below the root, or no path of any request.
    """
    if len(raw) > _MAX_PATH_BYTES:
        return None
    parts = [unquote_to_bytes(part) for part in raw.split(b"/")]
    if any(b"/" in part for part in parts):
        return None
    try:
        spelt = b"/".join(part for part in parts if part).decode("utf-8").rstrip("/?&")
    except UnicodeDecodeError:
        return None
    root, _, request = spelt.partition("/")
    return request if root == ROOT and request else None
