"""The model of a spectrometer Bank for `dealer plan`: the Bank's own code without memory,
instruments and waiting.

The same class serves the calls, with the same Backends, checks and start times; what is replaced is
what they work on: registers, synthesizer and status memory are dictionaries, the data-taking
program is an absent one, and a scan is brought forward when somebody asks, by the virtual clock,
instead of by threads.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from arrayconfig.logs import Log
from groundwork.values import JsonObject
from player.bank import BankContext
from player.clock import SystemClock
from player.config import load
from player.errors import ConfigError
from spectrometer.backends.base import Backend, BackendSetup
from spectrometer.bank import SpectrometerBank
from spectrometer.config import SpectrometerBankConfig
from spectrometer.daq.nulldaq import NullDaq
from spectrometer.daq.programs import DataTaking, Programs
from spectrometer.derive.synthesizer import frequency_range
from spectrometer.instruments.errors import SynthesizerError
from spectrometer.instruments.registers import MemoryRegisters, MemorySynthesizer
from spectrometer.modes import ModeConfig
from spectrometer.modesetting import MIN_ARM_DELAY_S, ModeSetter
from spectrometer.observing.scan import ARM_BEFORE_S, ScanControl
from spectrometer.observing.scanending import ScanEnding
from spectrometer.observing.scannumber import ScanNumber
from spectrometer.observing.scanreport import ScanOutcome, ScanReport, ScanReports, Verdict
from spectrometer.observing.scanstate import COMMIT_BEFORE_S, ScanState
from spectrometer.observing.scanwatch import END_AFTER_S
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.protocol.cards import Value, check_keyword, read_card, write_card
from spectrometer.status.protocol.damage import Damage
from zmqjsonproxy.errors import RefusedError

__all__ = ["RehearsedBank", "rehearse"]

LONG_SCAN_S = 12 * 3600.0
FAR_AHEAD_S = 3600.0
ROUNDED_BY = 0.01
STOPPED_AFTER_S, IDLE_AFTER_S = 0.05, 0.1
"""At the end of a scan: until the program has closed its files, and until the Bank is free
again."""

_log = logging.getLogger("spectrometer.rehearsal.silent")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # what a Player would log is no part of a plan


def rehearse(path: Path, banks: Sequence[str]) -> dict[str, RehearsedBank]:
    """Make the models of Banks of a configuration.

    Args:
        path: The array's file.
        banks: Names of Banks of the kind spectrometer.

    Raises:
        RefusedError: Everything that is wrong with the file.
    """
    try:
        config = load(path)
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    found: dict[str, RehearsedBank] = {}
    for name in banks:
        context = BankContext(
            name=name,
            config=config.banks[name],
            instrument=config,
            simulate=True,
            data_root=Path("/data"),
            dibas_dir=None,
            log=logging.LoggerAdapter(_log, {"bank": name}),
        )
        found[name] = RehearsedBank(context)
        found[name].open()
    return found


class _Devices:
    """Registers and a synthesizer in memory, where the Bank has such."""

    def __init__(self, bank: SpectrometerBankConfig) -> None:
        self.roach = None if bank.roach is None else MemoryRegisters()
        self.valon = None
        self.clock = None if bank.synth is None else _Synthesizer(bank)

    def take_images(self, _images: object) -> None:
        """There are no images in memory."""

    def close(self) -> None:
        """There is nothing to close."""


class _Synthesizer(MemorySynthesizer):
    """One that has the range of the real one."""

    def __init__(self, bank: SpectrometerBankConfig) -> None:
        super().__init__()
        assert bank.synth is not None
        self._config = bank.synth
        board = bank.roach if bank.synth.via == "katcp" else None
        self._name = f"synthesizer at {bank.synth.port}"
        self._name += "" if board is None else f" of {board.katcp_host}:{board.katcp_port}"

    def set_frequency(self, synthesizer: int, megahertz: float) -> float:
        low, high = frequency_range(self._config.vco_range_mhz)
        if not low <= megahertz <= high:
            raise SynthesizerError(
                f"{self._name}: {megahertz:g} MHz is out of range, {low:g} to {high:g} MHz"
            )
        return super().set_frequency(synthesizer, self._config.reachable(megahertz))


class _Setter(ModeSetter):
    """Sets modes up in memory; counts the waits of the real array instead of waiting."""

    waited = 0.0

    def open(self) -> None:
        self.devices = _Devices(self._config)  # type: ignore[assignment]  # with what of Devices is used here

    def arm_delay(self, mode: ModeConfig) -> float:
        return max(mode.needed_arm_delay_s, MIN_ARM_DELAY_S)

    def backend_setup(
        self, name: str, frequency: float, status: StatusBuffer, say: Callable[[str], None]
    ) -> BackendSetup:
        return dataclasses.replace(
            super().backend_setup(name, frequency, status, say), wait=self._count
        )

    def _programs(self, mode: ModeConfig, status: StatusBuffer) -> list[DataTaking]:
        return [NullDaq(status)]

    def _count(self, seconds: float) -> None:
        self.waited += max(seconds, 0.0)


class _NumberInMemory(ScanNumber):
    def _keep(self, number: int) -> None:
        self._value = number


class RehearsedBank(SpectrometerBank):
    """A Bank whose calls change nothing but itself. Used by one thread, while virtual time
    holds."""

    _setter_type = _Setter
    _number_type = _NumberInMemory
    _setter: _Setter

    def open(self) -> None:
        self._memory = StatusInMemory()
        self._setter.open()
        self._write_scan_number()

    def _scan_control(self, backend: Backend, programs: Programs) -> ScanControl:
        return _Scan(self._status, programs, self.log, self._reports, self._tell_scan)

    # the model

    def objects(self) -> Mapping[str, object | None]:
        """The Bank, and its parts without methods: there are no devices in a plan."""
        return {"bank": self, "bank.roach": None, "bank.valon": None}

    def catch_up(self) -> None:
        """Bring a scan to where it is by now."""
        if isinstance(self._current.scan, _Scan):
            self._current.scan.catch_up()

    def take_waited(self) -> float:
        """Return how long phases and network set-up of the last call waited, s."""
        waited, self._setter.waited = self._setter.waited, 0.0
        return waited

    def next_change(self) -> float | None:
        """When the scan goes on by itself, unix time."""
        return self._current.scan.next_change() if isinstance(self._current.scan, _Scan) else None

    def tell(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], value: Any
    ) -> tuple[str, list[str]]:
        """Tell what a call has done, and what is doubtful about it."""
        backend = self._current.backend
        if backend is None:
            return _short(value), []
        if method == "set_mode":
            return (
                f"{self._current.name}, {backend.family}, {backend.setup.frequency_mhz:g} MHz",
                [],
            )
        if method == "set_param":
            return ", ".join(
                f"{name}={_short(backend.parameters.get(name))}" for name in kwargs
            ), _scan_doubts(backend)
        if method in ("add_switching_state", "set_gbt_ss", "clear_switching_states"):
            return _short(value), []
        if method == "prepare":
            return _prepared(backend), _rounding_doubts(backend)
        if method in ("start", "arm", "commit") and isinstance(self._current.scan, _Scan):
            return self._current.scan.tell(), [*self._prepared_late(), *self._current.scan.doubts()]
        return _short(value), []

    def _prepared_late(self) -> list[str]:
        if not self._starts.prepared_first:
            return []
        return [
            f"set after the last prepare, so the start prepares first: {', '.join(self._starts.prepared_first)}"
        ]


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2 and value[0] is True:
        value = value[1]
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _prepared(backend: Backend) -> str:
    shown = {"EXPOSURE": "exposure {:g} s", "NCHAN": "{} channels", "OBSNCHAN": "{} channels"}
    values = backend.status_values
    found = [
        form.format(values[key])
        for key, form in shown.items()
        if isinstance(values.get(key), int | float)
    ]
    return ", ".join(dict.fromkeys(found)) or "sent to the hardware"


def _scan_doubts(backend: Backend) -> list[str]:
    parameters = backend.parameters
    length, doubts = float(parameters["scan_length"]), list[str]()
    if length > LONG_SCAN_S:
        doubts.append(f"scan_length is {length:g} s, {length / 3600:.1f} h; is it meant so?")
    if "exposure" not in parameters.names:
        return doubts
    exposure = float(parameters["exposure"])
    if exposure > length:
        doubts.append(f"one exposure of {exposure:g} s is longer than the scan of {length:g} s")
    elif (
        exposure > 0
        and abs(length / exposure - round(length / exposure)) > 1e-6 * length / exposure
    ):
        doubts.append(
            f"scan_length {length:g} s is no multiple of exposure {exposure:g} s; the last one is cut off"
        )
    return doubts


def _rounding_doubts(backend: Backend) -> list[str]:
    if "exposure" not in backend.parameters.names:
        return []
    wanted, taken = float(backend.parameters["exposure"]), backend.status_values.get("EXPOSURE")
    if (
        not isinstance(taken, int | float)
        or not wanted
        or abs(taken - wanted) <= ROUNDED_BY * wanted
    ):
        return []
    percent = 100 * (taken / wanted - 1)
    return [
        f"the hardware takes an exposure of {taken:g} s, {percent:+.1f} % off the {wanted:g} s that are set"
    ]


class StatusInMemory(StatusBuffer):
    """The cards as a dictionary: the same checks, the same values read back, no segment."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}

    def read(self) -> dict[str, Value]:
        return dict(self._values)

    def get(self, key: str, default: Value | None = None) -> Value | None:
        return self._values.get(key.upper(), default)

    def update(self, values: Mapping[str, object], reserve: int = 0) -> None:
        fresh = {check_keyword(key): value for key, value in values.items()}
        self._values.update(
            {key: _as_read(key, type(value), value) for key, value in fresh.items()}
        )

    def remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._values.pop(key.upper(), None)

    def clear(self) -> None:
        self._values.clear()

    def damage(self) -> list[Damage]:
        return []

    def snapshot(self) -> bytes:
        raise RefusedError("a plan has no status memory to be repaired")

    def close(self) -> None:
        """Nothing to detach from."""

    def unlink(self) -> None:
        """Nothing to remove."""


