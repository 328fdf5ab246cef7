"""Spectra as frames of pipes `spectrum.NAME`: those that somebody subscribes to, when they change."""

from __future__ import annotations

import logging
import math
import threading
import time
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from groundwork.watchdog import watch
from histogrammer.engine import Engine
from histogrammer.spectra.definition import Definition
from histogrammer.worker import EndedError, Worker, WorkerBusyError
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable

__all__ = ["PIPE", "SpectraPublisher", "visible"]

PIPE = "spectrum."
_END_WITHIN_S = 0.5

log = logging.getLogger(__name__)

Counts = npt.NDArray[np.float64]


def visible(cells: Counts) -> Counts:
    """Return the cells of the bins, without those of the flow."""
    return cells[(slice(1, -1),) * cells.ndim]


class SpectraPublisher:
    """Publishes spectra from its making to `close`.

    Args:
        worker: The engine's thread.
        table: Properties of the Bank.
        rate_hz: Looks per second.
    """

    def __init__(self, worker: Worker[Engine], table: PropertyTable, rate_hz: float) -> None:
        self._worker, self._table = worker, table
        self._known: dict[str, int] = {}  # numbers of the spectra that there are
        self._told: dict[str, tuple[int, int]] = {}  # number and version that were published
        self._left_out = False
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=watch,
            args=(self.look, self._ended),
            kwargs={"name": "published spectra", "every": 1 / rate_hz},
            name="published spectra",
            daemon=True,
        )
        self._thread.start()

    def look(self) -> None:
        """Publish what has changed since the last look."""
        with suppress(WorkerBusyError, EndedError):
            found = self._worker.ask(_versions)
            for name in self._known.keys() - found.keys():
                self._table.forget(PIPE + name)
                self._told.pop(name, None)
            for name in found.keys() - self._known.keys():
                self._declare(name)
            self._known = {name: number for name, (number, _) in found.items()}
            for name, version in found.items():
                declared = self._table.properties.get(PIPE + name)
                if declared is not None and declared.listeners and version != self._told.get(name):
                    self._publish(name)

    def _declare(self, name: str) -> None:
        doc = (
            f"Contents of the spectrum {name}, without flow; of two dimensions shape (y, x). seconds: in which "
            "they were gathered, null: not known."
        )
        try:
            self._table.declare(
                Declared(name=PIPE + name, kind=PropertyKind.PIPE, unit="counts", doc=doc)
            )
        except ValueError as error:  # too many, or a name that is too long
            if not self._left_out:
                log.warning(
                    "spectrum %.80s, and others like it, are not published: %s", name, error
                )
            self._left_out = True

    def _publish(self, name: str) -> None:
        copied = self._worker.ask(lambda engine: _copied(engine, name))
        if copied is None or self._ended.is_set():
            return
        version, definition, counts, seconds = copied
        frame: dict[str, object] = {
            "data": counts,
            "seconds": seconds if math.isfinite(seconds) else None,
            "x_start": float(definition.x_axis.low),
            "x_delta": float(definition.x_axis.width),
        }
        if definition.y_axis is not None:
            frame["y_start"] = float(definition.y_axis.low)
            frame["y_delta"] = float(definition.y_axis.width)
        self._table.publish(PIPE + name, frame, time.time_ns() // 1000)
        self._told[name] = version

    def close(self) -> None:
        """Publish no more; returns soon."""
        self._ended.set()
        self._thread.join(_END_WITHIN_S)


def _versions(engine: Engine) -> dict[str, tuple[int, int]]:
    return {name: (each.number, each.version) for name, each in engine.spectra.items()}


def _copied(engine: Engine, name: str) -> tuple[tuple[int, int], Definition, Counts, float] | None:
    spectrum = engine.spectra.get(name)
    if spectrum is None:
        return None
    counts = visible(spectrum.contents.cells).copy()
    seconds = round(spectrum.seconds(engine.active.seconds), 3)
    return (spectrum.number, spectrum.version), spectrum.shown, counts, seconds
