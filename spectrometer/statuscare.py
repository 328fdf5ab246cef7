"""A status memory kept whole: damage is told to the log once; it is put right on request, what was there is kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from spectrometer.status.protocol.damage import find_damage

__all__ = ["StatusCare", "put_right"]

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


def put_right(status: StatusBuffer, kept_as: Path) -> tuple[list[str], Path | None]:
    """Put a damaged status memory right: every whole card stays, and there is an END.

    Args:
        status: The memory.
        kept_as: Beginning of the path of the file that keeps all bytes as they were; the time follows.

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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
    return [str(damage) for damage in status.repair()], path


@dataclass(slots=True)
class StatusCare:
    """What the log was told of damage."""

    log: Log
    _told: list[str] = field(default_factory=list)

    def look(self, status: StatusBuffer) -> None:
        """Tell the log once of damage, and once that it is gone."""
        try:
            found = [str(damage) for damage in status.damage()]
        except StatusMemoryError as error:
            found = [str(error)]
        if found == self._told:
            return
        for text in found:
            self.log.error("status memory is damaged, repair_status puts it right: %s", text)
        if not found:
            self.log.info("status memory is whole again")
        self._told = found
