"""Values that Players publish, and states of jobs, as messages of a DiFX network. No sockets, no clock.

A value that is not as its property's page says gives no message: it is a stranger's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState, TimeReached
from gateways.difx.protocol.messagebodies import (
    Alert,
    AlertSeverity,
    Body,
    DiagnosticBody,
    DiagnosticType,
    DifxState,
    Info,
    JobStateBody,
    Load,
    Mark5State,
    Mark5Status,
    Smart,
    encoded,
)
from gateways.difx.protocol.messages import EncodedMessage
from groundwork.values import JsonObject, JsonValue

__all__ = ["DIFX_STATES", "EVENTS", "STATES", "Publications", "job_messages", "mjd_of"]

_UNIX_EPOCH_MJD = 40587
_DAY_S = 86400.0
_PROGRAM = "dealer-player"
"""Identifier of messages that are about no job."""
_KIB = 1024
_MAX_SOURCES = 10_000

DIFX_STATES: Mapping[JobState, tuple[DifxState, ...]] = {
    JobState.QUEUED: (DifxState.SPAWNING,),
    JobState.CONFIGURING: (DifxState.STARTING,),
    JobState.RUNNING: (DifxState.RUNNING,),
    JobState.FINISHING: (DifxState.ENDING,),
    JobState.STOPPING: (DifxState.TERMINATING,),
    JobState.FINISHED: (DifxState.DONE, DifxState.MPI_DONE),
    JobState.WITH_ERRORS: (DifxState.DONE, DifxState.MPI_DONE),
    JobState.FAILED: (DifxState.ABORTING, DifxState.CRASHED),
    JobState.STOPPED: (DifxState.TERMINATED,),
    JobState.REFUSED: (DifxState.TERMINATED,),
    JobState.CHECKED: (DifxState.TERMINATED,),  # nothing was correlated: not 100 %
    JobState.INVALID: (DifxState.ABORTING, DifxState.CRASHED),
    JobState.LOST: (DifxState.CRASHED,),
}
"""States as DiFX names them; where there are two, they follow each other."""
_TOLD_KINDS = frozenset(
    {JobEventKind.ACCEPTED, JobEventKind.STARTING, JobEventKind.STATE, JobEventKind.ENDED}
)

_SEVERITIES: Mapping[str, AlertSeverity] = {
    "critical": AlertSeverity.SEVERE,
    "error": AlertSeverity.ERROR,
    "warning": AlertSeverity.WARNING,
    "info": AlertSeverity.INFO,
    "debug": AlertSeverity.DEBUG,
}

_KNOWN_STATES = frozenset(DifxState)
_OUTCOMES: Mapping[str, tuple[DifxState, ...]] = {
    "starting": (DifxState.STARTING,),
    "waiting": (DifxState.STARTING,),
    "running": (DifxState.RUNNING,),
    "done": (DifxState.DONE, DifxState.MPI_DONE),
    "incomplete": (DifxState.DONE, DifxState.MPI_DONE),
    "stopped": (DifxState.TERMINATED,),
    "aborted": (DifxState.TERMINATED,),
    "failed": (DifxState.ABORTING, DifxState.CRASHED),
}
_FINAL_OUTCOMES = frozenset({"done", "incomplete", "stopped", "aborted", "failed"})
_UNIT_STATES: Mapping[str, Mark5State] = {
    "idle": Mark5State.IDLE,
    "monitor": Mark5State.PLAY,
    "playing": Mark5State.PLAY,
    "recording": Mark5State.RECORDING,
    "running": Mark5State.RECORDING,
    "error": Mark5State.ERROR,
}
"""State of a Bank or recorder; any other is busy."""


def mjd_of(unix_s: float) -> float:
    """Return the modified Julian date of a time, UTC."""
    return _UNIX_EPOCH_MJD + unix_s / _DAY_S


def job_messages(sender: str, name: str, path: str, event: JobEvent) -> list[EncodedMessage]:
    """Return the messages of an event of a job; none of those that tell no state.

    Args:
        sender: Name of the gateway.
        name: Of the job.
        path: Of its input file, as clients see it.
        event: What happened.
    """
    if event.kind not in _TOLD_KINDS:
        return []
    is_final = event.state.is_final
    return [
        encoded(
            sender,
            _status(state, event.text, event.reached, path),
            identifier=name,
            mpi_id=0,
            is_final=is_final,
        )
        for state in DIFX_STATES[event.state]
    ]


def _status(state: DifxState, text: str, reached: TimeReached, path: str | None) -> JobStateBody:
    return JobStateBody(
        input=path,
        state=state,
        message=text,
        visibility_mjd=reached.reached or 0.0,
        start_mjd=reached.start,
        stop_mjd=reached.stop,
        weights=tuple((ant, wt) for ant, wt in enumerate(reached.weights) if wt is not None),
    )


@dataclass(slots=True)
class Publications:
    """Translator of what any number of Players publish.

    Attributes:
        gateway: Name of the Bank whose jobs are told in another way.
    """

    gateway: str = ""
    _scans: dict[str, tuple[object, str]] = field(default_factory=dict)
    """Source -> identity of its last scan, and the state that was told of it."""

    def read(self, source: str, name: str, value: JsonValue, time: float) -> list[EncodedMessage]:
        """Return the messages of an update.

        Args:
            source: Player.
            name: Of the property.
            value: Of it.
            time: When it was published, UTC, unix seconds.
        """
        if name == "scan" and isinstance(value, dict):
            return list(self._scan(source, value, time))
        if name == "job" and isinstance(value, dict) and source != self.gateway:
            return list(_job(source, value))
        reader = _READERS.get(name)
        if reader is None:
            return []
        return [encoded(source, body, identifier=_PROGRAM) for body in reader(value, time)]

    def lost(self, source: str, why: str) -> list[EncodedMessage]:
        """Return the message of a Player that is not heard of any more."""
        alert = Alert(text=f"{source} is not heard of: {why}", severity=AlertSeverity.FATAL)
        return [encoded(source, alert, identifier=_PROGRAM)]

    def back(self, source: str) -> list[EncodedMessage]:
        """Return the message of a Player that is heard of again."""
        alert = Alert(text=f"{source} is heard of again", severity=AlertSeverity.INFO)
        return [encoded(source, alert, identifier=_PROGRAM)]

    def _scan(self, source: str, told: JsonObject, time: float) -> Iterator[EncodedMessage]:
        """Yield what a spectrometer Bank's `scan` tells: state of the scan, and of the Bank."""
        number, outcome = told.get("scan"), _text(told, "outcome")
        state = _text(told, "state")
        identity = told.get("start_id") or number
        name = "" if number is None else f"{source}_{_whole(told, 'scan')}"
        reached = _scan_time(told)
        yield encoded(source, _unit_status(state, outcome, name, reached), identifier=_PROGRAM)
        states = _OUTCOMES.get(outcome, ())
        if not states or not name:
            return
        if state == "ending" and outcome == "running":
            states = (DifxState.ENDING,)
        known = self._scans.get(source)
        if known is None and outcome in _FINAL_OUTCOMES:  # it ended before anybody looked
            self._keep(source, identity, outcome)
            return
        if known is None or known[0] != identity:
            states = (DifxState.SPAWNING, *states)
        elif known[1] == outcome and outcome in _FINAL_OUTCOMES:
            return
        self._keep(source, identity, outcome)
        text = _text(told, "error") or _text(told, "warning") or _text(told, "ended_by")
        for each in states:
            yield encoded(
                source,
                _status(each, text, reached, None),
                identifier=name,
                mpi_id=0,
                is_final=outcome in _FINAL_OUTCOMES,
            )
        if dropped := _whole(told, "dropped"):
            lost = DiagnosticBody(kind=DiagnosticType.NUM_SUBINTS_LOST, values=(dropped,))
            yield encoded(source, lost, identifier=name)

    def _keep(self, source: str, identity: object, outcome: str) -> None:
        if source not in self._scans and len(self._scans) >= _MAX_SOURCES:
            self._scans.pop(next(iter(self._scans)))
        self._scans[source] = identity, outcome


