"""Record of one command or operation that a server carried out: who, what, when, outcome. No
sockets, no files.

The engine makes one for each command and each operation, and tells it to whoever keeps them: when
the call begins, and once more at its end. Queries change nothing and have none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from groundwork.secretnames import names_secret
from groundwork.truncation import cut
from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.interface import Method
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.request import Request

__all__ = ["HIDDEN", "CallOutcome", "CallRecord", "shown_arguments"]

HIDDEN = "(not shown)"
"""Stands for a secret."""
_MAX_TEXT = 200
"""Characters of a text."""
_MAX_TEXTS = 800
"""Characters of all texts of a call."""
_MAX_VALUES = 40
"""Values of all arguments of a call."""
_MAX_DEPTH = 4
_FEW = 5
_SHORT = frozenset({float, bool, type(None)})
"""Types of values that are short."""
_NO_KWARGS: dict[str, JsonValue] = {}
_CLOCK = time.CLOCK_BOOTTIME
_LARGEST = 2**63
_MAX_ERROR = 600


class CallOutcome(StrEnum):
    """Outcome of a command or an operation."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    ABORTED = "aborted"
    NOT_BEGUN = "not begun"

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return self is not CallOutcome.RUNNING


# To look one up in its enumeration takes as long as ten other steps.
_RUNNING, _DONE = CallOutcome.RUNNING, CallOutcome.DONE
_OF_CODES: dict[object, CallOutcome] = {
    Code.REFUSED: CallOutcome.REFUSED,
    Code.ACCESS: CallOutcome.REFUSED,
    Code.ABORTED: CallOutcome.ABORTED,
    Code.BUSY: CallOutcome.NOT_BEGUN,
    Code.CANCELLED: CallOutcome.NOT_BEGUN,
    Code.DEADLINE: CallOutcome.NOT_BEGUN,
}


@dataclass(slots=True, eq=False, kw_only=True)
class CallRecord:
    """One command or operation.

    Attributes:
        target: `object.method`.
        args: Positional arguments, shortened, without secrets.
        kwargs: Keyword arguments, likewise.
        caller: Whose call it is.
        call_id: As its client calls it; empty: it gave none.
        operation: Identity of the operation; empty: it is a command.
        began_us: When it began, UTC, microseconds.
        began: Likewise, s, of the clock that is never set and goes on while the host sleeps.
        outcome: RUNNING until it has ended.
        duration_s: From begin to end; None: it has not ended, or has not begun.
        error: Type of what was raised; empty: nothing was.
        text: Of that.
        has_secret: Some arguments are secret; `text` is then left out, which may repeat them.
        is_taken: For whoever keeps records: it is among them, or waits for that; False: there was no
            room; None: it was not told yet.
        is_seen: Likewise: its outcome was looked at, and is to be told again if it changes.
        number: Likewise: its running number; 0: it has none yet.
        is_written: Likewise: its end is written.
    """

    target: str
    args: list[JsonValue]
    kwargs: dict[str, JsonValue]
    caller: Caller
    call_id: str = ""
    operation: str = ""
    began_us: int
    began: float
    outcome: CallOutcome = _RUNNING
    duration_s: float | None = None
    error: str = ""
    text: str = ""
    has_secret: bool = False
    is_taken: bool | None = None
    is_seen: bool = False
    number: int = 0
    is_written: bool = False

    @classmethod
    def of(
        cls,
        method: Method,
        request: Request,
        caller: Caller,
        operation: str = "",
        call_id: str | None = None,
    ) -> CallRecord:
        """Return the record of a call that begins now.

        Args:
            method: That is called.
            request: The call.
            caller: Whose it is.
            operation: Identity of the operation; empty: it is a command.
            call_id: That of the request, if it is known; None: it is looked for there.
        """
        args, kwargs, has_secret = request.args, _NO_KWARGS, False
        if request.kwargs or method.secret or not _are_short(args):
            args, kwargs, has_secret = shown_arguments(method, request)
        return cls(
            target=request.target,
            args=args,
            kwargs=kwargs,
            caller=caller,
            call_id=request.call_id if call_id is None else call_id,
            operation=operation,
            began_us=time.time_ns() // 1000,
            began=time.clock_gettime(_CLOCK),
            has_secret=has_secret,
        )

    @classmethod
    def of_arguments(
        cls, target: str, arguments: Mapping[str, object], caller: Caller
    ) -> CallRecord:
        """Return the record of what begins now for a client of another protocol, by the names of its
        arguments; secrets are told by these alone."""
        shown = _Shown()
        return cls(
            target=target,
            args=[],
            kwargs=shown.table(arguments, frozenset()),
            caller=caller,
            began_us=time.time_ns() // 1000,
            began=time.clock_gettime(_CLOCK),
            has_secret=shown.has_hidden,
        )

    def end(self, outcome: CallOutcome, error: str = "", text: str = "") -> None:
        """Note what came of it."""
        self.error = cut(error, _MAX_TEXT)
        self.text = "" if self.has_secret else cut(text, _MAX_ERROR)
        if outcome is not CallOutcome.NOT_BEGUN:
            self.duration_s = time.clock_gettime(_CLOCK) - self.began
        self.outcome = outcome  # last: another thread may read it meanwhile

    def end_with(self, described: JsonObject | None) -> None:
        """Note what came of it, by the JSON-RPC error object that says so; None: it is done."""
        if described is None:
            self.duration_s = time.clock_gettime(_CLOCK) - self.began
            self.outcome = _DONE  # last, as in `end`
            return
        data = described.get("data")
        told = data if isinstance(data, dict) else described
        outcome = _OF_CODES.get(described.get("code"), CallOutcome.FAILED)
        type_, text = str(told.get("type", "")), str(told.get("text", described.get("message", "")))
        self.end(outcome, type_, text)


