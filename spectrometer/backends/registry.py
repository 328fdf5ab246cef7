"""Registry of Backends: the class that a mode selects."""

from __future__ import annotations

from spectrometer.backendnames import (
    GUPPI_COHERENT,
    GUPPI_INCOHERENT,
    VEGAS_HBW,
    VEGAS_L1,
    VEGAS_L8,
)
from spectrometer.backends.base import Backend
from spectrometer.backends.guppi import GuppiIncoherentBackend
from spectrometer.backends.guppi_codd import GuppiCoherentBackend
from spectrometer.backends.vegas_hbw import VegasHbwBackend
from spectrometer.backends.vegas_lbw1 import VegasL1Backend
from spectrometer.backends.vegas_lbw8 import VegasL8Backend

__all__ = ["backend_class"]

_CLASSES: dict[str, type[Backend]] = {
    **dict.fromkeys(VEGAS_HBW, VegasHbwBackend),
    **dict.fromkeys(VEGAS_L1, VegasL1Backend),
    **dict.fromkeys(VEGAS_L8, VegasL8Backend),
    GUPPI_INCOHERENT: GuppiIncoherentBackend,
    GUPPI_COHERENT: GuppiCoherentBackend,
}


def backend_class(name: str) -> type[Backend]:
    """The class for the `backend` of a mode; the configuration has checked the name."""
    return _CLASSES[name]
