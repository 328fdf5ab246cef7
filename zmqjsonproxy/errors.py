"""Errors between a caller and an exposed object.

ProxyError
+-- ZMQJSONProxyException        the remote side answered with an error; args[0] = [class, text, traceback]
|   +-- RemoteError              the same with names: the remote method raised
|       +-- NoSuchInterfaceError, NoSuchMethodError, BadParametersError
|       +-- BusyError            a bounded queue was full
|       +-- DeadlineError        the caller's time was over before the call was begun
|       +-- CallCancelledError   its caller cancelled it
|       +-- TooLargeError        the request was over the server's limits
+-- RefusedError                 the remote object says no; its text is for the caller to read
|   +-- AlreadyDoneError         nothing had to be done: a success, but a refusal to clients of the original
|   +-- NotInControlError        another client has control of the Bank, or control has ended
+-- OutcomeUnknownError          nobody knows whether a call was carried out, and it is not done again
+-- OperationAbortedError        a long call was ended by an abort
+-- OperationLostError           its server ended in the middle, or is not there any more: nobody knows
+-- PeerLostError                nobody there, or no longer
+-- AccessError                  keys or rights are in the way; nothing was done
|   +-- UnknownKeyError          the server does not know this client's key
|   +-- RevokedKeyError          the key was revoked
|   +-- RoleTooLowError          the role of the key does not allow the call
|   +-- WrongServerKeyError      the server is not the one whose key this client knows
|   +-- KeysNeededError          the server demands keys, and this client has none for it
|   +-- NoKeysThereError         this client knows a key of the server, which has none
|   +-- VersionMismatchError     client and server have no version of the protocol in common
+-- CallTimeoutError             no reply in time; the call is withdrawn, or goes on if it was begun
+-- ProtocolError                the peer sent what is no reply, or a request was malformed
+-- RecordingError               a recording of messages cannot be read

SelfExplanatoryError             raised by Banks: its text says all, and callers get it without a traceback
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.errors import Portable
from groundwork.values import JsonObject

__all__ = [
    "AccessError",
    "AlreadyDoneError",
    "BadParametersError",
    "BusyError",
    "CallCancelledError",
    "CallTimeoutError",
    "DeadlineError",
    "KeysNeededError",
    "NoKeysThereError",
    "NoSuchInterfaceError",
    "NoSuchMethodError",
    "NotInControlError",
    "OperationAbortedError",
    "OperationLostError",
    "OutcomeUnknownError",
    "PeerLostError",
    "ProtocolError",
    "ProxyError",
    "RecordingError",
    "RefusedError",
    "RemoteError",
    "RevokedKeyError",
    "RoleTooLowError",
    "SelfExplanatoryError",
    "TooLargeError",
    "UnknownKeyError",
    "VersionMismatchError",
    "WrongServerKeyError",
    "ZMQJSONProxyException",
]


class SelfExplanatoryError(Portable):
    """Base of errors whose text is for whoever called: the lines of code on the way to it would
    tell nothing more.

    Unlike a RefusedError it is an error with its own class in either dialect, and native callers
    get no traceback.
    """


class ProxyError(Portable):
    """Base of all errors of this package."""


class ZMQJSONProxyException(ProxyError):
    """The remote side answered with an error. `args[0]` is [class name, text, traceback
    entries]."""


class RemoteError(ZMQJSONProxyException):
    """A remote method raised.

    Attributes:
        type: Name of the remote exception's class.
        text: Its text.
        traceback: Remote traceback entries, outermost first; may be empty.
        peer: URL of the server; empty if unknown.
    """

    def __init__(
        self, type: str, text: str, traceback: Sequence[str] = (), *, peer: str = ""
    ) -> None:
        super().__init__([type, text, list(traceback)])
        self.type, self.text, self.traceback, self.peer = type, text, list(traceback), peer
        if self.traceback:
            self.add_note("remote traceback:\n" + "".join(self.traceback).rstrip())

    def __str__(self) -> str:
        where = f"{self.peer}: " if self.peer else ""
        return f"{where}{self.type}: {self.text}"


class NoSuchInterfaceError(RemoteError):
    """The server exposes no object of that name."""


class NoSuchMethodError(RemoteError):
    """The exposed object has no such method."""


class BadParametersError(RemoteError):
    """The arguments do not fit the remote method's signature."""


class BusyError(RemoteError):
    """The server's queue is full; nothing was done, ask again later."""


class DeadlineError(RemoteError):
    """The caller's time was over before the call was begun; nothing was done."""


