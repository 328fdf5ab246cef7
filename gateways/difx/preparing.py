"""Preparation of jobs by the program of a profile, which tells the files that it made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateways.difx.config import RunnerConfig
from gateways.difx.errors import FileFaultError, JobError
from gateways.difx.files import DifxFiles
from gateways.difx.jobrun import filled
from gateways.difx.protocol.jobs import Severity
from gateways.difx.runner import OutputStream, ProgramLimits, ProgramRun

__all__ = ["MODEL_SUFFIX", "JobPreparation"]

MODEL_SUFFIX = ".im"
"""Of delay models. Clients take one that they are told for a good one."""
_MADE = "FILE "

log = logging.getLogger(__name__)


@dataclass(eq=False)
class JobPreparation:
    """One preparation; `run` once, in a thread.

    Attributes:
        id: Identity, for a mark of its processes.
        runner: Profile.
        files: Where it works.
        folder: Path of its folder.
        file: Name in it; with `model_only` that of a job without suffix, or a pattern of names.
        model_only: Jobs are there, and only their delay models are made.
        on_file: Takes the path of each file that it made, in the clients' "/".
        on_line: Takes its other output.
        limits: Times of the program.
    """

    id: str
    runner: RunnerConfig
    files: DifxFiles
    folder: str
    file: str
    model_only: bool = False
    on_file: Callable[[str], None] = lambda _path: None
    on_line: Callable[[Severity, str], None] = lambda _severity, _line: None
    limits: ProgramLimits = field(default_factory=ProgramLimits)

    def __post_init__(self) -> None:
        if self.runner.prepare is None:
            raise JobError("the profile prepares no jobs: `prepare` in its table names a program")
        name = self.file.removeprefix(self.folder.rstrip("/") + "/")
        if not name or "/" in name or name in (".", ".."):
            raise JobError(f"{self.file:.300}: is no name of a file in {self.folder:.300}")
        place = self.files.roots.existing(self.folder)
        if not place.real.is_dir():
            raise JobError(f"{self.folder:.300}: is no folder")
        self._folder = place.real
        if not self.model_only:
            self.files.look(f"{self.folder}/{name}")
        places = {
            "folder": str(place.real),
            "file": str(place.real / name),
            "model": str(int(self.model_only)),
        }
        self._program = ProgramRun(
            filled(self.runner.prepare, places),
            self.id,
            self._take,
            folder=place.real,
            limits=self.limits,
        )

    def stop(self, *, grace: float | None = None) -> None:
        """Ask it to end, and return at once; from any thread."""
        self._program.stop(grace=grace)

    def run(self) -> None:
        """Run it to its end.

        Raises:
            JobError: It cannot be started, or ended with a fault.
        """
        try:
            self._program.start()
        except OSError as error:
            raise JobError(f"the preparation cannot be made: {error}") from error
        end = self._program.run()
        for pid, name in end.survivors:
            text = f"process {pid} ({name}), which the preparation started, runs on: end it"
            self.on_line(Severity.WARNING, text)
        if sentence := end.sentence():
            raise JobError(f"the preparation of {self.folder:.300} {sentence}")

    def _take(self, stream: OutputStream, line: str) -> None:
        if stream is OutputStream.STDOUT and line.startswith(_MADE):
            self._made(line.removeprefix(_MADE).strip())
        else:
            self.on_line(stream.severity(line), line)

    def _made(self, told: str) -> None:
        """Tell of a file that was made, if clients can have it."""
        path = self.files.roots.shown(self._folder / Path(told))
        try:
            if path is None:
                raise FileFaultError(f"{told:.300}: was made, but is in no root")
            is_empty = self.files.look(path).size == 0
        except FileFaultError as error:
            self.on_line(Severity.WARNING, str(error))
        else:
            if is_empty and path.endswith(MODEL_SUFFIX):
                self.on_line(Severity.WARNING, f"{path:.300}: has no delay model in it")
            else:
                self.on_file(path)
