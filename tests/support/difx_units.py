"""A Bank that a gateway commands, and that runs its jobs."""

from __future__ import annotations

from pathlib import Path

from player.bank import Bank
from zmqjsonproxy import RefusedError, current_operation, operation, query

__all__ = ["Recorder"]


class Recorder(Bank):
    """Answers commands, and copies an input as its job."""

    @query
    def smart_report(self, what: str) -> str:
        """Return a report."""
        if what != "disks":
            raise RefusedError(f"{what} has no report")
        return "all disks are well"

    @operation
    def correlate(self, path: str) -> None:
        """Write output beside an input; one without contents waits until it is aborted."""
        handle, text = current_operation(), Path(path).read_text()
        handle.progress(0.5, "half of it")
        if not text:
            handle.wait(600)
        if text == "bad":
            raise RefusedError("the input is bad")
        Path(path).with_suffix(".difx").write_text(text)
