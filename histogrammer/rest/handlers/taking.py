"""Requests `attach/`, `analyze/`, `ringformat`, `version` and `exit`."""

from __future__ import annotations

from histogrammer.errors import RequestFailedError
from histogrammer.rest.handlers.calls import FixedAnswer, Handlers, InThread
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.answers import RingFormatObject, version
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_SIZE = 8192
_FORMATS = {"11": 11, "V11": 11, "12": 12, "V12": 12}


def attach(program: Program, values: RequestValues) -> str:
    """Attach a source of events."""
    size = values.maybe_integer("size")
    program.analyzer.attach(
        values.text("type"), values.text("source"), _SIZE if size is None else size
    )
    return ""


def attached(program: Program, values: RequestValues) -> str:
    """Return the source of events."""
    return program.analyzer.attached


def detach(program: Program, values: RequestValues) -> str:
    """Detach the source of events."""
    program.analyzer.detach()
    return ""


def start(program: Program, values: RequestValues) -> str:
    """Begin to process events."""
    program.analyzer.start()
    return ""


def stop(program: Program, values: RequestValues) -> str:
    """Stop processing events."""
    program.analyzer.stop()
    return ""


def set_batch(program: Program, values: RequestValues) -> str:
    """Set the number of events that are processed at once."""
    events = values.integer("events")
    if not events:
        raise RequestFailedError(
            "Unable to set the batch size", "0 events are none: give 1 or more"
        )
    program.analyzer.batch_events = events
    return ""


def set_format(program: Program, values: RequestValues) -> str:
    """Set the format of ring items."""
    major = values.text("major")
    if major not in _FORMATS:
        raise RequestFailedError(
            "Unable to set ring format version", f"{major} is not a legal Ring format version"
        )
    program.analyzer.ring_format = _FORMATS[major]
    return ""


def get_format(program: Program, values: RequestValues) -> RingFormatObject:
    """Return the format of ring items."""
    return RingFormatObject(major=program.analyzer.ring_format, minor=0)


HANDLERS: Handlers = {
    "attach/attach": InThread(attach),
    "attach/list": InThread(attached),
    "attach/detach": InThread(detach),
    "analyze/start": InThread(start),
    "analyze/stop": InThread(stop),
    "analyze/size": InThread(set_batch),
    "ringformat": InThread(set_format),
    "ringformat/get": InThread(get_format),
    "version": FixedAnswer(version()),
    "exit": FixedAnswer(""),
}
"""The end itself comes after the answer to `exit`, so it is the server's to begin."""
