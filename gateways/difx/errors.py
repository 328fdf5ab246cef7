"""Errors of the gateway.

DifxError
+-- FrameError          bytes that are no frame, or one beyond a limit: the connection ends
+-- DocumentError       a command document that cannot be read
|   +-- UnknownTypeError    one whose type is no command
+-- PayloadError        the payload of a packet that cannot be read
+-- FileFaultError      an operation on files that was refused, or failed
+-- JobError            a job that cannot be, or is unknown
+-- MonitorError        live products that cannot be had
+-- ServerError         a server of the protocol that cannot be reached, or does not answer
"""

from __future__ import annotations

from zmqjsonproxy.errors import SelfExplanatoryError

__all__ = [
    "DifxError",
    "DocumentError",
    "FileFaultError",
    "FrameError",
    "JobError",
    "MonitorError",
    "PayloadError",
    "ServerError",
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


class FileFaultError(DifxError):
    """An operation on files that was refused, or failed."""


class JobError(DifxError):
    """A job that cannot be begun, or that nobody knows."""


class MonitorError(DifxError):
    """Live products that cannot be had."""


class ServerError(DifxError):
    """A server that cannot be reached, does not answer, or answers otherwise than the protocol says."""
