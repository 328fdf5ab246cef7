"""Things that can be followed of a Bank: its mode, its data-taking program, its scan; as properties and as
queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundwork.values import JsonObject
from player.alarms.rules import AlarmRule
from player.bank import BankContext
from spectrometer.backends.vegas import VegasBackend
from spectrometer.bankalarms import SPECTROMETER_ALARMS
from spectrometer.bankstate import DataTakingState
from spectrometer.daq.programs import Programs
from spectrometer.hostconditions import ClockSteps, disk_room
from spectrometer.observing.scanreport import NO_REPORT, ScanReports, standing
from spectrometer.observing.scanstate import ScanState
from spectrometer.statusbank import StatusBank
from zmqjsonproxy import query
from zmqjsonproxy.channels.properties import computed, pipe, published

__all__ = ["FollowedBank"]


class FollowedBank(StatusBank):
    """A Bank that says how it stands."""

    mode = published(
        {"state": "none", "mode": None, "frequency_mhz": None, "cause": ""},
        doc="State of the mode, as of mode_state.",
    )
    scan = published(
        standing(ScanState.IDLE.value, None),
        doc="State of the data taking, whether the last scan is over, which part of its time is, "
        "and its report, as of scan_report.",
    )

    spectrum = pipe(
        unit="counts^2",
        x_unit="Hz",
        doc="Mean spectra of the newest integration, float32, shape (rows, channels), at most ten "
        "per second; `rows` names the rows, `x_starts` has the first frequency of each.",
    )

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        self._reports = ScanReports()
        self._clock_steps = ClockSteps(context.clock)

    @classmethod
    def declared_alarms(cls) -> Sequence[AlarmRule]:
        return SPECTROMETER_ALARMS

    def _tell_scan(self, told: JsonObject) -> None:
        """Publish how the scan stands."""
        self.scan = told

    def _tell_mode(self) -> None:
        """Publish how the mode stands, if that is news."""
        if (told := self.mode_state()) != self.mode:
            self.mode = told

    @computed(
        every=10.0,
        doc="Room on the disk of the data root: free_bytes, total_bytes, free_share (0..1).",
    )
    def disk(self) -> dict[str, Any] | None:
        """Return how much room there is for data; None: there is no data root."""
        return disk_room(self.context.data_root)

    @computed(
        doc="Steps of the host's clock: step_s, by which it was set in the last ten minutes (0: it "
        "was not), and steps, how often since the Player began."
    )
    def clock_steps(self) -> dict[str, Any]:
        """Return by how much the host's clock was set."""
        return self._clock_steps.read()

    @computed(
        every=0.5,
        doc="Data-taking program that reports: program, pid, state (none, ended, or what it says), "
        "mode; no_spectrum: why it makes no live spectra; note: what is otherwise than wished.",
    )
    def daq(self) -> dict[str, Any]:
        """Return how the data-taking program stands; waits for nothing."""
        scan = self._current.scan
        programs = None if scan is None else scan.programs
        has_said = programs is not None and programs.reports
        state = "none" if programs is None else "ended"
        return {
            "program": None if programs is None else programs.name,
            "pid": None if programs is None else programs.pid,
            "state": self._shown("DAQSTATE") if has_said else state,
            "mode": self._current.name,
            "no_spectrum": self._why_no_spectrum(programs),
            "note": self._shown("DAQNOTE") or "" if has_said else "",
        }

    def _data_taking(self) -> DataTakingState:
        """Return how what takes data stands; waits for nothing."""
        scan = self._current.scan
        programs = None if scan is None else scan.programs
        if programs is None or self._current.is_changing:
            return DataTakingState()
        gone = programs.gone()
        ended = "" if gone is None else f"{gone.name} has ended, exit status {gone.returncode}"
        return DataTakingState(
            ended=ended,
            free_bytes=None if programs.has_counts is None else self._free_bytes(),
            data_root=str(self.context.data_root),
        )

    def _free_bytes(self) -> int | None:
        """Return the room for data, as it was published last; waits for no disk."""
        newest = self._table.properties["disk"].newest
        told = None if newest is None else newest.encoded.value()
        return told["free_bytes"] if isinstance(told, dict) else None

    def _why_no_spectrum(self, programs: Programs | None) -> str:
        backend = self._current.backend
        if programs is None or backend is None:
            return "no mode is set"
        if programs.has_counts is None:
            return "simulated without a source: no data are taken"
        if not programs.has_counts:
            return f"{programs.name} makes no live spectra; spectrometer-daq does"
        return "" if isinstance(backend, VegasBackend) else "pulsar modes make no live spectra"

    @query
    def get_mode(self) -> str | None:
        """The name of the mode that is set; None if there is none."""
        return self._current.name

    @query
    def mode_state(self) -> dict[str, Any]:
        """State of the mode, and the reason why there is none.

        Returns:
            state: "set", "changing" or "none"; mode: its name or None; frequency_mhz: that the
            synthesizer makes, None without a mode; cause: why there is none, "" if none was ever
            asked for.
        """
        return self._current.describe()

    @query
    def scan_report(self, start_id: str | None = None) -> dict[str, Any]:
        """Return what became of the last scan, or how it stands; of one of the last 32 starts by
        its identity.

        Keys, all of which are always there, None where nothing is known: scan; start_id, by: the
        start and who asked for it; outcome (none, starting, waiting, running, done, incomplete,
        stopped, aborted, failed); error; warning; ended_by: who stopped it or took it back; start;
        scan_length, s; is_whole: all Banks of a common start began; file; integrations and planned:
        recorded, and to be recorded until its end; dropped: blocks lost; lost_s: s of data lost;
        packets, packets_lost; peak_channel; loops.

        Args:
            start_id: Identity of a start; None: the last one.
        """
        report = self._reports.get(start_id)
        if report is None:
            return dict(NO_REPORT)
        if (scan := self._current.scan) is not None:
            scan.look_into(report)
        return report.as_dict()
