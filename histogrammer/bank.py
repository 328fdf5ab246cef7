"""The histogrammer as a Bank: parameters, spectra, gates, and the analysis of events.

REST clients reach the same engine by the endpoint `spectcl`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from groundwork.regularfiles import NotRegularError
from groundwork.values import JsonObject
from histogrammer.analysis.integration import integrate
from histogrammer.analyzer import STOP_S, RunState
from histogrammer.areas import Described, find_area
from histogrammer.bankalarms import HISTOGRAMMER_ALARMS
from histogrammer.bankstate import (
    DEPENDS,
    analysis_state,
    bank_findings,
    bank_hindrances,
    overview,
)
from histogrammer.config import HistogrammerBankConfig
from histogrammer.definitions import GateTable, ParameterTable, SpectrumTable, read_definitions
from histogrammer.doctor import diagnose
from histogrammer.engine import Engine
from histogrammer.errors import DisplayMemoryError
from histogrammer.events.protocol.acquisitionitems import StateChange
from histogrammer.events.protocol.ringitems import ItemType
from histogrammer.flavors import FLAVORS
from histogrammer.parameters import Metadata
from histogrammer.patterns import select
from histogrammer.peakspart import PeaksPart
from histogrammer.projectionspart import ProjectionsPart, read_direction
from histogrammer.rest.protocol.answers import gate_object, parameter_object, spectrum_object
from histogrammer.service import Histogrammer, HistogrammerSettings
from histogrammer.spectrapublisher import SpectraPublisher, visible
from player.alarms.rules import AlarmRule
from player.bank import Bank, BankContext
from player.findings import Finding, Surroundings
from player.readiness import Hindrance
from player.tables import BankConfig, Config, Table
from zmqjsonproxy import RefusedError, command, current_operation, operation, query
from zmqjsonproxy.channels import computed, message
from zmqjsonproxy.channels.properties import table_of
from zmqjsonproxy.waiting import WouldWaitError, may_wait

__all__ = ["HistogrammerBank"]

_MIB = 1 << 20
_PROGRESS_EVERY_S = 0.25
_CHANGES = {
    ItemType.BEGIN_RUN: "begin",
    ItemType.END_RUN: "end",
    ItemType.PAUSE_RUN: "pause",
    ItemType.RESUME_RUN: "resume",
}

T = TypeVar("T")
M = TypeVar("M", bound=Table)


class HistogrammerBank(Bank):
    """A Bank that fills spectra from events."""

    depends = DEPENDS

    run_changed = message(
        doc="A run in the source of events has begun, ended, been paused or resumed: change (begin, "
        "end, pause, resume), run, title, unix_time (of the change, s). Spectra have all events "
        "before it."
    )

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, HistogrammerBankConfig)
        self._config: HistogrammerBankConfig = context.config
        self._open_histogrammer: Histogrammer | None = None
        self._spectra: SpectraPublisher | None = None

    # what the host needs

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        return HistogrammerBankConfig

    @classmethod
    def diagnose(cls, config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
        return diagnose(config, bank_name, around)

    @classmethod
    def declared_alarms(cls) -> Sequence[AlarmRule]:
        return HISTOGRAMMER_ALARMS

    @property
    def histogrammer(self) -> Histogrammer:
        """The histogrammer, for endpoints; RefusedError: the Bank is not open."""
        if self._open_histogrammer is None:
            raise RefusedError("the histogrammer is not open")
        return self._open_histogrammer

    def open(self) -> None:
        config, directory = self._config, self.context.instrument.directory
        home = config.home_folder(directory)
        mbytes = config.spectra_mbytes
        settings = HistogrammerSettings(
            home=home,
            shm_mbytes=config.shm_mbytes,
            shm_kind=config.shm_kind,
            roots=self._roots(home),
            programs=config.programs,
            streams=config.streams,
            threads=config.threads,
            spectra_bytes=None if mbytes is None else mbytes * _MIB,
            flavor=FLAVORS[config.flavor],
        )
        try:
            made = self._open_histogrammer = Histogrammer(settings)
        except DisplayMemoryError as error:
            raise RefusedError(str(error)) from error
        made.analyzer.on_state_change = self._tell_change
        if config.definitions is not None:
            found = read_definitions(directory / os.path.expanduser(config.definitions))
            made.worker.ask(found.book)
        self._spectra = SpectraPublisher(made.worker, table_of(self), config.publish_hz)
        if made.memory is not None:
            self.log.info("display memory: %s", made.memory.key)

    def _roots(self, home: Path) -> list[Path]:
        instrument = self.context.instrument
        if self._config.roots is None:
            return [home, *instrument.file_roots(self.context.data_root)]
        return self._config.named_roots(instrument.directory)

    def parts(self) -> dict[str, object]:
        return {"peaks": PeaksPart(self._ask), "projections": ProjectionsPart(self._ask)}

    def close(self) -> None:
        if self._spectra is not None:
            self._spectra.close()
        if self._open_histogrammer is not None:
            self._open_histogrammer.close()

    # what is published

    @computed(every=0.5)
    def analysis(self) -> JsonObject:
        """State of the analysis, as of `get_analysis`."""
        return self.get_analysis()

    @computed(unit="1/s", every=1.0)
    def event_rate(self) -> float:
        """Events per second, in the last seconds."""
        return round(self._state().event_rate, 1)

    @computed(every=1.0)
    def events(self) -> int:
        """Events of the source so far."""
        return self._state().events

    @computed(every=1.0)
    def live(self) -> JsonObject | None:
        """Rates of a live source, per s: events that came, and those that were skipped; counts of both, of
        other items, of bytes, connections and refusals; whether it is connected, and the last trouble.
        None: the source is no live one."""
        return self._state().told_live()

    def _tell_change(self, change: StateChange) -> None:
        self.run_changed(
            change=_CHANGES[ItemType(change.type)],
            run=change.run,
            title=change.title,
            unix_time=change.unix_time,
        )

    # parameters

    @query
    def list_parameters(self, pattern: str = "*") -> list[Any]:
        """Return the parameters that a pattern selects: name, id, bins, low, hi, units, description."""
        return self._ask(
            lambda engine: [
                parameter_object(engine.parameters[name])
                for name in select(engine.parameters, pattern)
            ]
        )

    @command
    def create_parameter(
        self,
        name: str,
        low: float | None = None,
        high: float | None = None,
        bins: int | None = None,
        units: str | None = None,
        description: str | None = None,
    ) -> None:
        """Create a parameter. Those of events that are read are created by themselves.

        Args:
            name: Any text.
            low: Lower limit, for whoever books spectra.
            high: Upper limit.
            bins: Number of bins.
            units: Of its values.
            description: Any text.
        """
        table = _valid(
            ParameterTable, low=low, high=high, bins=bins, units=units, description=description
        )
        self._change(lambda engine: engine.create_parameter(name, Metadata(**table.model_dump())))

    # spectra

    @query
    def list_spectra(self, pattern: str = "*") -> list[Any]:
        """Return the spectra that a pattern selects, as `spectrum/list` of the REST interface does."""
        return self._ask(
            lambda engine: [
                spectrum_object(each.shown, each.number, each.gate)
                for each in engine.select_spectra(pattern)
            ]
        )

    @query
    def get_spectrum(self, name: str, flow: bool = False) -> dict[str, Any]:
        """Return a spectrum with its contents.

        Args:
            name: Of the spectrum.
            flow: With the cells of under- and overflow around the bins.

        Returns:
            name, type, parameters, axes (each [low, high, bins]), flow, and data: array of float64,
            shape (x,) or (y, x).
        """

        def read(engine: Engine) -> dict[str, Any]:
            found = engine.spectrum(name)
            shown, cells = found.shown, found.contents.cells
            axes = [axis for axis in (shown.x_axis, shown.y_axis) if axis is not None]
            return {
                "name": name,
                "type": shown.kind,
                "parameters": [list(group) for group in shown.groups],
                "axes": [[axis.low, axis.high, axis.bins] for axis in axes],
                "flow": bool(flow),
                "data": (cells if flow else visible(cells)).copy(),
            }

        return self._ask(read)

    @command
    def create_spectrum(
        self,
        name: str,
        type: str,
        parameters: Sequence[str | Sequence[str]],
        axes: Sequence[Sequence[float]],
    ) -> None:
        """Book a spectrum; parameters that do not exist are created.

        Args:
            name: Any text.
            type: Letters of its kind: 1, 2, g1, g2, gd, s, m2, gs, b, S.
            parameters: Their names; of gd two lists, of gs any number of lists.
            axes: Each [low, high, bins].
        """
        definition = _valid(
            SpectrumTable, type=type, parameters=_lists(parameters), axes=_lists(axes)
        ).define(name)

        def book(engine: Engine) -> None:
            for parameter in definition.parameters:
                engine.row_of(parameter)
            engine.create_spectrum(definition)

        self._change(book)

    @command
    def delete_spectrum(self, name: str) -> None:
        """Delete a spectrum."""
        self._change(lambda engine: engine.delete_spectrum(name))

    @command
    def clear_spectra(self, pattern: str = "*") -> None:
        """Set the spectra that a pattern selects to zero."""
        self._change(lambda engine: engine.clear_spectra(pattern))

    @command
    def project(
        self,
        source: str,
        name: str,
        direction: str,
        snapshot: bool = True,
        contour: str | None = None,
    ) -> None:
        """Book the projection of a spectrum of two dimensions.

        Args:
            source: Name of the spectrum.
            name: Of the new one.
            direction: Axis that is kept, x or y.
            snapshot: No event changes it.
            contour: Gate inside which bins count; None: all do.
        """
        kept = read_direction(direction)
        self._change(
            lambda engine: engine.project(
                engine.spectrum(source), name, kept, snapshot=snapshot, contour=contour
            )
        )

    @query
    def integrate(
        self,
        name: str,
        low: float | None = None,
        high: float | None = None,
        gate: str | None = None,
    ) -> dict[str, Any]:
        """Return the integral of a spectrum, or of a region of it.

        Args:
            name: Of the spectrum.
            low: Of one dimension: lower limit, included; given with the upper one.
            high: Upper limit, included.
            gate: Region, in the place of limits: a slice in one dimension, a contour in two.

        Returns:
            counts, and centroid and fwhm, each (x, y) in units of the axes.
        """

        def read(engine: Engine) -> dict[str, Any]:
            found = engine.spectrum(name)
            shown = found.shown
            if shown.y_axis is not None and not low is high is None:
                raise RefusedError(f"{name} has two dimensions, and no limits: name a contour")
            area = find_area(engine, shown, Described(gate=gate, low=low, high=high))
            result = integrate(shown, found.contents.cells, area)
            return {"counts": result.counts, "centroid": result.centroid, "fwhm": result.fwhm}

        return self._ask(read)

    # gates

    @query
    def list_gates(self, pattern: str = "*") -> list[Any]:
        """Return the gates that a pattern selects, as `gate/list` of the REST interface does."""
        return self._ask(
            lambda engine: [
                gate_object(each.name, each.condition, each.gates)
                for each in engine.conditions.matching(pattern)
            ]
        )

    @command
    def create_gate(
        self,
        name: str,
        type: str,
        parameters: Sequence[str] = (),
        gates: Sequence[str] = (),
        low: float | None = None,
        high: float | None = None,
        points: Sequence[Sequence[float]] = (),
        value: int | None = None,
    ) -> str:
        """Create a gate, or replace one: whatever it is applied to sees the new one. `Created`, or
        `Replaced`.

        Args:
            name: Any text.
            type: Letters of its kind: s, b, c, gs, gb, gc, em, am, nm, T, F, +, -, *.
            parameters: Its parameters; of bands and contours x and y.
            gates: Those that it is made of.
            low: Lower limit of a slice.
            high: Upper limit.
            points: Of a band or contour, each [x, y].
            value: Mask.
        """
        given = _valid(
            GateTable,
            type=type,
            parameters=list(parameters),
            gates=list(gates),
            low=low,
            high=high,
            points=_lists(points),
            value=value,
        ).given()
        return self._change(lambda engine: engine.edit_condition(name, type, given).value)

    @command
    def delete_gate(self, name: str) -> None:
        """Delete a gate; spectra that it was applied to are ungated, or fill no more by SpecTcl's rules."""
        self._change(lambda engine: engine.delete_condition(name))

    @command
    def apply_gate(self, gate: str, spectrum: str) -> None:
        """Apply a gate to a spectrum, in place of the one before."""
        self._change(lambda engine: engine.apply_gate(gate, spectrum))

    @command
    def ungate(self, spectrum: str) -> None:
        """Take the gate away that is applied to a spectrum."""
        self._change(lambda engine: engine.ungate(spectrum))

    @command
    def fold(self, gate: str, spectrum: str) -> None:
        """Fold a spectrum by a gate, in place of the one before."""
        self._change(lambda engine: engine.fold(gate, spectrum))

    @command
    def unfold(self, spectrum: str) -> None:
        """Fold a spectrum no more."""
        self._change(lambda engine: engine.unfold(spectrum))

    @command
    def read_definitions(self, file: str) -> list[str]:
        """Book what a file of definitions has, TOML or JSON; the names of its spectra.

        Args:
            file: Path, below one of the folders for files.
        """
        try:
            path = self.histogrammer.roots.find(Path(file))
        except NotRegularError as error:
            raise RefusedError(f"{file:.200}: {error}") from error
        return self._change(read_definitions(path).book)

    # events

    @command
    def attach(self, source: str, kind: str = "file") -> None:
        """Attach a source of events; a running analysis is stopped first.

        Args:
            source: Path of a file of ring items or of ROOT, `FILE:TREE` if it has several trees, or name
                of a program or a live stream of the configuration.
            kind: file, pipe for a program, or stream.
        """
        self.histogrammer.analyzer.attach(kind, source)

    @command
    def detach(self) -> None:
        """Forget the source of events; a running analysis is stopped first."""
        self.histogrammer.analyzer.detach()

    @query
    def earliest_start(self) -> list[Any]:
        """True, and the present time, [Y, M, D, h, m, s, us] UTC: files wait for nobody."""
        now = datetime.now(UTC)
        return [True, [*now.timetuple()[:6], now.microsecond]]

    @command
    def start(self, starttime: Sequence[int] | None = None) -> list[Any]:
        """Begin to process events, or go on where it was stopped. True, and a sentence.

        Args:
            starttime: Taken, so that a Dealer starts all kinds of Banks alike, and without effect: it
                begins at once.
        """
        analyzer = self.histogrammer.analyzer
        analyzer.start()
        return [True, f"Analysis of {analyzer.attached} started"]

    @command(urgent=True)
    def stop(self) -> list[Any]:
        """Stop processing events, and end an operation `analyze`. True, and a sentence."""
        analyzer = self.histogrammer.analyzer
        analyzer.halt()
        if not analyzer.wait(STOP_S):
            raise RefusedError(
                f"the analysis of {analyzer.attached} has not ended within {STOP_S:g} s"
            )
        return [True, f"Analysis stopped after {analyzer.state().events} events"]

    @operation
    def analyze(self, files: str | Sequence[str]) -> dict[str, Any]:
        """Process the events of files, one after the other, to their ends.

        Args:
            files: Path, or paths.

        Returns:
            events, bytes, and accounts: what was read, used and left out of each file, in lines.
        """
        handle, analyzer = current_operation(), self.histogrammer.analyzer
        analyzer.attach_files([files] if isinstance(files, str) else list(files), keep_going=True)
        analyzer.start()
        handle.on_abort(analyzer.halt)
        while not analyzer.wait(_PROGRESS_EVERY_S):
            state = analyzer.state()
            handle.progress(state.fraction, state.sentence(), state.left_s)
        handle.check()
        state = analyzer.state()
        if state.error:
            raise RefusedError(f"{state.error}; {state.events} events were read and are in spectra")
        if not state.is_over:
            raise RefusedError(
                f"it was stopped after {state.events} events, which are in spectra; `start` goes on"
            )
        lines = [line for account in analyzer.accounts() for line in account.lines()]
        return {"events": state.events, "bytes": state.bytes, "accounts": lines}

    @query
    def get_analysis(self) -> dict[str, Any]:
        """Return how the analysis stands.

        Returns:
            active; attached: `file:PATH`, `pipe:PROGRAM`, `stream:NAME` or `Not Attached`; error: why the last one
            ended early, or empty; run and title of the run, None: not known; events, bytes and size,
            None: not known; event_rate and byte_rate, per s; fraction and left_s, None: not known; live,
            as the property.
        """
        return analysis_state(self._state())

    @query
    def get_accounts(self) -> list[str]:
        """Return what was read, used and left out of each file of the source, in lines."""
        accounts = self.histogrammer.analyzer.accounts()
        lines = [line for account in accounts for line in account.lines()]
        live = self._state().live
        return lines if live is None else lines + live.lines()

    @query
    def scan_status(self) -> list[Any]:
        """Return [events are being processed, "EVENTS=...", "ERROR=..."]; `wait_for_scan` of a Dealer
        waits for the end by it."""
        state = self._state()
        return [state.is_active, f"EVENTS={state.events}", f"ERROR={state.error}"]

    # state

    @query
    def get_overview(self) -> dict[str, Any]:
        """Return source, run and progress in a few values, name -> value: a row of `dealer status`."""
        return overview(self._state())

    @query
    def get_findings(self) -> list[dict[str, str]]:
        """Return what is wrong with the analysis, for `dealer doctor`."""
        is_alive = self.histogrammer.worker.is_alive
        return bank_findings(self.name, self._state(), is_alive=is_alive)

    def hindrances(self) -> list[Hindrance]:
        return bank_hindrances(self.name, self._state())

    def _state(self) -> RunState:
        return self.histogrammer.analyzer.state()

    def _ask(self, function: Callable[[Engine], T]) -> T:
        """Ask the engine, which may be filling spectra: a thread that must not wait does not."""
        if not may_wait():
            raise WouldWaitError
        return self._change(function)

    def _change(self, function: Callable[[Engine], T]) -> T:
        return self.histogrammer.worker.ask(function)


def _lists(value: Sequence[Any]) -> list[Any]:
    """Return a sequence with what is in it as lists: callers send tuples, too."""
    return [list(one) if isinstance(one, list | tuple) else one for one in value]


def _valid(model: type[M], **values: Any) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RefusedError(f"{place}: {first['msg']}; found {first['input']!r:.80}") from error
