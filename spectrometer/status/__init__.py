"""The status memory that Bank, data-taking program and foreign monitors share."""

from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import (
    CardError,
    StatusAttachError,
    StatusDamagedError,
    StatusLockError,
    StatusMemoryError,
    StatusOwnedError,
)
from spectrometer.status.keys import STATUS_BYTES, UNSPECIFIED, VEGAS_KEY, VEGAS_SEMAPHORE
from spectrometer.status.protocol.cards import Value

__all__ = [
    "STATUS_BYTES",
    "UNSPECIFIED",
    "VEGAS_KEY",
    "VEGAS_SEMAPHORE",
    "CardError",
    "StatusAttachError",
    "StatusBuffer",
    "StatusDamagedError",
    "StatusLockError",
    "StatusMemoryError",
    "StatusOwnedError",
    "Value",
]
