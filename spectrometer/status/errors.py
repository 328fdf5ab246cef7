"""Errors of the status memory.

StatusMemoryError
    CardError               a key or value that no card can hold, or bytes that are no card
    StatusAttachError       the segment or its semaphore cannot be had, or has another size
    StatusLockError         somebody alive keeps the memory locked
    StatusDamagedError      the memory has no END card: nothing can be written before it is put right
    DataBufferError         a data buffer of a foreign data-taking program cannot be made or removed
"""

from __future__ import annotations

from collections.abc import Sequence


class StatusMemoryError(Exception):
    """Base of all trouble with the status memory."""


class CardError(StatusMemoryError, ValueError):
    """A key or a value that no card can hold, or 80 bytes that are no card."""

    def __init__(self, keyword: str, reason: str) -> None:
        super().__init__(f"card {keyword}: {reason}")
        self.keyword, self.reason = keyword, reason


class StatusAttachError(StatusMemoryError):
    """The shared segment or its semaphore cannot be attached or created."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"status memory {what}: {reason}")
        self.what, self.reason = what, reason


class StatusLockError(StatusMemoryError):
    """Another living process kept the status memory locked for the whole time limit (s)."""

    def __init__(self, semaphore: str, timeout_s: float) -> None:
        super().__init__(f"status memory {semaphore}: still locked by another process after {timeout_s:g} s")
        self.semaphore, self.timeout_s = semaphore, timeout_s


class StatusDamagedError(StatusMemoryError):
    """Somebody wrote foreign bytes over the memory's END; `damage` says what was found, and where."""

    def __init__(self, semaphore: str, damage: Sequence[object]) -> None:
        found = "; ".join(map(str, damage))
        super().__init__(f"status memory {semaphore} is damaged, repair_status puts it right: {found}")
        self.semaphore, self.damage = semaphore, tuple(damage)


class DataBufferError(StatusMemoryError):
    """A data buffer of a foreign data-taking program cannot be made or removed."""
