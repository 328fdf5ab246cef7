"""A job as everybody sees it: request, states, events, and which event tells a state. No processes.

A job is one run of a profile on an input file. Events are numbered from 1 in each job; the last one has
a final state, and nothing follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from gateways.difx.errors import JobError
from groundwork.values import JsonObject

__all__ = [
    "INPUT_SUFFIX",
    "JobEvent",
    "JobEventKind",
    "JobMode",
    "JobNodes",
    "JobRequest",
    "JobState",
    "JobSummary",
    "Refusal",
    "Severity",
    "TimeReached",
    "job_name",
]

INPUT_SUFFIX = ".input"


def job_name(path: str) -> str:
    """Return the name of the job of an input file: without folder and `.input`."""
    return PurePosixPath(path).name.removesuffix(INPUT_SUFFIX)


class JobMode(StrEnum):
    """Modes of a start: what is done of check and run."""

    RUN = "run"
    MONITOR = "monitor"
    CHECK = "check"
    RUN_IF_VALID = "run_if_valid"

    @property
    def stops_at_fault(self) -> bool:
        """A check that fails ends the job."""
        return self in (JobMode.CHECK, JobMode.RUN_IF_VALID)


class JobState(StrEnum):
    """State of a job. The last eight are final.

    CHECKED: the check passed, and no more was asked for. INVALID: the check failed, and ended the
    job. WITH_ERRORS: its program ended well, but reported errors. REFUSED: not begun. LOST: the
    gateway ended while it ran.
    """

    QUEUED = "queued"
    CONFIGURING = "configuring"
    RUNNING = "running"
    FINISHING = "finishing"
    STOPPING = "stopping"
    FINISHED = "finished"
    WITH_ERRORS = "with_errors"
    FAILED = "failed"
    STOPPED = "stopped"
    REFUSED = "refused"
    CHECKED = "checked"
    INVALID = "invalid"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Nothing can follow."""
        return self in _FINAL


_FINAL = frozenset(list(JobState)[5:])


class JobEventKind(StrEnum):
    """Kind of an event, in the order in which they may come.

    STATE comes whenever the state changes, and at least every few seconds. OMITTED stands where
    events of OUTPUT and STATE were left out for a reader that is slow.
    """

    ACCEPTED = "accepted"
    PARAMETER_CHECK = "parameter_check"
    CONFIG_CHECK = "config_check"
    CONFIG_NOT_FOUND = "config_not_found"
    CONFIG_PASSED = "config_passed"
    CONFIG_FAILED = "config_failed"
    PARAMETERS_VALID = "parameters_valid"
    DELETING_OUTPUT = "deleting_output"
    STARTING = "starting"
    OUTPUT = "output"
    STATE = "state"
    OMITTED = "omitted"
    REFUSED = "refused"
    COMPLETE = "complete"
    ENDED = "ended"


class Severity(StrEnum):
    """Severity of a line."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Refusal(StrEnum):
    """Reason why a job is not begun."""

    NO_MANAGER = "no_manager"
    NO_SOURCES = "no_sources"
    NO_PROCESSORS = "no_processors"
    NO_INPUT = "no_input"
    INPUT_NOT_FOUND = "input_not_found"
    NAME_TOO_LONG = "name_too_long"
    OUTPUT_EXISTS = "output_exists"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNodes:
    """Nodes of a job.

    Attributes:
        manager: Head node; empty: none.
        sources: Of data.
        processors: Name and threads of each.
    """

    manager: str = ""
    sources: tuple[str, ...] = ()
    processors: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> JobNodes:
        """Read them from JSON; JobError: they are none."""
        unknown = set(told) - {"manager", "sources", "processors"}
        try:
            read = cls(
                manager=told.get("manager", ""),
                sources=tuple(told.get("sources", ())),
                processors=tuple((name, threads) for name, threads in told.get("processors", ())),
            )
        except (TypeError, ValueError):
            unknown = {"?"}
        names = [] if unknown else [read.manager, *read.sources, *(n for n, _ in read.processors)]
        if (
            unknown
            or not all(isinstance(name, str) for name in names)
            or not all(type(threads) is int and threads >= 0 for _, threads in read.processors)
        ):
            raise JobError(
                f"nodes are manager (text), sources (list of texts) and processors (list of name and "
                f"threads), not {told!r:.200}"
            )
        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A start.

    Attributes:
        input: Path of the input file, in the clients' "/".
        profile: Runner profile; empty: the first of the configuration.
        mode: Of check and run.
        nodes: None: nobody asks for nodes, and their presence is not tested.
        force: Output that exists is removed first.
        restart_s: Start so far into the job, s.
    """

    input: str
    profile: str = ""
    mode: JobMode = JobMode.RUN
    nodes: JobNodes | None = None
    force: bool = False
    restart_s: int = 0

    def describe(self) -> JsonObject:
        """Return it as JSON: the arguments of the operation that starts a job."""
        return asdict(self) | {"mode": self.mode.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReached:
    """Progress in the time of the data, as MJD.

    Attributes:
        reached: So far; None: not known.
        start: Of the job, planned.
        stop: Of the job, planned.
        weights: Fraction of valid data of each source; None: unknown.
    """

    reached: float | None = None
    start: float | None = None
    stop: float | None = None
    weights: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        job: Identity of the job, which is that of its operation.
        number: From 1, without gaps as the job tells them; of OMITTED that of the last one left out.
        time: Unix seconds, UTC.
        kind: See JobEventKind.
        state: Of the job, then.
        text: Line of output, or a sentence; one line, may be empty.
        severity: Of the text.
        refusal: Of REFUSED.
        fraction: Of the work, 0..1; None: not known.
        reached: In the time of the data.
    """

    job: str
    number: int
    time: float
    kind: JobEventKind
    state: JobState
    text: str = ""
    severity: Severity = Severity.INFO
    refusal: Refusal | None = None
    fraction: float | None = None
    reached: TimeReached = field(default_factory=TimeReached)

    @property
    def is_last(self) -> bool:
        """Nothing follows."""
        return self.kind is JobEventKind.ENDED

    @property
    def may_be_omitted(self) -> bool:
        """A slow reader may miss it."""
        return self.kind in (JobEventKind.OUTPUT, JobEventKind.STATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """State of a job in a table.

    Attributes:
        id: Of the job and its operation.
        name: As `job_name` of its input.
        input: Path in the clients' "/".
        profile: Runner profile.
        mode: Of check and run.
        state: Now.
        text: Last sentence on it.
        client: On whose behalf it runs.
        fraction: Of the work, 0..1; None: not known.
        begun: Unix seconds, UTC.
        changed: When the state became this.
        exit_status: Of its program; negative: the signal; None: it has not ended, or there was none.
        errors: Lines of errors.
        weights: Fraction of valid data of each source; None: unknown.
        sources: Names of the sources, if the request has them.
    """

    id: str
    name: str
    input: str
    profile: str
    mode: JobMode
    state: JobState
    text: str
    client: str
    fraction: float | None
    begun: float
    changed: float
    exit_status: int | None
    errors: int
    weights: tuple[float | None, ...] = ()
    sources: tuple[str, ...] = ()

    def describe(self) -> JsonObject:
        """Return it as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "mode": self.mode.value,
            "state": self.state.value,
            "weights": list(self.weights),
            "sources": list(self.sources),
        }
