"""The jobs of a gateway: what is known of each, its events, and who follows them. No processes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateways.difx.errors import JobError
from gateways.difx.following import MAX_EVENTS, JobFollower
from gateways.difx.protocol.jobs import (
    JobEvent,
    JobEventKind,
    JobRequest,
    JobState,
    JobSummary,
    Severity,
    TimeReached,
    job_name,
)

__all__ = ["Job", "JobTable"]

KEPT_LINES = 200
"""Last events of OUTPUT and STATE of a job, for readers that come later."""
KEPT_MESSAGES = 200
"""Last events of a job that say something, after its end too."""
KEPT_JOBS = 200
"""Jobs that have ended and are remembered."""

Listener = Callable[["Job", JobEvent], None]


@dataclass(eq=False)
class Job:
    """One job. Thread-safe.

    Attributes:
        id: Identity; that of its operation.
        request: What was asked for.
        client: On whose behalf.
        on_event: Told of each event, in the thread that tells it, in order.
        begun: Unix seconds, UTC.
        state: Now.
        text: Last sentence on it.
        fraction: Of the work.
        reached: In the time of the data.
        exit_status: See JobSummary.
        errors: Lines of errors.
        changes: Each state so far: time (unix seconds, UTC), state, sentence.
    """

    id: str
    request: JobRequest
    client: str = ""
    on_event: Listener = lambda _job, _event: None
    begun: float = field(default_factory=time.time)
    state: JobState = JobState.QUEUED
    text: str = ""
    fraction: float | None = None
    reached: TimeReached = field(default_factory=TimeReached)
    exit_status: int | None = None
    errors: int = 0
    changes: list[tuple[float, JobState, str]] = field(default_factory=list)
    stop_reason: str = ""
    """Why it was asked to stop; empty: it was not."""

    def __post_init__(self) -> None:
        self.changed = self.begun
        if not self.changes:
            self.changes.append((self.begun, self.state, ""))
        self._lock = threading.RLock()
        self._count = 0
        self._kept: list[JobEvent] = []
        self._lines: deque[JobEvent] = deque(maxlen=KEPT_LINES)
        self._messages: deque[JobEvent] = deque(maxlen=KEPT_MESSAGES)
        self._said = 0
        self._followers: list[JobFollower] = []
        self._hooks: list[Callable[[], None]] = []
        self._ended = threading.Event()
        self._summary = self._summarize()

    @property
    def name(self) -> str:
        """Name of the job: that of its input file."""
        return job_name(self.request.input)

    def summary(self) -> JobSummary:
        """Return what is known of it, as of one moment; waits for nobody."""
        return self._summary

    def messages(self) -> tuple[list[JobEvent], int]:
        """Return its last events with a text, the oldest first, and how many were before them."""
        with self._lock:
            return list(self._messages), self._said - len(self._messages)

    def _summarize(self) -> JobSummary:
        return JobSummary(
            id=self.id,
            name=self.name,
            input=self.request.input,
            profile=self.request.profile,
            mode=self.request.mode,
            state=self.state,
            text=self.text,
            client=self.client,
            fraction=self.fraction,
            begun=self.begun,
            changed=self.changed,
            exit_status=self.exit_status,
            errors=self.errors,
            weights=self.reached.weights,
            sources=self.request.nodes.sources if self.request.nodes is not None else (),
        )

    # for whoever follows it

    def follow(self, most: int = MAX_EVENTS) -> JobFollower:
        """Return a reader of its events, from the first one on; of lines of output the last are kept.

        Close it, or read to the end.

        Args:
            most: See Follower.
        """
        with self._lock:
            follower = JobFollower(most, self._forget)
            for event in sorted([*self._kept, *self._lines], key=lambda each: each.number):
                follower.put(event)
            if not self.state.is_final:
                self._followers.append(follower)
        return follower

    def _forget(self, follower: JobFollower) -> None:
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)

    def stop(self, reason: str) -> bool:
        """Ask it to stop, and return at once; False: it has ended.

        One that waits for its turn ends at once.
        """
        with self._lock:
            if self.state.is_final:
                return False
            if self.stop_reason:
                return True
            self.stop_reason = reason
            if self.state is JobState.QUEUED:
                self.end(JobState.STOPPED, reason)
                return True
            hooks = list(self._hooks)
        for hook in hooks:
            hook()
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end; False: it has not ended within `timeout` s."""
        return self._ended.wait(timeout)

    # for whoever runs it

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Call `hook` when it is asked to stop; at once, if it was."""
        with self._lock:
            self._hooks.append(hook)
            is_due = bool(self.stop_reason)
        if is_due:
            hook()

    def tell(
        self,
        kind: JobEventKind,
        text: str = "",
        *,
        state: JobState | None = None,
        severity: Severity = Severity.INFO,
        **more: object,
    ) -> None:
        """Tell an event; nothing is told after the last one.

        Args:
            kind: Its kind.
            text: One line.
            state: The new one; None: as before.
            severity: Of the text.
            **more: Further attributes of the event.
        """
        with self._lock:
            if self._ended.is_set():
                return
            if state is not None and state is not self.state:
                self.state, self.changed, self.text = state, time.time(), text
                self.changes.append((self.changed, state, text))
            if text and kind is not JobEventKind.OUTPUT:
                self.text = text
            self.errors += severity is Severity.ERROR and kind is JobEventKind.OUTPUT
            self._count += 1
            self._summary = self._summarize()
            event = JobEvent(
                job=self.id,
                number=self._count,
                time=time.time(),
                kind=kind,
                state=self.state,
                text=text,
                severity=severity,
                fraction=self.fraction,
                reached=self.reached,
                **more,  # type: ignore[arg-type]  # names of attributes of an event
            )
            (self._lines if event.may_be_omitted else self._kept).append(event)
            if text:
                self._messages.append(event)
                self._said += 1
            for follower in list(self._followers):
                follower.put(event)
            self.on_event(self, event)
            if event.is_last:
                self._followers.clear()
                self._ended.set()

    def enter(self, state: JobState, text: str = "") -> None:
        """Take a new state that is not final, and tell it."""
        self.tell(JobEventKind.STATE, text, state=state)

    def report(
        self,
        fraction: float | None = None,
        reached: TimeReached | None = None,
        text: str = "",
    ) -> None:
        """Tell how far it is."""
        with self._lock:
            self.fraction = self.fraction if fraction is None else min(max(fraction, 0.0), 1.0)
            self.reached = self.reached if reached is None else reached
            self.tell(JobEventKind.STATE, text)

    def end(self, state: JobState, text: str = "") -> None:
        """Give it its final state; without effect if it has one."""
        severity = Severity.INFO
        if state in (JobState.FAILED, JobState.INVALID, JobState.LOST, JobState.REFUSED):
            severity = Severity.ERROR
        elif state is JobState.WITH_ERRORS:
            severity = Severity.WARNING
        with self._lock:
            if state in (JobState.FINISHED, JobState.WITH_ERRORS):
                self.fraction = 1.0
            self.tell(JobEventKind.ENDED, text, state=state, severity=severity)


class JobTable:
    """The jobs of a gateway by identity, in the order in which they came. Thread-safe."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job, most_active: int) -> list[Job]:
        """Take a job up; those that are forgotten for it.

        Args:
            job: A new one.
            most_active: Jobs that may be there at once.

        Raises:
            JobError: There are so many, or one of its input file.
        """
        with self._lock:
            active = [each for each in self._jobs.values() if not each.state.is_final]
            for each in active:
                if each.request.input == job.request.input:
                    raise JobError(
                        f"{job.request.input}: job {each.name} runs already ({each.state.value}); "
                        "stop it first, or wait for its end"
                    )
            if len(active) >= most_active:
                raise JobError(
                    f"{job.request.input}: {len(active)} jobs run already, as many as max_jobs "
                    "allows; wait for the end of one"
                )
            self._jobs[job.id] = job
            ended = [key for key, each in self._jobs.items() if each.state.is_final]
            return [self._jobs.pop(key) for key in ended[: max(len(ended) - KEPT_JOBS, 0)]]

    def keep(self, job: Job) -> None:
        """Take up a job that has ended, of an earlier run of the gateway."""
        with self._lock:
            self._jobs[job.id] = job

    def __getitem__(self, identity: str) -> Job:
        """Return a job; JobError: there is none of this identity."""
        with self._lock:
            found = self._jobs.get(identity)
        if found is None:
            raise JobError(f"no job {identity!r:.100} is known here")
        return found

    def __iter__(self) -> Iterator[Job]:
        """Yield all, the oldest first."""
        with self._lock:
            jobs = list(self._jobs.values())
        return iter(jobs)

    def active(self, path: str) -> Job | None:
        """Return the job of an input file that has not ended; None: there is none."""
        return next(
            (job for job in self if job.request.input == path and not job.state.is_final), None
        )

    def last(self, path: str) -> Job | None:
        """Return the newest job of an input file; None: none is remembered."""
        return next((job for job in reversed(list(self)) if job.request.input == path), None)
