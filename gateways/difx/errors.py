"""Errors of the gateway.

DifxError
+-- FrameError          bytes that are no frame, or one beyond a limit: the connection ends
+-- DocumentError       a command document that cannot be read
|   +-- UnknownTypeError    one whose type is no command
+-- PayloadError        the payload of a packet that cannot be read
+-- FileFaultError      an operation on files that was refused, or failed
+-- JobError            a job that cannot be, or is unknown
+-- UnitError           a recorder or another Player that cannot do what was asked for
|   +-- NoRecordingsError   a recorder without files
|   +-- NoMediumError       a recorder without this medium
+-- MonitorError        live products that cannot be had
+-- MulticastError      a bridge to a multicast network that cannot be
+-- ControlError        somebody else has control of the Bank, or commands need it
+-- RoleError           a client of too low a role
+-- LinkError           a task connection that cannot be made, or has gone
+-- ServerError         a server of the protocol that cannot be reached, or does not answer
"""

from __future__ import annotations

from enum import StrEnum

from zmqjsonproxy.errors import SelfExplanatoryError

__all__ = [
    "ControlError",
    "DifxError",
    "DocumentError",
    "FileFault",
    "FileFaultError",
    "FrameError",
    "JobError",
    "LinkError",
    "MonitorError",
    "MulticastError",
    "NoMediumError",
    "NoRecordingsError",
    "PayloadError",
    "RoleError",
    "ServerError",
    "UnitError",
    "UnknownTypeError",
]


class DifxError(SelfExplanatoryError):
    """Base of all errors of this package."""


class FrameError(DifxError):
    """A frame that cannot be, or is larger than allowed."""


class DocumentError(DifxError, ValueError):
    """A command document that cannot be read."""


class UnknownTypeError(DocumentError):
    """A document whose type is no command of the protocol."""


class PayloadError(DifxError, ValueError):
    """A payload that cannot be read."""


class FileFault(StrEnum):
    """Reason why an operation on files was refused, or failed."""

    NOT_ABSOLUTE = "not_absolute"
    NOT_FOUND = "not_found"
    NO_FOLDER = "no_folder"
    NOT_A_FOLDER = "not_a_folder"
    IS_A_FOLDER = "is_a_folder"
    NO_PERMISSION = "no_permission"
    OUTSIDE = "outside"
    NO_SPACE = "no_space"
    TOO_LARGE = "too_large"
    OTHER = "other"


class FileFaultError(DifxError):
    """An operation on files that was refused, or failed.

    Attributes:
        fault: Reason, for whoever answers with a number.
    """

    def __init__(self, text: str, fault: FileFault = FileFault.OTHER) -> None:
        super().__init__(text)
        self.fault = fault


class JobError(DifxError):
    """A job that cannot be begun, or that nobody knows."""


class UnitError(DifxError):
    """A recorder, or another Player, that cannot do what was asked for, or may not."""


class NoRecordingsError(UnitError):
    """A recorder that serves no files."""


class NoMediumError(UnitError):
    """A recorder that has no medium of this name."""


class MonitorError(DifxError):
    """Live products that cannot be had."""


class MulticastError(DifxError):
    """A bridge to a multicast network that cannot be had as it is wanted."""


class LinkError(DifxError):
    """A connection for the data of a task that cannot be made, or has gone."""


class ControlError(DifxError):
    """Somebody else has control of the Bank, or commands need it."""


class RoleError(DifxError):
    """A client of too low a role; nothing was done."""


class ServerError(DifxError):
    """A server that cannot be reached, does not answer, or answers otherwise than the protocol says."""
