"""Files of what is known of jobs, one each, which outlive the gateway. No processes."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import re
from pathlib import Path
from typing import Any

from gateways.difx.errors import JobError
from gateways.difx.jobs import KEPT_JOBS, Job
from gateways.difx.protocol.jobs import JobMode, JobNodes, JobRequest, JobState
from groundwork.regularfiles import NotRegularError, open_regular, real_path
from groundwork.values import JsonObject
from groundwork.wholefiles import replace_file

__all__ = ["JobRecords"]

_UNFIT = re.compile(r"[^A-Za-z0-9-]")

MAX_BYTES = 16 << 20
"""Of a record; what is longer is none."""
_LATEST = 253_402_300_799.0
"""End of the year 9999, unix seconds."""

log = logging.getLogger(__name__)


class JobRecords:
    """Records of the jobs of one Bank.

    Args:
        folder: Where they are; made when it is needed. None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._lock = folder, -1

    def open(self) -> None:
        """Take the folder for this process alone: the jobs of another gateway are not lost.

        Raises:
            JobError: Another one has it.
        """
        if self._folder is None:
            log.info("there is no folder for records of jobs: none is known after a restart")
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(
                self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
            )
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise JobError(
                f"another gateway of this name runs here, and has its records in {self._folder}; end "
                "it, or give one of them another name"
            ) from error
        except OSError as error:
            log.warning("records of jobs cannot be kept in %s: %s", self._folder, error.strerror)

    def close(self) -> None:
        """Give the folder back; may be called twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

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
        found: list[tuple[Job, Path]] = []
        for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
            try:
                found.append((_read(_content(path)), path))
            except (
                JobError,
                ValueError,
                TypeError,
                KeyError,
                AttributeError,
                RecursionError,
                ArithmeticError,
            ) as error:
                log.warning("%s is no record of a job, and is passed over: %s", path, error)
        found.sort(key=lambda each: each[0].begun)
        for _, path in found[:-KEPT_JOBS]:
            _remove(path)
        return [job for job, _ in found[-KEPT_JOBS:]]

    def forget(self, job: Job) -> None:
        """Remove the record of a job that is not remembered any more."""
        if self._folder is not None:
            _remove(self._path(job))

    def _path(self, job: Job) -> Path:
        assert self._folder is not None
        return self._folder / f"{int(1000 * job.begun):014d}-{_UNFIT.sub('_', job.id)[:100]}.json"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed, and is one too many: %s", path, error.strerror)


def _content(path: Path) -> Any:
    """Return what is in a record; ValueError: it cannot be read, or is no JSON."""
    try:
        descriptor = open_regular(real_path(path))
    except NotRegularError as error:
        raise ValueError(str(error)) from error
    try:
        with open(descriptor, "rb") as file:
            return json.loads(file.read(MAX_BYTES))
    except OSError as error:
        raise ValueError(error.strerror) from error


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
    fraction, exit_status = told["fraction"], told["exit_status"]
    job = Job(
        id=_text(told["id"]),
        request=JobRequest(
            input=_text(request.pop("input")),
            profile=_text(request.pop("profile")),
            mode=JobMode(request.pop("mode")),
            nodes=None if nodes is None else JobNodes.read(nodes),
            **request,
        ),
        client=_text(told["client"]),
        begun=_time(told["begun"]),
        state=JobState(told["state"]),
        text=_text(told["text"]),
        fraction=None if fraction is None else _number(fraction),
        exit_status=None if exit_status is None else int(exit_status),
        errors=int(told["errors"]),
        changes=[(_time(at), JobState(state), _text(text)) for at, state, text in told["changes"]],
    )
    job.changed = job.changes[-1][0] if job.changes else job.begun
    return job


def _text(told: Any) -> str:
    """Return a text that can be told; ValueError: it is none."""
    if not isinstance(told, str):
        raise ValueError(f"{told!r:.80} is no text")
    told.encode()
    return told


def _number(told: Any) -> float:
    """Return a finite number; ValueError: it is none."""
    if not isinstance(told, int | float) or not math.isfinite(told):
        raise ValueError(f"{told!r:.80} is no number")
    return float(told)


def _time(told: Any) -> float:
    """Return a time, unix seconds; ValueError: it is none."""
    number = _number(told)
    if not 0 <= number <= _LATEST:
        raise ValueError(f"{told!r:.80} is no time")
    return number