def _job(source: str, told: JsonObject) -> Iterator[EncodedMessage]:
    """Yield the states of a job of another gateway."""
    states, weights = told.get("difx_states"), told.get("weights")
    reached = TimeReached(
        reached=_number(told, "reached_mjd"),
        start=_number(told, "start_mjd") or None,
        stop=_number(told, "stop_mjd") or None,
        weights=tuple(
            float(each) if isinstance(each, int | float) else None
            for each in (weights if isinstance(weights, list) else ())
        ),
    )
    for state in states if isinstance(states, list) else ():
        if state in _KNOWN_STATES:
            status = _status(DifxState(state), _text(told, "text"), reached, _text(told, "input"))
            yield encoded(
                source,
                status,
                identifier=_text(told, "name"),
                mpi_id=0,
                is_final=told.get("is_final") is True,
            )


def _unit_status(state: str, outcome: str, scan: str, reached: TimeReached) -> Mark5Status:
    found = _UNIT_STATES.get(state, Mark5State.BUSY)
    if state == "idle" and outcome == "failed":
        found = Mark5State.ERROR
    return Mark5Status(state=found, scan_name=scan, data_mjd=reached.reached or 0.0)


def _scan_time(told: JsonObject) -> TimeReached:
    start, length = _moment(told.get("start")), _number(told, "scan_length")
    if start is None:
        return TimeReached()
    fraction = min(max(_number(told, "fraction"), 0.0), 1.0)
    packets, lost = _number(told, "packets"), _number(told, "packets_lost")
    weight = 1.0 - lost / (packets + lost) if packets + lost > 0 else None
    return TimeReached(
        reached=mjd_of(start + fraction * length),
        start=mjd_of(start),
        stop=mjd_of(start + length),
        weights=(weight,),
    )


