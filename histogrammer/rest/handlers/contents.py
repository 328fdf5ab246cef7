"""The request `spectrum/contents`: answers of any size, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np

from histogrammer.analysis.statistics import flow_of
from histogrammer.contents import Counts
from histogrammer.engine import Engine
from histogrammer.errors import RequestFailedError
from histogrammer.rest.bodycache import BodyCache
from histogrammer.rest.handlers.calls import Body, Later, Whole
from histogrammer.rest.protocol.bodies import contents_pieces, numbered_pieces
from histogrammer.rest.protocol.values import RequestValues
from histogrammer.spectra.channels import Region
from histogrammer.spectra.definition import Definition
from histogrammer.spectrum import Spectrum

__all__ = ["ServedContents"]

SMALL_CELLS = 1 << 14
"""Written sooner than handed to another thread."""
WHOLE_CELLS = 1 << 20
"""With counts, of a spectrum whose answer is written whole and kept: some 50 MB. What has more is
sent in pieces, for all of 4096 x 4096 channels it has 800 MB."""

PIECE_CELLS = 1 << 16
"""Looked through for a piece, of 3 MB at most."""


@dataclass(frozen=True, slots=True)
class _State:
    """Contents of a spectrum, or of a region of it, as they are at one version.

    Attributes:
        key: Spectrum and region.
        version: Of the contents.
        shown: The spectrum.
        cells: Its cells, which nobody changes any more.
        by_channel: They are told by numbers of channels, as by SpecTcl.
    """

    key: tuple[int, Region]
    version: int
    shown: Definition
    cells: Counts
    by_channel: bool

    def pieces(self) -> Generator[bytes | memoryview, None, None]:
        """Yield the answer."""
        flow, region = flow_of(self.cells), self.key[1]
        if self.by_channel:
            return numbered_pieces(self.shown, self.cells, flow, most=PIECE_CELLS)
        return contents_pieces(self.shown, self.cells, flow, region, most=PIECE_CELLS)


class ServedContents:
    """Contents of spectra; their JSON is kept until they change."""

    def __init__(self) -> None:
        self._kept = BodyCache()

    def __call__(self, engine: Engine, values: RequestValues) -> Whole | Later:
        """Return the bins of a spectrum that are not zero."""
        name, by_channel = values.text("name"), engine.flavor.counts_by_channel
        spectrum = engine.find_spectrum(name)
        if spectrum is None:
            raise RequestFailedError(
                "not found"
                if by_channel
                else f"Failed to fetch info for {name} no such spectrum or ambiguous name"
            )
        region = Region() if by_channel else _region(values)
        key, contents = (spectrum.number, region), spectrum.contents
        body = self._kept.get(key, spectrum.version)
        if body is not None:
            return Whole(body)
        if spectrum.definition.size <= SMALL_CELLS:
            return Whole(self._whole(_state(spectrum, key, contents.cells, by_channel)))

        def copy(_engine: Engine) -> Callable[[], Body]:
            return partial(self._written, _state(spectrum, key, contents.cells.copy(), by_channel))

        return Later(copy)

    def _written(self, state: _State) -> Body:
        if np.count_nonzero(state.cells) > WHOLE_CELLS:
            return state.pieces()
        return self._whole(state)

    def _whole(self, state: _State) -> bytes:
        body = b"".join(state.pieces())
        self._kept.put(state.key, state.version, body)
        return body


def _region(values: RequestValues) -> Region:
    return Region(
        x_low=values.number("xlow"),
        x_high=values.number("xhigh"),
        y_low=values.number("ylow"),
        y_high=values.number("yhigh"),
    )


def _state(spectrum: Spectrum, key: tuple[int, Region], cells: Counts, by_channel: bool) -> _State:
    return _State(key, spectrum.version, spectrum.shown, cells, by_channel)
