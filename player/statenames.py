"""Names of what a Player keeps in the state folder: other arrays may have a Bank of its name on this
host."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["state_name"]


def state_name(what: str, bank: str, config: Path) -> str:
    """Return the name of what is kept of a Bank.

    Args:
        what: Is kept: `control`, `records`, `alarms`.
        bank: Name of the Bank.
        config: Configuration of its array.
    """
    whose = hashlib.sha256(os.fsencode(os.path.realpath(config))).hexdigest()[:12]
    return f"{what}-{bank}-{whose}"
