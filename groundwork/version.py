"""Version of this distribution."""

from __future__ import annotations

__all__ = ["version"]


def version() -> str:
    """Return the version of the distribution that is installed."""
    from importlib import metadata  # late: it takes longer than a call

    try:
        return metadata.version("dealer-player")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"
