"""Files of what is known of jobs, one each, which outlive the gateway. No processes."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

from gateways.difx.jobs import KEPT_JOBS, Job
from gateways.difx.protocol.jobs import JobMode, JobNodes, JobRequest, JobState
from groundwork.values import JsonObject
from groundwork.wholefiles import replace_file

__all__ = ["JobRecords"]

_UNFIT = re.compile(r"[^A-Za-z0-9-]")

log = logging.getLogger(__name__)


class JobRecords:
    """Records of the jobs of one Bank.

    Args:
        folder: Where they are; made when it is needed. None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def save(self, job: Job) -> None:
        """Keep what is known of a job now; a disk that is full is told in the log."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._path(job), json.dumps(_describe(job)) + "\n")
        except OSError as error:
            log.warning(
                "job %s is not recorded, and unknown after a restart: %s", job.name, error.strerror
            )

    def load(self) -> list[Job]:
        """Return the jobs of earlier runs of the gateway, the oldest first; too old ones are
        forgotten."""
        found: list[Job] = []
        for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
            try:
                found.append(_read(json.loads(path.read_bytes())))
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("%s is no record of a job, and is passed over: %s", path, error)
        found.sort(key=lambda job: job.begun)
        for job in found[:-KEPT_JOBS]:
            self._path(job).unlink(missing_ok=True)
        return found[-KEPT_JOBS:]

    def _path(self, job: Job) -> Path:
        assert self._folder is not None
        return self._folder / f"{int(1000 * job.begun):014d}-{_UNFIT.sub('_', job.id)[:100]}.json"


def _describe(job: Job) -> JsonObject:
    return {
        "id": job.id,
        "request": job.request.describe(),
        "client": job.client,
        "begun": job.begun,
        "state": job.state.value,
        "text": job.text,
        "fraction": job.fraction,
        "exit_status": job.exit_status,
        "errors": job.errors,
        "changes": [[at, state.value, text] for at, state, text in job.changes],
    }


def _read(told: dict[str, Any]) -> Job:
    request = dict(told["request"])
    nodes = request.pop("nodes")
    nodes = None if nodes is None else JobNodes.read(nodes)
    request["mode"] = JobMode(request["mode"])
    job = Job(
        id=str(told["id"]),
        request=JobRequest(nodes=nodes, **request),
        client=told["client"],
        begun=float(told["begun"]),
        state=JobState(told["state"]),
        text=told["text"],
        fraction=told["fraction"],
        exit_status=told["exit_status"],
        errors=told["errors"],
        changes=[(at, JobState(state), text) for at, state, text in told["changes"]],
    )
    job.changed = job.changes[-1][0] if job.changes else job.begun
    return job
