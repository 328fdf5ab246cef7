"""Answers of a recorded server, found by the request. No sockets, no clock.

Requests are the same if dialect, method and parameters are: the request number and the member
`dealer` do not count, but for its `wait`, which asks for another answer. A request that was
recorded several times is answered in recorded order, whoever asks; the last answer repeats.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from zmqjsonproxy import wirejson
from zmqjsonproxy.recording.protocol.record import MessageDirection, Record
from zmqjsonproxy.recording.protocol.shiftedtimes import (
    identities,
    mapped,
    renamed,
    shifted,
    without_times,
)
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.dialect import Malformed, MessageLimits, Request, read_message

__all__ = ["NOT_RECORDED", "RecordedAnswer", "RecordedAnswers"]

NOT_RECORDED = "NotRecordedError"
"""Class of the error that a request gets which was not recorded."""
_SHOWN = 5
"""Recorded parameters that such an error shows."""
_SHOWN_BYTES = 200

Content = tuple[bytes, ...]
_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """Answer to be sent back: the body and what stands behind it, and how long the recorded server
    took for it, s."""

    content: Content
    delay_s: float = 0.0


@dataclass(slots=True)
class _Exchange:
    """A recorded request; `reply` stays None if none came."""

    asked: Record
    starts: tuple[str, ...] = ()  # identities in the request
    reply: Content | None = None
    message: Any = None  # the reply, decoded; of native calls only
    replied: datetime | None = None
    delay_s: float = 0.0


@dataclass(slots=True)
class _Series:
    """The exchanges of one request, and which is next."""

    exchanges: list[_Exchange] = field(default_factory=list)
    position: int = 0

    def next(self) -> _Exchange:
        exchange = self.exchanges[min(self.position, len(self.exchanges) - 1)]
        self.position += 1
        return exchange


@dataclass(slots=True)
class _OpenCalls:
    """Requests of one client that are not answered yet: by number, and the others in order."""

    numbered: dict[bytes, deque[_Exchange]] = field(default_factory=dict)
    others: deque[_Exchange] = field(default_factory=deque)


class RecordedAnswers:
    """The answers of a recording.

    Args:
        records: In recorded order.
        source: Name of the file, for the errors that strange requests get.
        moves_times: Times and identities of starts in requests do not count. In answers, times are
            moved on by what has passed since, and identities are those that were asked with.

    Attributes:
        requests: Requests that were recorded, a batch counted as its calls.
        unanswered: Those of them that the server did not answer.
    """

    def __init__(
        self, records: Iterable[Record], source: str = "the recording", *, moves_times: bool = False
    ) -> None:
        self._source, self._moves_times = source, moves_times
        self._limits = MessageLimits(max_bytes=2**62)
        self._series: dict[_Key, _Series] = {}
        self._methods: dict[
            str, dict[str, None]
        ] = {}  # method -> parameters it was called with, in order
        self._is_native = False
        self._starts: dict[str, str] = {}  # recorded identity of a start -> that of its repetition
        self.requests = self.unanswered = 0
        clients: dict[int, _OpenCalls] = {}
        for record in records:
            if record.direction is MessageDirection.NOTE:
                continue
            calls = clients.setdefault(record.peer, _OpenCalls())
            if record.direction is MessageDirection.REQUEST:
                self._note_request(record, calls)
            else:
                self._note_reply(record, calls)

    def answer(self, content: Content, now: datetime) -> RecordedAnswer | None:
        """Return what to answer to a request at the time `now`; None: nothing, as recorded (or to a
        notification)."""
        parts, is_batch = self._read(content)
        answers = [
            a for a in (self._answer(request, own, now) for request, own in parts) if a is not None
        ]
        if not answers:
            return None
        if not is_batch:
            return answers[0]
        body = b"[" + b",".join(a.content[0].strip() for a in answers) + b"]"
        behind = tuple(frame for a in answers for frame in a.content[1:])
        return RecordedAnswer(
            (b" " + body if behind else body, *behind), max(a.delay_s for a in answers)
        )

    def _read(self, content: Content) -> tuple[list[tuple[Request | Malformed, Content]], bool]:
        """Return the requests of a message, each with the body and its own frames, and whether it
        is a batch."""
        message = read_message(content[0], self._limits)
        if not isinstance(message, list):
            return [(_with_frames_named(message), content)], False
        own = _divided(content, [r.extra if isinstance(r, Request) else None for r in message])
        return list(zip(map(_with_frames_named, message), own, strict=True)), True

    # reading the recording

    def _note_request(self, record: Record, calls: _OpenCalls) -> None:
        for request, own in self._read(record.content)[0]:
            exchange = _Exchange(record, _starts(request))
            key = self._key(request, own)
            if isinstance(request, Request):
                self._methods.setdefault(_label(request), {})[_parameters(request)] = None
                if request.notification:
                    continue
            self.requests += 1
            self.unanswered += 1
            self._series.setdefault(key, _Series()).exchanges.append(exchange)
            if request.native and request.id is not None:
                calls.numbered.setdefault(wirejson.dumps(request.id), deque()).append(exchange)
            else:
                calls.others.append(exchange)

    def _note_reply(self, record: Record, calls: _OpenCalls) -> None:
        content = record.content
        try:
            message = wirejson.loads(content[0])
        except (ValueError, RecursionError):
            message = None
        is_batch = isinstance(message, list) and bool(calls.numbered) and _is_batch(message)
        parts = message if is_batch else [message]
        divided = (
            _divided(content, [part.get("dealer") for part in parts]) if is_batch else [content]
        )
        for part, own in zip(parts, divided, strict=True):
            native = isinstance(part, dict) and "jsonrpc" in part
            exchange = _take_numbered(calls, part) if native else None
            if exchange is None:
                if not calls.others:
                    continue  # of a request from before the recording
                exchange = calls.others.popleft()
            self.unanswered -= 1
            self._is_native = (
                self._is_native or native or (isinstance(part, dict) and "dealer" in part)
            )
            exchange.reply = own
            exchange.message, exchange.replied = part if native else None, record.time
            exchange.delay_s = max((record.time - exchange.asked.time).total_seconds(), 0.0)

    # answering

    def _key(self, request: Request | Malformed, content: Content) -> _Key:
        if isinstance(request, Request) and self._moves_times:
            request = replace(
                request, args=without_times(request.args), kwargs=without_times(request.kwargs)
            )
        return _key(request, content)

    def _answer(
        self, request: Request | Malformed, content: Content, now: datetime
    ) -> RecordedAnswer | None:
        if isinstance(request, Request) and request.notification:
            return None
        series = self._series.get(self._key(request, content))
        if series is None and isinstance(request, Request) and _is_hello(request):
            # Recorded with clients of the original only: then this client, too, is to take the
            # server for one of them.
            series = self._series.get(("original", _label(request), _parameters(request)))
        if series is None:
            return RecordedAnswer((self._not_recorded(request, content),))
        exchange = series.next()
        if exchange.reply is None or exchange.replied is None:
            return None
        body, message = exchange.reply[0], exchange.message
        if self._moves_times:
            self._starts.update(
                zip(exchange.starts, _starts(request), strict=True)
            )  # alike but for these
            message = _moved(request, body if message is None else message, now - exchange.replied)
            message = renamed(message, self._starts)
        if exchange.message is not None and message.get("id") != request.id:
            message = {**message, "id": request.id}
        if message is not None:
            # A space at the beginning tells that frames follow (protocol/arrays.py).
            body = (b" " if body[:1] == b" " else b"") + wirejson.dumps(message)
        return RecordedAnswer((body, *exchange.reply[1:]), exchange.delay_s)

    def _not_recorded(self, request: Request | Malformed, content: Content) -> bytes:
        if isinstance(request, Malformed):
            text = f"{self._source} has no request of these bytes: {_short(content[0].decode(errors='replace'))}"
            return _failure(request, request.code, text)
        label = _label(request)
        if request.method == original.LIST_METHODS:
            return self._no_hello(request)
        text = f"{label}{_parameters(request)} is not in {self._source}; "
        recorded = list(self._methods.get(label, ()))
        if recorded:
            more = f", and {len(recorded) - _SHOWN} more" if len(recorded) > _SHOWN else ""
            text += f"it has {label} with: {', '.join(map(_short, recorded[:_SHOWN]))}{more}"
            if content[1:]:
                text += f"; {len(content) - 1} frames of arrays count as parameters"
        else:
            known = sorted(m for m in self._methods if not m.endswith(f".{original.LIST_METHODS}"))
            text += f"it has calls of: {', '.join(known) or 'nothing'}"
        if self._has_other_dialect(request):
            text += f"; a client of {'the original' if request.native else 'this release'} made the same call"
        return _failure(request, jsonrpc.Code.APPLICATION, text)

    def _no_hello(self, request: Request) -> bytes:
        suffix = f".{original.LIST_METHODS}"
        known = sorted(m.removesuffix(suffix) for m in self._methods if m.endswith(suffix))
        text = f"nobody asked for {request.name!r} in {self._source}; there are: {', '.join(known) or 'none'}"
        if self._is_native and request.extra is not None:
            error = jsonrpc.error_object(jsonrpc.Code.NO_SUCH_METHOD, "NoSuchInterfaceError", text)
            return jsonrpc.failure(None, error)
        return wirejson.dumps(["Interface error", text])

    def _has_other_dialect(self, request: Request) -> bool:
        other = "original" if request.native else "native"
        return any(
            key[:3] == (other, _label(request), _parameters(request)) for key in self._series
        )


def _failure(request: Request | Malformed, code: jsonrpc.Code, text: str) -> bytes:
    if not request.native:
        return original.failure(NOT_RECORDED, text)
    return jsonrpc.failure(request.id, jsonrpc.error_object(code, NOT_RECORDED, text))


def _key(request: Request | Malformed, content: Content) -> _Key:
    if isinstance(request, Malformed):
        return ("malformed", content)
    wait = (request.extra or {}).get("wait") if request.native else None
    dialect = "hello" if _is_hello(request) else "native" if request.native else "original"
    key: _Key = (dialect, _label(request), _parameters(request))
    return key if wait is None and len(content) == 1 else (*key, json.dumps(wait), content[1:])


def _divided(content: Content, extras: list[Any]) -> list[Content]:
    """Return the body with the frames of each message of a batch: they follow each other."""
    divided, first = [], 1
    for extra in extras:
        _, headers = _frame_headers(extra)
        divided.append((content[0], *content[first : first + len(headers)]))
        first += len(headers)
    return divided


def _frame_headers(extra: Any) -> tuple[str, list[Any]]:
    """Return what the member `dealer` says of frames: the name of placeholders, and a header for
    each."""
    described = extra.get("frames") if isinstance(extra, dict) else None
    if not isinstance(described, dict):
        return "", []
    key, headers = described.get("key"), described.get("headers")
    return key if isinstance(key, str) else "", headers if isinstance(headers, list) else []


def _with_frames_named(request: Request | Malformed) -> Request | Malformed:
    """Put what is known of a frame where its placeholder stands, whose name is a new one in each
    message."""
    if isinstance(request, Malformed):
        return request
    key, headers = _frame_headers(request.extra)
    if not key:
        return request

    def named(part: Any) -> Any:
        if not isinstance(part, dict) or part.keys() != {key}:
            return part
        number = part[key]
        is_there = type(number) is int and 0 <= number < len(headers)
        return {"frame": number, "header": headers[number] if is_there else None}

    return replace(request, args=mapped(request.args, named), kwargs=mapped(request.kwargs, named))


def _starts(request: Request | Malformed) -> tuple[str, ...]:
    return tuple(identities([request.args, request.kwargs])) if isinstance(request, Request) else ()


def _moved(request: Request | Malformed, reply: Any, by: timedelta) -> Any:
    """Return a reply, decoded, with its times moved on; None: it is no JSON, and travels as it
    is."""
    try:
        message = wirejson.loads(reply) if isinstance(reply, bytes) else reply
    except (ValueError, RecursionError):
        return None
    message = shifted(message, by)
    if isinstance(request, Request) and request.target == "rpc.ping" and isinstance(message, dict):
        result = message.get("result")
        if isinstance(result, dict) and isinstance(result.get("time"), float):
            message["result"] = {**result, "time": result["time"] + by.total_seconds()}
    return message


def _is_hello(request: Request) -> bool:
    return (
        not request.native and request.method == original.LIST_METHODS and request.extra is not None
    )


def _label(request: Request) -> str:
    return request.target or f"{request.name!r}.{request.method!r}"


def _parameters(request: Request) -> str:
    """The parameters as text, the same for the same values: `("MODE1", force=true)`."""
    positional = [json.dumps(value, sort_keys=True) for value in request.args]
    named = [
        f"{key}={json.dumps(request.kwargs[key], sort_keys=True)}" for key in sorted(request.kwargs)
    ]
    return f"({', '.join(positional + named)})"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_BYTES else f"{text[:_SHOWN_BYTES]}..."


def _is_batch(message: list[Any]) -> bool:
    return bool(message) and all(isinstance(part, dict) and "jsonrpc" in part for part in message)


def _take_numbered(calls: _OpenCalls, reply: dict[str, Any]) -> _Exchange | None:
    if reply.get("id") is None:
        return None
    number = wirejson.dumps(reply["id"])
    waiting = calls.numbered.get(number)
    if not waiting:
        return None
    exchange = waiting.popleft()
    if not waiting:
        del calls.numbered[number]
    return exchange
