"""The display memory, which displays of the host map, and what stands in it.

`open` is for programs that read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names

if TYPE_CHECKING:
    from histogrammer.display.protocol.displayed import DisplayAxis, DisplayedSpectrum
    from histogrammer.display.reader import MemoryState, OpenMemory, open

__all__ = ["DisplayAxis", "DisplayedSpectrum", "MemoryState", "OpenMemory", "open"]

_READER, _DISPLAYED = "histogrammer.display.reader", "histogrammer.display.protocol.displayed"

__getattr__ = lazy_names(
    __name__,
    {
        "DisplayAxis": _DISPLAYED,
        "DisplayedSpectrum": _DISPLAYED,
        "MemoryState": _READER,
        "OpenMemory": _READER,
        "open": _READER,
    },
)
