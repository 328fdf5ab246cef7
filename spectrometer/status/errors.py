"""Errors of the status memory.

StatusMemoryError
    CardError               a key or value that no card can hold, or bytes that are no card
    StatusAttachError       the segment or its semaphore cannot be had, or has another size
    StatusOwnedError        another program owns the memory, or what belongs to it
    StatusLockFileError     nobody can become the owner: something else is in the place of a lock file
    StatusLockError         somebody alive keeps the memory locked
    StatusDamagedError      the memory has no END card: nothing can be written before it is put right
    DataBufferError         a data buffer of a foreign data-taking program cannot be made or removed
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.errors import Portable


class StatusMemoryError(Portable):
    """Base of all trouble with the status memory."""


class StatusAttachError(StatusMemoryError):
    """The shared segment or its semaphore cannot be attached or created."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"status memory {what}: {reason}")
        self.what, self.reason = what, reason


class CardError(StatusMemoryError, ValueError):
    """A key or a value that no card can hold, or 80 bytes that are no card."""

    def __init__(self, keyword: str, reason: str) -> None:
        super().__init__(f"card {keyword}: {reason}")
        self.keyword, self.reason = keyword, reason


class StatusOwnedError(StatusMemoryError):
    """Another program of this host is the owner of a status memory, or of what belongs to one."""

    def __init__(self, what: str, owner: object) -> None:
        remedy = "end it first, or give this program a status memory of its own"
        super().__init__(f"{what} is owned by {owner}; {remedy}")
        self.what, self.owner = what, owner


class StatusLockFileError(StatusMemoryError):
    """The lock file of a name cannot be had; `fault` says why, `remedy` what to do, as an
    imperative."""

    def __init__(self, what: str, path: object, reason: str) -> None:
        self.fault, self.remedy = (
            f"lock file {path} of {what} {reason}",
            f"remove it while no Player runs: rm {path}",
        )
        super().__init__(f"{self.fault}; {self.remedy}")
        self.what, self.path, self.reason = what, path, reason


class StatusLockError(StatusMemoryError):
    """Another living process kept the status memory locked for the whole time limit (s)."""

    def __init__(self, semaphore: str, timeout_s: float) -> None:
        super().__init__(
            f"status memory {semaphore}: still locked by another process after {timeout_s:g} s"
        )
        self.semaphore, self.timeout_s = semaphore, timeout_s


class StatusDamagedError(StatusMemoryError):
    """Somebody wrote foreign bytes over the memory's END; `damage` says what was found, and
    where."""

    def __init__(self, semaphore: str, damage: Sequence[object]) -> None:
        found = "; ".join(map(str, damage))
        super().__init__(
            f"status memory {semaphore} is damaged, repair_status puts it right: {found}"
        )
        self.semaphore, self.damage = semaphore, tuple(damage)


class DataBufferError(StatusMemoryError):
    """A data buffer of a foreign data-taking program cannot be made or removed."""
