"""Analysis of events: a source that is attached, and the thread that reads it and hands its blocks to
the engine's thread.

For any thread but the engine's. Requests get their turn between blocks: of these at most two wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TypeVar

from groundwork.closing import Closing
from groundwork.errors import text_of
from groundwork.regularfiles import NotRegularError
from groundwork.values import JsonObject
from histogrammer.engine import Engine
from histogrammer.errors import AnalysisError, EventFileError, EventParameterError
from histogrammer.events.accounts import Account
from histogrammer.events.blocks import EventBlock
from histogrammer.events.blocksource import BlockSource
from histogrammer.events.decoder import Part, RowOf
from histogrammer.events.inputs import FileInput, Input
from histogrammer.events.livecounts import LiveCounts
from histogrammer.events.programs import ProgramInput
from histogrammer.events.protocol.acquisitionitems import StateChange
from histogrammer.events.protocol.paramitems import Variables
from histogrammer.events.protocol.ringitems import ItemType
from histogrammer.events.roottrees import RootTreeSource, tree_path
from histogrammer.events.sources import EventSource
from histogrammer.events.streams import make_stream
from histogrammer.flavors import RUSTOGRAMER, Flavor
from histogrammer.rates import Rates
from histogrammer.roots import Roots
from histogrammer.worker import EndedError, Worker, WorkerBusyError

__all__ = ["KEPT", "NOT_ATTACHED", "STOP_S", "Analyzer", "RunState", "take_variables"]

NOT_ATTACHED = "Not Attached"
BATCH_EVENTS = 100
"""Rustogramer's default, which is told and has no effect."""
RING_FORMATS = (11, 12)
BLOCKS_AHEAD = 2
STOP_S, CLOSE_S = 10.0, 1.0
"""Times in which the reading has to end, when it is stopped, and at the end of the program."""
BUSY_PAUSE_S = 0.02

