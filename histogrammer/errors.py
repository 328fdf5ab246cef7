"""Errors of the histogrammer. Their texts are those that its REST clients know.

HistogrammerError
+-- AxisError           limits or bins of an axis, or of a region of it
+-- ParameterError      a parameter that is unknown, or its metadata
|   +-- LimitsError           one of its limits without the other
|   +-- ParameterExistsError  a parameter that is there already
+-- SpectrumError       a spectrum that is unknown, or there already, or cannot be
+-- ConditionError      a gate that is unknown, or cannot be
+-- PatternError        a pattern of names that is malformed
+-- RingItemError       bytes that are no ring item, or not the one that they say
+-- QueryError          a query string that cannot be read
|   +-- UnreadableParameterError  a parameter of a request that is missing, or no such value
+-- RequestFailedError  a request that is answered by another status than OK
|   +-- AnalysisError         attach, detach, start or stop of the analysis
+-- EventFileError      a file of events that is cut, broken or hostile
+-- SpectrumFileError   a file of spectra that cannot be read
+-- ExpressionError     a computation that is no expression
+-- FitError            a fit that is unknown, or cannot be
+-- FilterError         a filter of events that is unknown, or cannot be, or whose file fails
+-- DisplayMemoryError  no slot, no room, or no space for the display memory
+-- MirrorProtocolError a peer of a mirror that does not keep to its protocol
+-- MirrorError         a display memory elsewhere that cannot be mirrored
"""

from __future__ import annotations

from zmqjsonproxy.errors import SelfExplanatoryError

__all__ = [
    "AnalysisError",
    "AxisError",
    "ConditionError",
    "DisplayMemoryError",
    "EventFileError",
    "EventParameterError",
    "ExpressionError",
    "FilterError",
    "FitError",
    "HistogrammerError",
    "LimitsError",
    "MirrorError",
    "MirrorProtocolError",
    "ParameterExistsError",
    "PatternError",
    "QueryError",
    "RequestFailedError",
    "RingItemError",
    "SpectrumError",
    "SpectrumFileError",
    "UnreadableParameterError",
]


class HistogrammerError(SelfExplanatoryError):
    """Base of all errors of this package."""


class AxisError(HistogrammerError, ValueError):
    """An axis that cannot be, without bins or width, or a region that is none of it."""


class EventParameterError(HistogrammerError):
    """A parameter that does not exist, exists already, or cannot have this metadata."""


class LimitsError(EventParameterError):
    """One limit of a parameter without the other."""

    def __init__(self) -> None:
        super().__init__("Either low and high must be provided or neither")


class ParameterExistsError(EventParameterError):
    """A parameter of this name is there already."""


class SpectrumError(HistogrammerError):
    """A spectrum that does not exist, exists already, or cannot be made."""


class ConditionError(HistogrammerError):
    """A gate that does not exist or cannot be made, or cannot be used that way."""


class PatternError(HistogrammerError):
    """A pattern of names that is malformed.

    Attributes:
        pattern: As it was given.
        reason: Sentence about it.
    """

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(f"pattern {pattern}: {reason}")
        self.pattern, self.reason = pattern, reason


class RingItemError(HistogrammerError):
    """Bytes that are no ring item, or not the one that they say they are.

    Attributes:
        offset: Byte of the source at which the item begins.
        reason: Sentence about it, without the place.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"byte {offset}: {reason}")
        self.offset, self.reason = offset, reason


class QueryError(HistogrammerError):
    """A query string that is too long or no text."""


class UnreadableParameterError(QueryError):
    """A parameter that a request must have and has not, or that is not of its type.

    Attributes:
        request: `gate/edit`.
        parameter: Its name.
        reason: Sentence about it.
        is_missing: It was not given.
    """

    def __init__(
        self, request: str, parameter: str, reason: str, *, is_missing: bool = False
    ) -> None:
        super().__init__(f"{request}: parameter {parameter}: {reason}")
        self.request, self.parameter, self.reason = request, parameter, reason
        self.is_missing = is_missing


class RequestFailedError(HistogrammerError):
    """A request that cannot be carried out.

    Attributes:
        status: Text in the place of `OK`.
        detail: More precise text, or pairs of what it could not be done with and why; None: the
            empty value of this request.
    """

    def __init__(self, status: str, detail: str | list[tuple[str, str]] | None = None) -> None:
        super().__init__(f"{status}: {detail}" if detail else status)
        self.status, self.detail = status, detail


class AnalysisError(RequestFailedError):
    """A source that cannot be attached or detached, or an analysis that cannot be started or
    stopped."""


class EventFileError(HistogrammerError):
    """A source of events that ends within an item, or holds what is none.

    Attributes:
        source: The file, or the command of a pipe.
        offset: Byte at which the bad item begins.
        reason: Sentence about it, without the place.
    """

    def __init__(self, source: str, offset: int, reason: str) -> None:
        super().__init__(f"{source}: byte {offset}: {reason}")
        self.source, self.offset, self.reason = source, offset, reason


class SpectrumFileError(HistogrammerError):
    """A file of spectra that is none, or ends early.

    Attributes:
        where: `line 12`, or the place in a JSON document.
        reason: Sentence about it.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason


class DisplayMemoryError(HistogrammerError):
    """No slot or no room in the display memory, or no space on the disk for it."""


class MirrorProtocolError(HistogrammerError):
    """A message of a peer that is none, or that it may not send now."""


class MirrorError(HistogrammerError):
    """A display memory of another program that cannot be found, or not be mirrored."""


class ExpressionError(HistogrammerError):
    """A computation that is no expression, or uses what is not there.

    Attributes:
        column: At which it is none, from 1.
        reason: Sentence about it, without the place.
    """

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


class FitError(HistogrammerError):
    """A fit that does not exist or exists already, or that cannot be made."""


class FilterError(HistogrammerError):
    """A filter of events that does not exist or exists already, or whose file cannot be written."""
