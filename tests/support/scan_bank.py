"""A Bank that has what a page needs to run it: parameters, an operation, scans without data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from player.bank import Bank
from zmqjsonproxy import RefusedError
from zmqjsonproxy.channels import published
from zmqjsonproxy.handle import current_operation
from zmqjsonproxy.interface import Keyword, command, operation, query


class ScanBank(Bank):
    """Takes scans that are over when they are stopped, and each of which leaves a file."""

    scan = published(None, doc="Scan that runs, or ran last.")

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._parameters: dict[str, Any] = {"exposure": 1.0, "source": ""}
        self._prepared: dict[str, Any] = {}
        self._started: list[int] = []
        self._count = 0

    def _keywords(self) -> list[Keyword]:
        schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 10}
        return [
            Keyword(
                name="exposure", annotation="float", doc="Integration.", unit="s", schema=schema
            ),
            Keyword(name="source", annotation="str", doc="What is observed."),
        ]

    @command(keywords=_keywords)
    def set_param(self, **kvpairs: Any) -> Any:
        """Set parameters: all, or none."""
        exposure = kvpairs.get("exposure", 1.0)
        if not 0 < exposure <= 10:
            raise RefusedError(f"exposure: {exposure:g} s is out of range: more than 0, up to 10")
        self._parameters |= kvpairs
        return True if len(kvpairs) == 1 else dict.fromkeys(kvpairs, True)

    @query
    def get_param(self, name: str | None = None) -> Any:
        """Return one parameter, or all."""
        return dict(self._parameters) if name is None else self._parameters[name]

    @command
    def prepare(self) -> None:
        """Take the parameters."""
        self._prepared = dict(self._parameters)

    @query
    def prepared(self) -> dict[str, Any]:
        """Return the parameters that were taken."""
        return self._prepared

    @command
    def change_secret(self, password: str) -> str:
        """Return how long it is."""
        return f"{len(password)} characters"

    @query
    def earliest_start(self) -> list[Any]:
        """Return the next second but one."""
        at = datetime.now(UTC) + timedelta(seconds=1)
        return [True, [at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond]]

    @command
    def start(self, starttime: list[int] | None = None) -> list[Any]:
        """Start a scan."""
        if self._started:
            raise RefusedError("a scan runs; stop it first")
        self._started = list(starttime or [])
        self._count += 1
        file = f"scan-{self._count}.fits"
        folder = self.context.instrument.directory / "data"
        folder.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"SIMPLE  =                    T")
        self.scan = {
            "state": "running",
            "is_over": False,
            "scan": self._count,
            "fraction": 0.5,
            "start": self._started,
            "scan_length": 600.0,
            "file": file,
        }
        return [True, f"starts at {self._started[5]} s"]

    @query
    def started(self) -> list[int]:
        """Return when the scan was started; empty: there is none."""
        return self._started

    @command(urgent=True)
    def stop(self) -> list[Any]:
        """End the scan."""
        if self._started:
            self.scan = {**self.scan, "state": "stopped", "is_over": True}
        self._started = []
        return [True, "stopped"]

    @operation
    def slew(self, seconds: float = 60.0) -> str:
        """Take long."""
        current_operation().progress(0.5, "slewing")
        current_operation().wait(seconds)
        return "there"