KEPT = frozenset(
    {
        ItemType.BEGIN_RUN,
        ItemType.END_RUN,
        ItemType.PAUSE_RUN,
        ItemType.RESUME_RUN,
        ItemType.VARIABLE_VALUES,
    }
)
"""Types of items that an analysis looks at, besides events and definitions."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """State of the analysis.

    Attributes:
        is_active: Events are being processed.
        is_over: The last analysis came to the end of the source, and was not stopped before.
        attached: `file:PATH`, `pipe:PROGRAM`, `stream:NAME` or `Not Attached`.
        errors: Reasons why the last analysis ended early, or left a file, each
            `FILE: byte OFFSET: REASON`.
        run: Number of the run, of the last change of state in the source; None: there was none.
        title: Its title; None: there was none.
        events: Events that were read of the source.
        items: Items of the source, events among them.
        bytes: Bytes of them.
        size: Bytes of all its files; None: not known, as of a program.
        blocks: Blocks of events that filled spectra.
        event_rate: Events per second, in the last seconds; 0 while nothing is processed.
        byte_rate: Bytes per second, likewise.
        live: Counts of a live source; None: it is none.
        came_rate: Events per second that came from it, whatever became of them, likewise.
        skipped_rate: Events per second that were skipped of those, likewise.
    """

    is_active: bool = False
    is_over: bool = False
    attached: str = NOT_ATTACHED
    errors: tuple[str, ...] = ()
    run: int | None = None
    title: str | None = None
    events: int = 0
    items: int = 0
    bytes: int = 0
    size: int | None = None
    blocks: int = 0
    event_rate: float = 0.0
    byte_rate: float = 0.0
    live: LiveCounts | None = None
    came_rate: float = 0.0
    skipped_rate: float = 0.0

    @property
    def error(self) -> str:
        """All errors as one text; empty: there are none."""
        return "; ".join(self.errors)

    @property
    def fraction(self) -> float | None:
        """Part that has been read, 0..1; None: not known."""
        return None if self.size is None else min(1.0, self.bytes / self.size) if self.size else 1.0

    @property
    def left_s(self) -> float | None:
        """Time until the end of the source, s; None: not known."""
        if self.size is None or not self.byte_rate:
            return None
        return max(0.0, (self.size - self.bytes) / self.byte_rate)

    def told_live(self) -> JsonObject | None:
        """Return rates and counts of a live source as JSON; None: it is none."""
        if self.live is None:
            return None
        rates = {"came_rate": self.came_rate, "skipped_rate": self.skipped_rate}
        return {**{name: round(rate, 1) for name, rate in rates.items()}, **asdict(self.live)}

    def sentence(self) -> str:
        """Return how far it is, for people."""
        of = "" if self.size is None else f" of {self.size / 1e6:.1f}"
        return (
            f"{self.bytes / 1e6:.1f}{of} MB, {self.events} events, {self.event_rate:.0f} events/s"
        )


class Analyzer(Closing):
    """Analysis of one source at a time.

    Args:
        worker: The engine's thread.
        roots: Folders below which files may be read.
        programs: Name -> command of what may be attached as a pipe.
        streams: Name -> place of what may be attached as a live stream, as of `make_stream`.
        on_state_change: Called by the reading thread with each change of state of a run.
        flavor: Program in whose words what is not there is refused.
        clock: Monotonic time, s.

    Attributes:
        batch_events: Events per batch, which clients set and ask for; blocks have a size of their
            own, which changes no result.
    """

    def __init__(
        self,
        worker: Worker[Engine],
        *,
        roots: Roots,
        programs: Mapping[str, Sequence[str]] | None = None,
        streams: Mapping[str, str] | None = None,
        on_state_change: Callable[[StateChange], object] | None = None,
        flavor: Flavor = RUSTOGRAMER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flavor = flavor
        self.batch_events = BATCH_EVENTS
        self.on_state_change = on_state_change
        self._worker, self._roots, self._programs = worker, roots, dict(programs or {})
        self._streams = dict(streams or {})
        self._clock = clock
        self._ring_format = RING_FORMATS[0]
        self._turn = threading.RLock()  # one request at a time; the reading thread never takes it
        self._ended = threading.Event()
        self._ended.set()
        self._is_halting = False
        self._source: BlockSource | None = None
        self._state, self._keep_going = RunState(), False
        self._rates = Rates(4)

    @property
    def attached(self) -> str:
        """The source: `file:PATH`, `pipe:PROGRAM`, `stream:NAME` or `Not Attached`."""
        return self._state.attached

    @property
    def ring_format(self) -> int:
        """Format of ring items that do not tell it: 11, or 12; it holds from the next start on."""
        return self._ring_format

    @ring_format.setter
    def ring_format(self, version: int) -> None:
        if version not in RING_FORMATS:
            raise AnalysisError(
                "Unable to set ring format version",
                f"{version} is not a legal Ring format version",
            )
        self._ring_format = version

    def state(self) -> RunState:
        """Return how the analysis stands; waits for nothing."""
        state, source = self._state, self._source
        if source is not None:
            progress = source.progress
            state = replace(
                state,
                events=progress.events,
                items=progress.items,
                bytes=progress.bytes_read,
                size=progress.bytes_total,
                is_over=source.is_over,
                live=source.live,
            )
        if not state.is_active:
            return state
        events, bytes_, came, skipped = self._rates.at(self._clock())
        return replace(
            state, event_rate=events, byte_rate=bytes_, came_rate=came, skipped_rate=skipped
        )

    def accounts(self) -> tuple[Account, ...]:
        """Return what was read, used and left out of each file of the source, in order."""
        source = self._source
        return () if source is None else source.accounts

    def attach(self, kind: str, source: str, size: int = 8192) -> None:
        """Attach a source; a running analysis is stopped first.

        Args:
            kind: `file`, `pipe` or `stream`.
            source: Path of a file, or name of a program or a stream of the configuration.
            size: As clients tell it; it has no meaning here.

        Raises:
            AnalysisError: There is none such, or it cannot be had; what was attached is no more.
        """
        if kind == "file":
            self.attach_files([source])
        elif kind == "pipe" and self._programs:
            command = _named(kind, "program", self._programs, source)
            self._attach_inputs(f"pipe:{source}", [ProgramInput(command)])
        elif kind == "stream" and self._streams:
            place = _named(kind, "stream", self._streams, source)
            self._attach_inputs(f"stream:{source}", [make_stream(place)])
        else:
            raise AnalysisError(
                f"Data source type '{kind}' is not supported", self._flavor.other_sources
            )

    def attach_files(self, paths: Sequence[str], *, keep_going: bool = False) -> None:
        """Attach files, one after the other as one source.

        Args:
            paths: Of the files.
            keep_going: A file that is cut or broken does not end the analysis: the next one is
                read, and `errors` of the state tell of all such.

        Raises:
            AnalysisError: As of `attach`, for one of them.
        """
        if not paths:
            raise AnalysisError("Attach failed", "no file is named")
        trees = []
        for path in paths:  # all of them now, or a long run would end at the last
            try:
                trees.append(tree_path(path, self._roots.find))
            except NotRegularError as error:
                which = f"{path}: " if len(paths) > 1 else ""
                raise AnalysisError("Attach failed", f"{which}{error}") from error
        found = [tree for tree in trees if tree is not None]
        if found and len(found) < len(paths):
            raise AnalysisError(
                "Attach failed", "files of ROOT and of ring items are not read together"
            )
        name = f"file:{', '.join(paths)}"
        if found:
            self._attach(name, lambda: RootTreeSource(found, self._rows()), keep_going)
        else:
            self._attach_inputs(
                name, [FileInput(path, self._roots.find) for path in paths], keep_going
            )

    def _attach_inputs(self, name: str, inputs: Sequence[Input], keep_going: bool = False) -> None:
        self._attach(name, lambda: EventSource(inputs, self._rows(), kept=KEPT), keep_going)

    def _attach(self, name: str, make: Callable[[], BlockSource], keep_going: bool) -> None:
        with self._turn:
            self._stop()
            self._forget()
            try:
                self._source = make()
            except EventFileError as error:
                raise AnalysisError("Attach failed", error.reason) from error
            self._state, self._keep_going = RunState(attached=name), keep_going

    def detach(self) -> None:
        """Forget the source; a running analysis is stopped first.

        Raises:
            AnalysisError: Nothing is attached.
        """
        with self._turn:
            if self._source is None:
                raise AnalysisError("Failed to detach", "Not attached to a data source")
            self._stop()
            self._forget()

    def start(self) -> None:
        """Begin to process events, or go on where it was stopped.

        Raises:
            AnalysisError: Nothing is attached, or events are being processed.
        """
        status = "Failed to start analysis"
        with self._turn:
            source = self._source
            if source is None:
                raise AnalysisError(status, "No file is attached")
            if self._is_reading():
                path = self.attached.partition(":")[2]
                raise AnalysisError(status, f"Already processing {path}")
            source.assume(self._ring_format)
            self._note_rates(source, begin=True)
            self._is_halting = False
            parts = iter(source)  # before it is active: what stops it from then on is heeded
            thread = threading.Thread(
                target=self._read, args=(source, parts), name="reading events", daemon=True
            )
            self._ended.clear()
            before, self._state = self._state, replace(self._state, is_active=True, errors=())
            try:
                thread.start()
            except RuntimeError as error:  # the system has no thread left
                self._state = before
                self._ended.set()
                raise AnalysisError(status, text_of(error)) from error

    def stop(self) -> None:
        """Stop processing events; those that were read have filled spectra then.

        Raises:
            AnalysisError: No events are being processed.
        """
        with self._turn:
            if not self._is_reading():
                raise AnalysisError("Failed to stop analysis", "Not processing data")
            self._stop()

    def halt(self) -> None:
        """Stop processing events soon, if any are; returns at once."""
        source = self._source
        if source is not None and self._is_reading():
            self._is_halting = True
            source.stop()

    def wait(self, seconds: float) -> bool:
        """Wait until no events are being processed, or for a time; True: that is so."""
        return self._ended.wait(seconds)

    def close(self) -> None:
        """Stop, and end a program; returns within seconds, whatever the reading does."""
        with self._turn:
            try:
                self._stop(CLOSE_S)
            except AnalysisError as error:
                log.error("%s", error)  # the thread goes with the process
            else:
                self._forget()

    def _is_reading(self) -> bool:
        return not self._ended.is_set()

    def _stop(self, within: float = STOP_S) -> None:
        """End the reading, if there is one."""
        self.halt()
        if not self._ended.wait(within):
            raise AnalysisError(
                "Failed to stop analysis",
                f"the reading of {self.attached} has not ended within {within:g} s; try again",
            )

    def _forget(self) -> None:
        source, self._source, self._state = self._source, None, RunState()
        if source is not None:
            source.close()

    # in the reading thread

    def _read(self, source: BlockSource, parts: Iterator[Part]) -> None:
        errors: list[str] = []
        try:
            self._post(lambda engine: engine.active.begin())
            while True:
                try:
                    self._fill_from(source, parts)
                    break
                except EventFileError as failure:
                    errors.append(str(failure))
                    log.error("%s", failure)
                    if source.is_over or not self._keep_going:
                        break
                    parts = iter(source)
                    if self._is_halting:  # it was to stop, and the sign is gone now
                        break
        except BaseException as failure:  # nobody else hears of it
            place = source.progress
            errors.append(f"{place.source}: byte {place.position}: {text_of(failure)}")
            log.exception("the analysis of %s ended", self.attached)
        finally:
            with suppress(EndedError):
                self._post(lambda engine: engine.active.end())
            self._state = replace(self._state, is_active=False, errors=tuple(errors))
            self._ended.set()

    def _fill_from(self, source: BlockSource, parts: Iterator[Part]) -> None:
        waiting: deque[Future[None]] = deque()
        try:
            for part in parts:
                if isinstance(part, EventBlock):
                    _keep_at_most(BLOCKS_AHEAD - 1, waiting)
                    waiting.append(self._post(partial(_fill, part)))
                    self._state = replace(self._state, blocks=self._state.blocks + 1)
                elif isinstance(part, StateChange):
                    _keep_at_most(0, waiting)
                    self._tell(part)
                elif isinstance(part, Variables):  # they hold for the events behind them
                    _keep_at_most(BLOCKS_AHEAD - 1, waiting)
                    waiting.append(self._post(partial(take_variables, part)))
                self._note_rates(source)
        finally:
            _keep_at_most(0, waiting)

    def _tell(self, change: StateChange) -> None:
        self._state = replace(self._state, run=change.run, title=change.title)
        if self.on_state_change is not None:
            try:
                self.on_state_change(change)
            except Exception:  # events are not to be lost by it
                log.exception("run %d: its change of state could not be told", change.run)

    def _note_rates(self, source: BlockSource, *, begin: bool = False) -> None:
        progress = source.progress
        note = self._rates.begin if begin else self._rates.note
        live = source.live or LiveCounts()
        counts = progress.events, progress.bytes_read, live.events, live.skipped_events
        note(self._clock(), *counts)

    def _post(self, function: Callable[[Engine], T]) -> Future[T]:
        while True:
            try:
                return self._worker.post(function)
            except WorkerBusyError:  # with requests, which end: events wait for their turn
                time.sleep(BUSY_PAUSE_S)

    def _rows(self) -> RowOf:
        """Return rows for the parameters of a source, which the engine then has, too."""
        rows: dict[str, int] = {}

        def row_of(name: str) -> int:
            if name not in rows:
                self._post(lambda engine: engine.row_of(name)).result()
                rows[name] = len(rows)
            return rows[name]

        return row_of


def _named(kind: str, what: str, known: Mapping[str, T], name: str) -> T:
    """Return what the configuration has under a name; AnalysisError: nothing."""
    if name not in known:
        raise AnalysisError(
            f"Data source type '{kind}' is not supported",
            f"{name[:200]} is no {what} of the configuration; there are: {', '.join(known)}",
        )
    return known[name]


def _fill(block: EventBlock, engine: Engine) -> None:
    engine.fill(block)


def take_variables(variables: Variables, engine: Engine) -> None:
    """Have variables of a source hold for the events behind them."""
    for one in variables.variables:
        try:
            engine.variables.put(one.name, one.value, one.units)
        except EventParameterError as error:  # events are not to be lost by it
            log.warning("a variable of the source is left out: %s", error)


def _keep_at_most(number: int, waiting: deque[Future[None]]) -> None:
    """Wait until at most so many blocks have not filled spectra yet."""
    while len(waiting) > number:
        waiting.popleft().result()