def _moment(fields: JsonValue) -> float | None:
    """Return a time of `[Y, M, D, h, m, s, us]`, UTC, as unix seconds."""
    if not isinstance(fields, list) or not 3 <= len(fields) <= 7:
        return None
    if not all(type(each) is int for each in fields):
        return None
    try:
        return datetime(*fields).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _load(value: JsonValue, _time: float) -> Iterator[Body]:
    if not isinstance(value, dict):
        return
    yield Load(
        cpu_load=_number(value, "load"),
        total_memory=_whole(value, "memory_bytes") // _KIB,
        used_memory=_whole(value, "used_bytes") // _KIB,
        rx_rate=_whole(value, "received_per_s"),
        tx_rate=_whole(value, "sent_per_s"),
        cores=_whole(value, "cores"),
    )
    if size := _whole(value, "player_bytes"):
        yield DiagnosticBody(kind=DiagnosticType.MEMORY_USAGE, values=(size,))


def _log(value: JsonValue, _time: float) -> Iterator[Body]:
    if isinstance(value, dict):
        level = _text(value, "level").lower()
        severity = _SEVERITIES.get(level, AlertSeverity.INFO)
        yield Alert(text=_text(value, "text"), severity=severity)


def _operations(value: JsonValue, _time: float) -> Iterator[Body]:
    """Yield a sentence on an operation that has begun or ended; progress is none."""
    if not isinstance(value, dict) or (state := _text(value, "state")) in ("", "running"):
        return
    told = f"operation {_text(value, 'method')}: {state}"
    why = _text(value, "text") or _text(value, "error")
    yield Info(message=f"{told}: {why}" if why else told)


