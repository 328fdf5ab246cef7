"""The hub of programs that wait, under the name that it has in either of two revisions."""

from __future__ import annotations

try:
    from zmqjsonproxy import ThreadHub
except ImportError:  # before it was called so
    from zmqjsonproxy import Hub as ThreadHub  # type: ignore[assignment]

__all__ = ["ThreadHub"]
