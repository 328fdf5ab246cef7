"""Requests `spectrum/`, `channel/`, `specstats` and `project`; contents and integrals have modules of
their own."""

from __future__ import annotations

from contextlib import suppress

from histogrammer.analysis.projection import ProjectionAxis
from histogrammer.analysis.statistics import flow_of
from histogrammer.engine import Engine
from histogrammer.errors import (
    ConditionError,
    DisplayMemoryError,
    RequestFailedError,
    SpectrumError,
)
from histogrammer.rest.handlers.calls import Handlers, InWorker, Whole, failing
from histogrammer.rest.handlers.contents import ServedContents
from histogrammer.rest.protocol.answers import StatisticsObject, spectrum_object, statistics
from histogrammer.rest.protocol.bodies import write_answer
from histogrammer.rest.protocol.bookings import read_booking
from histogrammer.rest.protocol.query import read_truth
from histogrammer.rest.protocol.spectclanswers import (
    short_statistics,
    typed_spectrum,
    whole_number,
)
from histogrammer.rest.protocol.values import RequestValues
from histogrammer.spectra import KINDS, kind_of
from histogrammer.spectra.channels import get_channel
from histogrammer.spectra.stripchart import KIND as STRIP_CHART

__all__ = ["handlers"]

_DIRECTIONS = {
    "x": ProjectionAxis.X,
    "X": ProjectionAxis.X,
    "y": ProjectionAxis.Y,
    "Y": ProjectionAxis.Y,
}


class _Listing:
    """Lists of spectra; what was written last is kept until something changes."""

    def __init__(self) -> None:
        self._kept: tuple[str, int, bytes] = ("", -1, b"")

    def __call__(self, engine: Engine, values: RequestValues) -> Whole:
        """Return the spectra that a pattern selects."""
        pattern = values.text("filter")
        kept, changes, body = self._kept
        if kept == pattern and changes == engine.changes:
            return Whole(body)
        with failing(f"Failed to list spectra matching {pattern}", has_text=False):
            spectra = engine.select_spectra(pattern)
        flavor = engine.flavor
        made = typed_spectrum if flavor.short_lists else spectrum_object
        body = write_answer(
            "OK",
            [
                made(one.shown, one.number, flavor.ungated if one.gate is None else one.gate)
                for one in spectra
            ],
        )
        if all(
            one.definition.kind != STRIP_CHART.letters for one in spectra
        ):  # events move its axis
            self._kept = (pattern, engine.changes, body)
        return Whole(body)


def create(engine: Engine, values: RequestValues) -> str:
    """Book a spectrum."""
    letters = values.text("type")
    booking = read_booking(letters, values.text("parameters"), values.text("axes"), KINDS)
    with failing(booking.failed):
        definition = kind_of(letters).define(values.text("name"), booking.groups, booking.axes)
        engine.create_spectrum(definition)
    if engine.flavor.binds_new:
        with suppress(DisplayMemoryError):  # no room: it is there, and not displayed
            engine.bindings.bind(definition.name)
    return ""


def delete(engine: Engine, values: RequestValues) -> str:
    """Delete a spectrum."""
    name = values.text("name")
    with failing(f"Failed to delete {name}"):
        engine.delete_spectrum(name)
    return ""


def clear(engine: Engine, values: RequestValues) -> str:
    """Set the spectra that a pattern selects to zero."""
    pattern = values.text("pattern")
    with failing(f"Failed to clear spectra matching '{pattern}'"):
        engine.clear_spectra(pattern)
    return ""


def get(engine: Engine, values: RequestValues) -> int | float:
    """Return the contents of a channel."""
    name = values.text("spectrum")
    spectrum = engine.find_spectrum(name)
    if spectrum is None:
        raise RequestFailedError(f"Could not get channel: No such spectrum '{name}'")
    x, y = values.integer("xchannel"), values.maybe_integer("ychannel")
    with failing("Could not get channel", has_text=False):
        found = get_channel(spectrum.definition, spectrum.contents.cells, x, y)
    return whole_number(found) if engine.flavor.counts_by_channel else found


def set_(engine: Engine, values: RequestValues) -> str:
    """Replace the contents of a channel."""
    name = values.text("spectrum")
    with failing("Unable to set channel: "):
        spectrum = engine.find_spectrum(name)
        if spectrum is None:
            raise SpectrumError(f"No such spectrum: {name}")
        engine.set_channel(
            spectrum,
            values.integer("xchannel"),
            values.maybe_integer("ychannel"),
            float(values.integer("value")),
        )
    return ""


def list_statistics(engine: Engine, values: RequestValues) -> list[StatisticsObject]:
    """Return the sums of flow cells of the spectra that a pattern selects."""
    pattern = values.text("pattern")
    with failing(f"Failed to list spectra matching {pattern}", has_text=False):
        spectra = engine.select_spectra(pattern)
    flows = [(one.definition, flow_of(one.contents.cells)) for one in spectra]
    if engine.flavor.short_lists:
        return [short_statistics(definition, flow) for definition, flow in flows]
    return [statistics(definition.name, flow) for definition, flow in flows]


def project(engine: Engine, values: RequestValues) -> str:
    """Make a projection."""
    snapshot, name = read_truth(values.text("snapshot")), values.text("newname")
    if snapshot is None:
        raise RequestFailedError(
            "Invalid value for 'snapshot'", "Must be in {yes, no, true, false} e.g."
        )
    direction = _DIRECTIONS.get(values.text("direction"))
    if direction is None:
        raise RequestFailedError("Invalid projection direction", "Must be 'X' or 'Y'")
    try:
        source = engine.find_spectrum(values.text("source"))
        if source is None:
            raise SpectrumError(f"Spectrum {values.text('source')} does not exist")
        contour = values.maybe_text("contour") or None
        engine.project(source, name, direction, snapshot=snapshot, contour=contour)
        if values.truth("bind"):
            engine.bindings.bind(name)
    except (ConditionError, SpectrumError) as error:
        raise RequestFailedError("Failed to create projection spectrum", str(error)) from error
    except DisplayMemoryError as error:
        raise RequestFailedError("Could not bind projected spectrum", str(error)) from error
    return ""


def handlers() -> Handlers:
    """Return the handlers, which keep what they have written."""
    return {
        "spectrum/list": InWorker(_Listing()),
        "spectrum/create": InWorker(create),
        "spectrum/delete": InWorker(delete),
        "spectrum/contents": InWorker(ServedContents()),
        "spectrum/zero": InWorker(clear),
        "channel/get": InWorker(get),
        "channel/set": InWorker(set_),
        "specstats": InWorker(list_statistics),
        "project": InWorker(project),
    }
