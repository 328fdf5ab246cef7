"""Handlers of all requests, a module for each group of them."""

from __future__ import annotations

from histogrammer.flavors import Flavor
from histogrammer.rest.handlers import (
    binding,
    computed,
    files,
    filters,
    fits,
    gates,
    integrals,
    parameters,
    pipelines,
    spectra,
    taking,
    traces,
    treeparameters,
)
from histogrammer.rest.handlers.calls import Handlers
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.stubs import STUBS

__all__ = ["make_handlers"]


def make_handlers(flavor: Flavor) -> Handlers:
    """Return the handlers of all requests that a flavor carries out, or refuses in words of its own."""
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
    if flavor.carries_out_all:
        made |= treeparameters.HANDLERS
        made |= {**computed.HANDLERS, **filters.HANDLERS, **fits.HANDLERS, **pipelines.HANDLERS}
        assert made.keys() == ROUTES.keys()
    return made
