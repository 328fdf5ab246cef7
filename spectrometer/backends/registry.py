"""Which Backend a mode selects."""

from __future__ import annotations

from spectrometer.backends.base import Backend
from spectrometer.backends.names import VEGAS_HBW
from spectrometer.backends.vegas_hbw import VegasHbwBackend

__all__ = ["backend_class"]

_CLASSES: dict[str, type[Backend]] = dict.fromkeys(VEGAS_HBW, VegasHbwBackend)


def backend_class(name: str) -> type[Backend]:
    """The class for the `backend` of a mode; the configuration has checked the name."""
    return _CLASSES[name]
