"""Part of the Bank for Dealers: its jobs, each an operation."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateways.difx.assigning import Assignment
from gateways.difx.errors import JobError
from gateways.difx.jobs import Job
from gateways.difx.parts import absolute, beside
from gateways.difx.protocol.jobs import (
    JobEvent,
    JobEventKind,
    JobMode,
    JobNodes,
    JobRequest,
    JobState,
    Severity,
)
from gateways.difx.service import DifxService
from gateways.difx.status import recorded_statuses
from groundwork.truncation import cut
from zmqjsonproxy import command, current_caller, current_operation, operation, query
from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import OperationHandle

__all__ = ["JobsPart"]

TELL_EVERY_S = 0.25
"""Between two texts of progress, of lines of output."""
MESSAGE_CHARACTERS = 1000
_GOOD = (JobState.FINISHED, JobState.WITH_ERRORS, JobState.CHECKED)


def _request(
    input: str,
    banks: Sequence[str] | None,
    profile: str,
    mode: str,
    force: bool,
    restart_s: int,
    nodes: dict[str, Any] | None,
) -> JobRequest:
    """Return a request of the arguments of `start`; JobError: one is none."""
    if mode not in list(JobMode):
        raise JobError(f"mode is {mode!r:.80}; expected {', '.join(JobMode)}")
    if type(restart_s) is not int or restart_s < 0:
        raise JobError(f"restart_s is {restart_s!r:.80}; expected whole seconds from 0 on")
    if not isinstance(profile, str) or not isinstance(nodes, dict | None):
        raise JobError("profile is a name, and nodes are a table")
    found = None if nodes is None else JobNodes.read(nodes)
    if banks is not None:
        found = replace(found or JobNodes(), sources=tuple(map(str, banks)))
    return JobRequest(
        input=absolute(input),
        profile=profile,
        mode=JobMode(mode),
        nodes=found,
        force=bool(force),
        restart_s=restart_s,
    )


class JobsPart:
    """Jobs of a gateway.

    Args:
        service: The gateway.
    """

    def __init__(self, service: DifxService) -> None:
        self._service = service
        self._handles: dict[str, OperationHandle] = {}
        self._told_at: dict[str, float] = {}

    def _admit(self, handle: OperationHandle, *args: Any, **kwargs: Any) -> None:
        """Take a job up as soon as it is asked for: it has the identity of its operation."""
        given = inspect.signature(self.start).bind(*args, **kwargs)
        given.apply_defaults()
        job = self._service.new_job(_request(*given.args), str(current_caller()), handle.id)
        self._handles[job.id] = handle
        tell = handle.record.on_change

        def stop() -> None:
            job.stop(handle.reason or "aborted")

        def changed(record: Any) -> None:
            if tell is not None:
                tell(record)
            if record.state.is_final:  # also one that was never begun
                self._handles.pop(job.id, None)
                job.end(JobState.REFUSED, str((record.error or {}).get("message", record.state)))

        handle.on_abort(stop)
        handle.record.on_change = changed

    @operation(admit=_admit)
    def start(
        self,
        input: str,
        banks: Sequence[str] | None = None,
        profile: str = "",
        mode: str = "run",
        force: bool = False,
        restart_s: int = 0,
        nodes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run a job to its end; what became of it, as of `list`.

        Args:
            input: Path of its input file.
            banks: Sources of its data; None: as the input says.
            profile: Runner profile; empty: the first of the configuration.
            mode: run, whatever the check says; monitor, with live products; check, and no more;
                run_if_valid, unless the check fails.
            force: Output that exists is removed first.
            restart_s: Start so far into the job, s.
            nodes: manager, sources, processors (each name and threads); None: none are looked at.
        """
        handle = current_operation()
        handle.leave_queue()
        if handle.id:
            job = self._service.jobs[handle.id]
        else:  # called in this process
            request = _request(input, banks, profile, mode, force, restart_s, nodes)
            job = self._service.new_job(request, str(current_caller()))
        self._service.run(job)
        self._told_at.pop(job.id, None)
        if job.state is JobState.STOPPED:
            raise OperationAbortedError(job.stop_reason or job.text)
        if job.state not in _GOOD:
            raise JobError(job.text or job.state.value)
        return job.summary().describe()

    def take(self, job: Job, event: JobEvent) -> None:
        """Tell an event as progress of its operation."""
        handle = self._handles.get(job.id)
        if handle is None or event.is_last:
            return
        is_line = event.kind is JobEventKind.OUTPUT
        if is_line:
            now = time.monotonic()
            if now < self._told_at.get(job.id, -TELL_EVERY_S) + TELL_EVERY_S:
                return
            self._told_at[job.id] = now
        told = event.text if is_line else ": ".join(filter(None, (event.state.value, event.text)))
        handle.progress(event.fraction, told)

    @command(urgent=True, aborts=False)
    def stop(self, input: str, reason: str = "") -> bool:
        """Ask a job to stop, and return at once; False: no job of this input runs.

        Args:
            input: Path of its input file.
            reason: For those who ask what became of it.
        """
        words = reason or f"stopped by {current_caller()}"
        return self._service.stop(absolute(input), words)

    @query
    def status(self, pattern: str, short: bool = True) -> dict[str, list[str]]:
        """Return the recorded states of jobs, by path of their input files.

        Args:
            pattern: Path of input files, with wildcards.
            short: Only the last state of each.
        """
        beside()
        service = self._service
        found = recorded_statuses(service.files, service.jobs, absolute(pattern), is_short=short)
        return {each.path: [*each.records] for each in found}

    @operation
    def assign(
        self,
        input: str,
        manager: str,
        sources: Sequence[str],
        processors: Sequence[Sequence[Any]],
        test: bool = False,
    ) -> dict[str, Any]:
        """Write the machines and threads files of a job.

        Args:
            input: Path of its input file.
            manager: Head node.
            sources: Data sources.
            processors: Name and threads of each.
            test: Leave processors out whose Players do not answer.

        Returns:
            machines and threads, paths; failed, processors that were left out.
        """
        current_operation().leave_queue()
        service = self._service
        nodes = JobNodes.read({"manager": manager, "sources": sources, "processors": processors})
        made = Assignment.plan(service.files, service.players, absolute(input), nodes)
        failed = [name for name, passed in made.test() if not passed] if test else []
        made.check()
        made.write_machines()
        made.write_threads()
        return {"machines": made.machines, "threads": made.threads, "failed": failed}

    @operation
    def prepare(
        self, folder: str, file: str, model_only: bool = False, profile: str = ""
    ) -> list[str]:
        """Prepare jobs; the paths of the files that were made.

        Args:
            folder: Path.
            file: Name of a file in it.
            model_only: Only delay models; `file` is a job without suffix, or a pattern.
            profile: Runner profile; empty: the first of the configuration.
        """
        handle, made = current_operation(), list[str]()
        handle.leave_queue()

        def tell(_severity: Severity, line: str) -> None:
            handle.progress(None, line)

        preparation = self._service.preparation(
            profile,
            absolute(folder),
            file,
            model_only=model_only,
            on_file=made.append,
            on_line=tell,
        )
        handle.on_abort(preparation.stop)
        try:
            preparation.run()
        finally:
            handle.check()
        return made

    @query
    def messages(self, identity: str) -> dict[str, Any]:
        """Return the last 200 messages of a job, of this run of the gateway.

        Args:
            identity: Of the job.

        Returns:
            messages (time, unix seconds; severity; text), the oldest first; earlier, how many came
            before them.
        """
        beside()
        kept, earlier = self._service.jobs[identity].messages()
        told = [
            {
                "time": each.time,
                "severity": each.severity.value,
                "text": cut(each.text, MESSAGE_CHARACTERS),
            }
            for each in kept
        ]
        return {"messages": told, "earlier": earlier}

    @query
    def list(self, active: bool = False) -> list[dict[str, Any]]:
        """Return the jobs that are known, the oldest first.

        Args:
            active: Only those that have not ended.
        """
        beside()
        return [
            job.summary().describe()
            for job in self._service.jobs
            if not (active and job.state.is_final)
        ]