@lru_cache(4096)
def _as_read_of_hashable(key: str, _kind: type, value: Any) -> Value:
    card = read_card(write_card(key, value))
    assert card is not None
    return card.value


def _as_read(key: str, kind: type, value: Any) -> Value:
    """A value as it is read back from its card; CardError if it has none."""
    if kind in (bool, int, float, str):
        return _as_read_of_hashable(key, kind, value)
    return _as_read_of_hashable.__wrapped__(key, kind, value)


class _PastClock(SystemClock):
    """The virtual clock, or while a scan is brought forward the moment at which something was
    due."""

    behind = 0.0

    def time(self) -> float:
        return super().time() - self.behind

    def monotonic(self) -> float:
        return super().monotonic() - self.behind


class _ModelEnding(ScanEnding):
    """The end of a scan that takes no data, as those of the array would end."""

    def _judge(self, ended: ScanOutcome, error: str, report: ScanReport) -> Verdict:
        return Verdict(ScanOutcome.FAILED if error else ended, error)


class _Scan(ScanControl):
    """Scans that are brought forward by `catch_up` instead of by a thread."""

    def __init__(
        self,
        status: StatusBuffer,
        programs: Programs,
        log: Log,
        reports: ScanReports,
        tell: Callable[[JsonObject], None],
    ) -> None:
        self._past = _PastClock()
        self._last_steps: list[
            tuple[float, Callable[[], object]]
        ] = []  # of a scan that ends, with their unix times
        self._is_written = False
        super().__init__(status, programs, log, clock=self._past, reports=reports, tell=tell)

    def _run(self, *_scan: object) -> None:
        self._is_written = False

    def _await_idle(self, what: str) -> None:
        while self.step() is not None:
            """One step after the other."""

    def step(self) -> float | None:
        if self._state is not ScanState.ENDING:
            return super().step()
        _, do_last = self._last_steps.pop(0)
        do_last()
        return 0.0 if self._last_steps else None

    def _end(self, ended: ScanOutcome, error: str = "", stop_within: float | None = None) -> None:
        """End a scan; one whose time is over in the steps, and in the time, of a real one."""
        end = functools.partial(super()._end, ended, error, stop_within)
        if ended is not ScanOutcome.DONE or error:
            end()
            return
        now = self._past.time()
        self._status.update({"ARMSTATE": "idle", "DISKSTAT": "-"})
        self._last_steps = [
            (now + STOPPED_AFTER_S, lambda: self._programs.send("STOP")),
            (now + IDLE_AFTER_S, end),
        ]

    def _make_ending(self) -> ScanEnding:
        return _ModelEnding(
            self._status, self._programs, self._log, self._board, self._clock, self._watch
        )

    def catch_up(self) -> None:
        """Do what became due up to now, each as at its time."""
        before = None
        while (
            (due := self.next_change()) is not None
            and due <= time.time()
            and (due, self._state) != before
        ):
            before = due, self._state
            self._past.behind = time.time() - due
            try:
                self.step()
            finally:
                self._past.behind = 0.0
        self._show()

    def _show(self) -> None:
        """Write to the status memory what a scan that goes on by itself writes there."""
        plan, now = self._plan, time.time()
        if plan is None or self._state not in (
            ScanState.ARMED,
            ScanState.WAITING,
            ScanState.RUNNING,
        ):
            return
        since = now - plan.start.timestamp()
        left = max(math.floor(plan.length - since), 0)
        values: dict[str, Value] = {"SCANREM": left} if self._status.get("SCANREM") != left else {}
        if self._state is ScanState.RUNNING and since > 0 and not self._is_written:
            values["DISKSTAT"], self._is_written = "writing", True
        if values:
            self._status.update(values)

    def next_change(self) -> float | None:
        """When it goes on by itself, unix time."""
        plan = self._plan
        if plan is None:
            return None
        if self._state is ScanState.ENDING:
            return self._last_steps[0][0]
        start = plan.start.timestamp()
        return {
            ScanState.ARMED: start - COMMIT_BEFORE_S,
            ScanState.WAITING: start - ARM_BEFORE_S,
            ScanState.RUNNING: start
            + plan.length
            + END_AFTER_S,  # there is no program that ends it
        }.get(self._state)

    def tell(self) -> str:
        """Tell what is going to run."""
        plan = self._plan
        assert plan is not None
        end = time.gmtime(plan.start.timestamp() + plan.length)
        return (
            f"scan {plan.number} from {plan.start:%Y-%m-%d %H:%M:%S} to {time.strftime('%H:%M:%S', end)} UTC, "
            f"{plan.length:g} s"
        )

    def doubts(self) -> list[str]:
        """Return what is doubtful about its start."""
        plan = self._plan
        ahead = 0.0 if plan is None else plan.start.timestamp() - time.time()
        return [f"the scan begins only in {ahead / 3600:.1f} h"] if ahead > FAR_AHEAD_S else []
