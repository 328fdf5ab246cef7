"""A ScanControl with a data-taking program that is a piece of the test."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from support.clocks import LEAST_S, PassingClock

from spectrometer.daq.programs import Programs
from spectrometer.observing.scan import ScanControl
from spectrometer.observing.scanplan import ScanPlan, StartRequest
from spectrometer.observing.scanreport import ScanReports
from spectrometer.observing.scanstate import ScanState
from spectrometer.status import StatusBuffer
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState


class Program:
    """A data-taking program that obeys, unless it is told not to."""

    name = "program"
    has_counts: bool | None = False
    pid: int | None = None

    def __init__(self, status: StatusBuffer) -> None:
        self.status = status
        self.is_running = False
        self.returncode: int | None = None
        self.starts = 0
        self.words: list[str] = []
        self.deaf = False
        self.unready = False
        self.error = ""
        self.on_start: Callable[[], None] = lambda: None
        self.on_stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.starts += 1
        self.on_start()
        self.is_running = True
        if not self.unready:
            self.status.update({"DAQSTATE": "stopped"})

    def send(self, command: str) -> None:
        self.words.append(command)
        if self.deaf:
            return
        if command == "STOP":
            self.status.update({"SCANSTAT": "stopped", "NETSTAT": "waiting"})
        elif self.error:
            self.status.update({"DAQERR": self.error, "SCANSTAT": "stopped"})
        else:
            self.status.update({"SCANSTAT": "running", "NETSTAT": "receiving"})

    def stop(self, quit_s: float = 5.0, term_s: float = 1.0, kill_s: float = 1.0) -> int | None:
        self.is_running, self.returncode = False, 0
        self.on_stop()
        return 0


class Night:
    """A ScanControl and its program, brought forward by the thread of the test: time passes where
    they wait."""

    def __init__(self, status: StatusBuffer, clock: Any = None) -> None:
        self.status, self.clock = status, PassingClock() if clock is None else clock
        self.program, log = Program(status), logging.getLogger("test")
        self.reports = ScanReports()
        programs = Programs(status, [self.program], log)
        self.told: list[dict[str, Any]] = []
        self.control = ScanControl(
            status,
            programs,
            log,
            clock=self.clock,
            reports=self.reports,
            tell=self.told.append,
        )
        self.handle = self.new_handle()
        self.phases: list[str] = []
        self.taken: list[ScanState] = []
        self.scan: ScanPlan | None = None

    def new_handle(self) -> OperationHandle:
        """Make the next start an operation of its own."""
        self.handle = OperationHandle(
            OperationRecord(id="1", method="start", state=OperationState.RUNNING)
        )
        return self.handle

    def at(self, seconds: float) -> datetime:
        """Time in so many seconds."""
        return datetime.fromtimestamp(self.clock.time() + seconds, UTC)

    def plan(self, **changes: Any) -> ScanPlan:
        values: dict[str, Any] = {
            "start": self.at(1.2),
            "length": 60.0,
            "number": 2,
            "ready_the_fpga": lambda: self.phases.append("reset"),
            "arm": lambda: self.phases.append("arm"),
            "disarm": lambda: self.phases.append("disarm"),
        }
        return ScanPlan(**(values | changes))

    def report(self) -> dict[str, Any]:
        """Outcome of the last start."""
        report = self.reports.get(None)
        assert report is not None
        self.control.look_into(report)
        return report.as_dict()

    def start(
        self,
        until: ScanState,
        two_phase: bool = False,
        start_id: str = "ours",
        banks: tuple[str, ...] = (),
        **changes: Any,
    ) -> None:
        """Start, and go on until the state is reached."""
        request = StartRequest(
            id=start_id or "made up",
            by="ann",
            is_named=bool(start_id),
            two_phase=two_phase,
            banks=banks,
        )
        self.scan = self.control.begin(
            request,
            lambda: self.plan(**changes),
            self.handle,
            5.0,
            lambda: self.taken.append(self.control.state),
        )
        self.go_on(until)

    def go_on(self, until: ScanState) -> None:
        """Let time pass until the state is reached."""
        while self.control.state is not until:
            left = self.control.step()
            assert left is not None or self.control.state is until
            self.clock.now += max(left or 0.0, LEAST_S)

    def go_on_to_the_end(self) -> None:
        """Do what the thread of a scan does, until the scan has ended."""
        assert self.scan is not None
        self.control._keep(self.scan)

    def call(self, method: Callable[..., str], *args: Any) -> str:
        """Answer of a method that waits for the thread of the scan, which is that of the test."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(method, *args)
            assert self.control._cancel.wait(30.0)
            self.control.step()
            return answer.result()
