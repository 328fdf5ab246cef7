"""Repair of a damaged status memory, whose bytes as they were are kept in a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.protocol.damage import find_damage

__all__ = ["repair_status"]


def repair_status(status: StatusBuffer, kept_as: Path) -> tuple[list[str], Path | None]:
    """Repair a damaged status memory: every whole card stays, and there is an END.

    Args:
        status: The memory.
        kept_as: Beginning of the path of the file that keeps all bytes as they were; the time
            follows.

    Returns:
        What was wrong, and that file; nothing and None if nothing was.

    Raises:
        StatusMemoryError: The memory cannot be had.
        OSError: The file cannot be written; then the memory is as it was.
    """
    image, moment = status.snapshot(), datetime.now(UTC)
    if not find_damage(image):
        return [], None
    path = kept_as.with_name(f"{kept_as.name}.damaged-status.{moment:%Y%m%dT%H%M%S.%fZ}")
    with path.open("xb") as file:  # made anew: nothing that was put there before is written to
        file.write(image)
    return [str(damage) for damage in status.repair()], path
