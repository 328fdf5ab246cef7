"""States of jobs as they were recorded: by the gateway, else in a `.difxlog`."""

from __future__ import annotations

from dataclasses import dataclass

from gateways.difx.errors import FileFaultError
from gateways.difx.files import DifxFiles
from gateways.difx.joblog import last_logged_status, status_record
from gateways.difx.jobs import Job, JobTable
from gateways.difx.protocol.jobs import INPUT_SUFFIX
from gateways.difx.protocol.publications import DIFX_STATES

__all__ = ["RecordedStatus", "recorded_statuses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStatus:
    """Status of the job of an input file.

    Attributes:
        path: Of the input file.
        records: Time of 24 characters, directly followed by state and text; the last, or all.
        has_log: Anything was ever recorded of it.
    """

    path: str
    records: tuple[str, ...]
    has_log: bool


def recorded_statuses(
    files: DifxFiles, jobs: JobTable, pattern: str, *, is_short: bool
) -> list[RecordedStatus]:
    """Return the states of the jobs whose input files fit a pattern.

    Args:
        files: Where they are.
        jobs: What the gateway knows.
        pattern: Path with wildcards; files that do not end in `.input` are passed over.
        is_short: Only the last state of each.

    Raises:
        FileFaultError: No path.
    """
    paths = [entry.path for entry in files.find(pattern) if not entry.is_folder]
    return [
        _status(files, jobs.last(files.canonical(path)), path, is_short=is_short)
        for path in paths
        if path.endswith(INPUT_SUFFIX)
    ]


def _status(files: DifxFiles, job: Job | None, path: str, *, is_short: bool) -> RecordedStatus:
    if job is not None and job.changes:
        records = [
            status_record(at, state, text)
            for at, job_state, text in job.changes
            for state in DIFX_STATES[job_state]
        ]
        kept = records[-1:] if is_short else records
        return RecordedStatus(path=path, records=tuple(kept), has_log=True)
    try:
        last = last_logged_status(files.roots, path)
    except FileFaultError:
        return RecordedStatus(path=path, records=(), has_log=False)
    return RecordedStatus(path=path, records=() if last is None else (last.record,), has_log=True)