def _notice(value: JsonValue, _time: float) -> Iterator[Body]:
    yield Info(message=value if isinstance(value, str) else _listed(value))


def _analysis(value: JsonValue, _time: float) -> Iterator[Body]:
    """Yield bytes and rate of the events of a histogrammer."""
    if isinstance(value, dict):
        consumed, rate = _whole(value, "bytes"), _whole(value, "byte_rate")
        yield DiagnosticBody(kind=DiagnosticType.DATA_CONSUMED, values=(consumed,))
        yield DiagnosticBody(kind=DiagnosticType.INPUT_DATARATE, values=(rate,))


_DIAGNOSTICS: Mapping[str, tuple[DiagnosticType, tuple[str, ...]]] = {
    "bytes": (DiagnosticType.DATA_CONSUMED, ("bytes",)),
    "bytes_per_s": (DiagnosticType.INPUT_DATARATE, ("bytes_per_s",)),
    "memory_bytes": (DiagnosticType.MEMORY_USAGE, ("memory_bytes",)),
    "lost": (DiagnosticType.NUM_SUBINTS_LOST, ("lost",)),
    "processing_us": (DiagnosticType.PROCESSING_TIME, ("thread", "processing_us")),
    "buffers": (
        DiagnosticType.BUFFER_STATUS,
        ("thread", "buffers", "first_buffer", "active_buffers"),
    ),
}


def _metrics(value: JsonValue, _time: float) -> Iterator[Body]:
    """Yield a diagnostic for each number that a Bank tells of its data."""
    if isinstance(value, dict):
        for name, (kind, names) in _DIAGNOSTICS.items():
            if name in value:
                yield DiagnosticBody(kind=kind, values=tuple(_whole(value, each) for each in names))


def _recorder(value: JsonValue, time: float) -> Iterator[Body]:
    """Yield the state of a recorder, and of its media."""
    if not isinstance(value, dict):
        return
    active = _text(value, "active_bank")
    yield Mark5Status(
        bank_a=_text(value, "medium")[:8] or "none",
        bank_b=_text(value, "second_medium")[:8] or "none",
        active_bank=active if active in ("A", "B") else "",
        state=_UNIT_STATES.get(_text(value, "state"), Mark5State.BUSY),
        scan_number=_whole(value, "scan_number"),
        scan_name=_text(value, "scan"),
        position=_whole(value, "bytes"),
        play_rate=_number(value, "mbit_per_s"),
        data_mjd=_number(value, "data_mjd") or mjd_of(time),
    )


def _disks(value: JsonValue, time: float) -> Iterator[Body]:
    """Yield the health of each disk of a list."""
    for disk in value if isinstance(value, list) else ():
        if not isinstance(disk, dict):
            continue
        found = disk.get("smart")
        values = found.items() if isinstance(found, dict) else ()
        yield Smart(
            mjd=mjd_of(time),
            vsn=_text(disk, "medium")[:8],
            slot=_whole(disk, "slot"),
            values=tuple(
                (int(number), int(each))
                for number, each in values
                if str(number).isdecimal() and isinstance(each, int)
            ),
        )


_READERS: Mapping[str, Callable[[JsonValue, float], Iterator[Body]]] = {
    "host_load": _load,
    "log": _log,
    "operations": _operations,
    "analysis": _analysis,
    "metrics": _metrics,
    "recorder": _recorder,
    "disks": _disks,
    "notice": _notice,
    "run_changed": _notice,
}
STATES = ("scan", "job", "recorder", "host_load")
"""Properties that tell how something stands, of any Player."""
EVENTS = tuple(name for name in _READERS if name not in STATES)
"""The others that are looked at; a flood of these costs no state."""


def _text(values: JsonObject, name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""


def _number(values: JsonObject, name: str) -> float:
    found = values.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    try:
        number = float(found)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _whole(values: JsonObject, name: str) -> int:
    return int(_number(values, name))


def _listed(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return str(value)
