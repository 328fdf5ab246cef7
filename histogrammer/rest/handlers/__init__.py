"""Handlers of all requests, a module for each group of them."""

from __future__ import annotations

from histogrammer.rest.handlers import (
    binding,
    files,
    gates,
    integrals,
    parameters,
    spectra,
    taking,
    traces,
)
from histogrammer.rest.handlers.calls import Handlers
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.stubs import STUBS

__all__ = ["make_handlers"]


def make_handlers() -> Handlers:
    """Return the handlers of all requests but those for what only SpecTcl can do."""
    made = {
        **parameters.HANDLERS,
        **gates.HANDLERS,
        **spectra.handlers(),
        **integrals.HANDLERS,
        **binding.HANDLERS,
        **taking.HANDLERS,
        **traces.HANDLERS,
        **files.HANDLERS,
    }
    assert made.keys() == ROUTES.keys() - STUBS.keys()
    return made
