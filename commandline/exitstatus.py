"""Exit statuses of all commands."""

from __future__ import annotations

__all__ = ["DONE", "FAILED", "PARTLY", "USAGE"]

DONE = 0
FAILED = 1
USAGE = 2
"""The words of the command line, or the configuration, are wrong."""
PARTLY = 3
"""Done with less than was planned."""
