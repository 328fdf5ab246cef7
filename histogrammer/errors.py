"""Errors of the histogrammer. Their texts are those that its REST clients know.

HistogrammerError
+-- AxisError           limits or bins of an axis
+-- ParameterError      a parameter that is unknown, or its metadata
|   +-- LimitsError           one of its limits without the other
|   +-- ParameterExistsError  a parameter that is there already
+-- SpectrumError       a spectrum that is unknown, or there already, or cannot be
+-- ConditionError      a gate that is unknown, or cannot be
+-- EventFileError      a file of events that is cut, broken or hostile
+-- SpectrumFileError   a file of spectra that cannot be read
+-- DisplayMemoryError  no slot, no room, or no space for the display memory
"""

from __future__ import annotations

from zmqjsonproxy.errors import SelfExplanatoryError

__all__ = [
    "AxisError",
    "ConditionError",
    "DisplayMemoryError",
    "EventFileError",
    "HistogrammerError",
    "LimitsError",
    "ParameterError",
    "ParameterExistsError",
    "SpectrumError",
    "SpectrumFileError",
]


class HistogrammerError(SelfExplanatoryError):
    """Base of all errors of this package."""


class AxisError(HistogrammerError, ValueError):
    """An axis that cannot be: no bins, or no width."""


class ParameterError(HistogrammerError):
    """A parameter that does not exist, exists already, or cannot have this metadata."""


class LimitsError(ParameterError):
    """One limit of a parameter without the other."""

    def __init__(self) -> None:
        super().__init__("Either low and high must be provided or neither")


class ParameterExistsError(ParameterError):
    """A parameter of this name is there already."""


class SpectrumError(HistogrammerError):
    """A spectrum that does not exist, exists already, or cannot be made."""


class ConditionError(HistogrammerError):
    """A gate that does not exist or cannot be made, or cannot be used that way."""


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