class CallCancelledError(RemoteError):
    """The call was cancelled by its caller; if the server says so itself, nothing was done."""


class TooLargeError(RemoteError):
    """The request is larger or deeper than the server allows, and nothing was done; or the result
    is too large."""


class RefusedError(ProxyError):
    """A method's refusal, for its caller to read. Raised by Banks, and raised again at the caller.

    Attributes:
        text: The reason, as the Bank gave it.
        peer: URL of the server, set at the caller.
        method: Name of the method, set at the caller.
        original: Value that clients of the original get instead of the refusal, where the original
            answered; None: the refusal.
    """

    def __init__(
        self, text: str, *, peer: str = "", method: str = "", original: object = None
    ) -> None:
        super().__init__(text)
        self.text, self.peer, self.method, self.original = text, peer, method, original


class AlreadyDoneError(RefusedError):
    """Nothing had to be done. Raised by Banks; native callers get `value` as a success, the others
    a refusal.

    Attributes:
        value: What native callers get.
    """

    def __init__(self, text: str, value: object) -> None:
        super().__init__(text)
        self.value = value


class NotInControlError(RefusedError):
    """The caller has no control of the Bank, or no longer; nothing was done.

    Attributes:
        control: Whose it is: owner, host, key, reason, since and until (UTC, unix seconds), number;
            each None if nobody has it.
    """

    def __init__(
        self, text: str, *, control: JsonObject | None = None, peer: str = "", method: str = ""
    ) -> None:
        super().__init__(text, peer=peer, method=method)
        self.control = control or {}


class OperationAbortedError(ProxyError):
    """A long call was ended by an abort."""


class OperationLostError(ProxyError):
    """The fate of an operation is not known: its server ended in the middle of it, or did not
    answer for long."""


class OutcomeUnknownError(ProxyError):
    """Nobody knows whether a call was carried out: its server has ended since, or has forgotten it.
    It is not done a second time: ask for the status."""


class PeerLostError(ProxyError):
    """There is no server at the address, or it went away before it answered.

    Whether a call that was under way has been carried out may be unknown: `outcome_of` of a Dealer
    asks by its `call_id`.

    Attributes:
        call_id: Identity of the call; empty: nothing was sent.
    """

    def __init__(self, peer: str, method: str, reason: str, *, call_id: str = "") -> None:
        super().__init__(f"{method}: no server at {peer}: {reason}")
        self.peer, self.method, self.reason, self.call_id = peer, method, reason, call_id


class AccessError(ProxyError):
    """Keys or rights are in the way, and nothing was done. The text says what to do.

    Attributes:
        text: The reason, and the remedy.
        peer: URL of the server; empty if unknown.
        method: Label of the call; empty if it was none.
    """

    def __init__(self, text: str, *, peer: str = "", method: str = "") -> None:
        super().__init__(text)
        self.text, self.peer, self.method = text, peer, method

    def __str__(self) -> str:
        where = " at ".join(part for part in (self.method, self.peer) if part)
        return f"{where}: {self.text}" if where else self.text


class UnknownKeyError(AccessError):
    """The server does not know this client's key."""


class RevokedKeyError(AccessError):
    """The key of this client was revoked at the server."""


class RoleTooLowError(AccessError):
    """The role of this client does not allow the call."""


class WrongServerKeyError(AccessError):
    """The server has another key than the one that this client knows."""


class KeysNeededError(AccessError):
    """The server demands keys, and this client has none for it."""


class NoKeysThereError(AccessError):
    """This client knows a key of the server, which serves without keys."""


class VersionMismatchError(AccessError):
    """Client and server have no version of the protocol in common."""


class CallTimeoutError(ProxyError):
    """No reply in time. What the server had not begun is withdrawn; what runs there goes on:
    `outcome_of` of a Dealer asks by its `call_id`.

    Attributes:
        call_id: Identity of the call; empty: nothing was sent.
    """

    def __init__(self, peer: str, method: str, timeout: float, *, call_id: str = "") -> None:
        super().__init__(f"{method}: no reply from {peer} within {timeout:g} s")
        self.peer, self.method, self.timeout, self.call_id = peer, method, timeout, call_id


class ProtocolError(ProxyError):
    """A message that arrived is none of the protocol."""


class RecordingError(ProxyError):
    """A file is no recording of messages, or a line of it is damaged.

    Attributes:
        source: Name of the file.
        line: Where, from 1; 0 if it is about the whole file.
        reason: What is wrong there.
    """

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(f"{source}, line {line}: {reason}" if line else f"{source}: {reason}")
        self.source, self.line, self.reason = source, line, reason