def shown_arguments(
    method: Method, request: Request
) -> tuple[list[JsonValue], dict[str, JsonValue], bool]:
    """Return the arguments of a call as they are kept: positional ones, keywords, and whether some
    are secret.

    What a method's mark names is left out, and what a name says to be secret, also within tables.
    Long texts, arrays, long lists are shortened; it takes no longer for large arguments.
    """
    args, kwargs, secret = request.args, request.kwargs, method.secret
    shown = _Shown()
    positional: list[JsonValue] = []
    if secret:
        names = method.positional
        for at, value in enumerate(args[:_MAX_VALUES]):
            is_secret = (names[min(at, len(names) - 1)] if names else "") in secret
            positional.append(shown.hide() if is_secret else shown.value(value))
        if len(args) > _MAX_VALUES:
            positional.append(f"... {len(args) - _MAX_VALUES} more")
    else:
        positional = shown.items(args)
    return positional, shown.table(kwargs, secret) if kwargs else {}, shown.has_hidden


def _are_short(args: Sequence[object]) -> bool:
    """Tell whether arguments are few and plain, so that they are shown as they are, and nothing can
    change them."""
    if len(args) > _FEW:
        return False
    for value in args:
        kind = type(value)
        if kind is int:
            if not -_LARGEST <= value < _LARGEST:  # type: ignore[operator]  # it is one
                return False
        elif kind is str:
            if len(value) > _MAX_TEXT:  # type: ignore[arg-type]
                return False
        elif kind not in _SHORT:
            return False
    return True


class _Shown:
    """Shortens values until it has shown enough of them."""

    __slots__ = ("_left", "_room", "has_hidden")

    def __init__(self) -> None:
        self._left, self._room, self.has_hidden = _MAX_VALUES, _MAX_TEXTS, False

    def hide(self) -> JsonValue:
        """Return what stands for a secret."""
        self.has_hidden = True
        return HIDDEN

    def value(self, value: object, depth: int = 0) -> JsonValue:
        """Return one value."""
        self._left -= 1
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            is_short = -_LARGEST <= value < _LARGEST
            return value if is_short else f"{value.bit_length()} bits"
        if isinstance(value, dict | list | tuple):
            if depth >= _MAX_DEPTH or self._left <= 0:
                return f"... {len(value)} values"
            if isinstance(value, dict):
                return self.table(value, frozenset(), depth)
            return self.items(value, depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return f"{len(value)} bytes"
        shape = getattr(value, "shape", None)
        if shape is not None:
            return self.text(f"array {shape} {getattr(value, 'dtype', '')}".rstrip())
        return self.text(type(value).__name__)

    def text(self, text: str) -> str:
        """Return a text."""
        if not self._room:
            return f"... {len(text)} characters"
        shown = cut(text, min(_MAX_TEXT, self._room))
        self._room -= min(len(shown), self._room)
        return shown

    def items(self, values: Sequence[object], depth: int = 0) -> list[JsonValue]:
        """Return a list."""
        told: list[JsonValue] = []
        for at, value in enumerate(values):
            if self._left <= 0:
                told.append(f"... {len(values) - at} more")
                break
            told.append(self.value(value, depth + 1))
        return told

    def table(
        self, values: Mapping[str, object], secret: frozenset[str], depth: int = 0
    ) -> dict[str, JsonValue]:
        """Return a table."""
        told: dict[str, JsonValue] = {}
        for at, (key, value) in enumerate(values.items()):
            if self._left <= 0:
                told["..."] = f"{len(values) - at} more"
                break
            name = self.text(str(key))
            is_secret = key in secret or names_secret(name)
            told[name] = self.hide() if is_secret else self.value(value, depth + 1)
        return told
