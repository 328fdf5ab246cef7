"""Requests `swrite` and `sread`: files of spectra, read and written beside the engine's thread."""

from __future__ import annotations

import time

import numpy as np

from groundwork.regularfiles import NotRegularError
from histogrammer.engine import Engine
from histogrammer.errors import RequestFailedError
from histogrammer.rest.handlers.calls import Handlers, InThread, failing
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.values import RequestValues
from histogrammer.spectrumfiles.formats import FORMATS
from histogrammer.spectrumfiles.saved import MAX_FILE_CELLS, Saved, begins_spectra

__all__ = ["HANDLERS"]


def write(program: Program, values: RequestValues) -> str:
    """Write spectra into a file."""
    file, form, names = values.text("file"), values.text("format").lower(), values.texts("spectrum")
    if form not in FORMATS:
        raise RequestFailedError("Invalid format type specification:", values.text("format"))
    saved = program.worker.ask(lambda engine: _copies(engine, names))
    with failing("Failed to write spectra to file"):
        content = FORMATS[form].write(saved, time.time_ns())
    try:
        program.roots.write(file, content, begins_spectra)
    except NotRegularError as error:
        raise RequestFailedError(f"Unable to create file: {file}", str(error)) from error
    return ""


def _copies(engine: Engine, names: tuple[str, ...]) -> list[Saved]:
    for name in names:
        if name not in engine.spectra:
            raise RequestFailedError(
                f"Spectrum could not be found: {name}", "Spectrum does not exist"
            )
    spectra = [engine.spectra[name] for name in names]
    cells = sum(spectrum.contents.cells.size for spectrum in spectra)
    if cells > MAX_FILE_CELLS:
        raise RequestFailedError(
            "Failed to write spectra to file",
            f"they have {cells} cells, and a file up to {MAX_FILE_CELLS}: write them into several",
        )
    return [Saved(spectrum.shown, np.array(spectrum.contents.cells)) for spectrum in spectra]


def read(program: Program, values: RequestValues) -> str:
    """Book the spectra of a file."""
    file, form = values.text("filename"), values.text("format").lower()
    if form not in FORMATS:
        raise RequestFailedError("Unsupported format", values.text("format"))
    try:
        content = program.roots.read(file)
    except NotRegularError as error:
        raise RequestFailedError(f"Failed to open input file: {file}", str(error)) from error
    with failing("Unable to deserialize from file"):
        saved = FORMATS[form].read(content)
    with failing("Unable to enter spectra in histogram thread: "):
        program.worker.ask(
            lambda engine: engine.enter_spectra(
                [(one.definition, one.cells) for one in saved],
                snapshot=values.truth("snapshot"),
                replace=values.truth("replace"),
                bind=values.truth("bind"),
            )
        )
    return ""


HANDLERS: Handlers = {
    "swrite": InThread(write, is_large=True),
    "sread": InThread(read, is_large=True),
}
