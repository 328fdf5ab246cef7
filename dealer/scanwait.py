"""Bookkeeping of a wait for the scans of several Banks: which one is waited for, and what became of
it. No sockets.

A Bank tells of a scan by the identity of its start, so that a scan which somebody else began
meanwhile is not taken for it. Callers say what the time is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dealer.errors import ScanFailedError, ScanStoppedError
from dealer.outcome import Outcome
from groundwork.values import RemoteValue
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError

__all__ = ["LOST_FOR_GOOD_S", "ScanWait", "StartMade"]

LOST_FOR_GOOD_S = 10.0
"""A Player that does not answer for so long while a scan is awaited has failed, s."""
FINE_BEFORE_S, FINE_AFTER_S, FINE_EVERY_S = 0.2, 2.0, 0.05
"""Around the end of a scan it is looked for more often."""


@dataclass(slots=True)
class StartMade:
    """A start that a Dealer has made.

    Attributes:
        id: Its identity.
        banks: Those that know it by that.
        is_awaited: Its end was waited for; a further wait is for whichever scan there is.
    """

    id: str
    banks: Sequence[str]
    is_awaited: bool = False


@dataclass(slots=True)
class ScanWait:
    """Wait for the end of the scans of some Banks.

    Attributes:
        own: Name of the waiting client, as Banks know it.
        waiting: Banks whose scans have not ended.
        start_ids: Bank -> identity of the start that is waited for; of others it is that of the
            first report.
        failed: Bank -> outcome, of those that failed.
        remarks: Bank -> sentence, of those whose scan is not as it was planned, and did not fail.
        reports: Bank -> last report of its scan.
    """

    own: str
    waiting: list[str]
    start_ids: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Outcome] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    reports: dict[str, Mapping[str, RemoteValue]] = field(default_factory=dict)
    _lost_since: dict[str, float] = field(default_factory=dict)
    _instances: dict[str, int] = field(default_factory=dict)
    _ran: set[str] = field(default_factory=set)
    _ends_at: float = math.nan

    def lost(self, bank: str, outcome: Outcome, begun: float, now: float) -> bool:
        """Take note of an answer that is an error; whether the Bank is given up."""
        is_away = isinstance(outcome.error, PeerLostError | CallTimeoutError)
        if is_away and now - self._lost_since.setdefault(bank, begun) < LOST_FOR_GOOD_S:
            return False
        self._fail(bank, outcome)
        return True

    def back(self, bank: str, instance: int | None) -> bool:
        """Take note of an answer of a Player; False if it is another process than at first, and
        reports nothing.

        Args:
            bank: The Bank.
            instance: Of the process, if it can tell; a report with the right identity outweighs it.
        """
        self._lost_since.pop(bank, None)
        if instance is None or self._instances.setdefault(bank, instance) == instance:
            return True
        self.fail(
            bank,
            ScanFailedError(
                "its Player was started again in the middle of the scan; see its log for why"
            ),
        )
        return False

    def status(self, bank: str, outcome: Outcome) -> None:
        """Take note of `scan_status` of a Bank that has no reports: it is over when nothing
        runs."""
        if outcome.value[0]:
            self._ran.add(bank)
        elif bank in self._ran:
            self._remark(bank, "its scan is over; not verified: its Player has no reports of scans")
        else:
            self.waiting.remove(bank)

    def report(self, bank: str, report: Mapping[str, RemoteValue], now: float, wall: float) -> None:
        """Take note of a report, asked for by the identity of the start where that is known.

        Args:
            bank: The Bank.
            report: As `scan_report` gives it.
            now: Monotonic time, s.
            wall: Unix time, s.
        """
        is_old = bank not in self.start_ids  # if it has ended by now, nobody waited for it
        wanted = self.start_ids.setdefault(bank, str(report.get("start_id") or ""))
        outcome = str(report.get("outcome"))
        if outcome == "none":
            if wanted:
                text = "its Bank knows nothing of the scan any more: its Player was started again, or it is long ago"
                self.fail(bank, ScanFailedError(text))
            else:  # there was no scan to wait for
                self.waiting.remove(bank)
            return
        self.reports[bank] = report
        if outcome in ("starting", "waiting", "running"):
            self._note_end(report, now, wall)
            return
        scan = f"scan {report.get('scan')}"
        by = str(report.get("ended_by") or "")
        why = str(report.get("error") or report.get("warning") or "")
        if outcome == "failed":
            self.fail(bank, ScanFailedError(f"{scan} failed: {why}"))
        elif outcome in ("stopped", "aborted"):
            text = f"{scan} was {outcome} by {by or 'nobody who said so'}" + (
                f": {why}" if why else ""
            )
            if by == self.own or is_old:
                self._remark(bank, text)
            else:
                self.fail(bank, ScanStoppedError(text))
        elif outcome == "incomplete":
            self._remark(bank, f"{scan} is incomplete: {why}")
        elif why:
            self._remark(bank, f"{scan}: {why}")
        else:
            self.waiting.remove(bank)

    def fail(self, bank: str, error: Exception) -> None:
        """Give up a Bank whose scan has not become what it was to be."""
        self._fail(bank, Outcome(bank, None, error))

    def _fail(self, bank: str, outcome: Outcome) -> None:
        self.failed[bank] = outcome
        self.waiting.remove(bank)

    def _remark(self, bank: str, text: str) -> None:
        self.remarks[bank] = text
        self.waiting.remove(bank)

    def _note_end(self, report: Mapping[str, RemoteValue], now: float, wall: float) -> None:
        """Take note of when a scan is to end; durations go by the monotonic clock from the first
        report on."""
        try:
            start = datetime(*(int(part) for part in report["start"]), tzinfo=UTC)  # type: ignore[arg-type, misc]
            end = now + start.timestamp() + float(report["scan_length"]) - wall
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if math.isnan(self._ends_at) or end > self._ends_at + FINE_AFTER_S:
            self._ends_at = end

    def pause(self, every: float, now: float) -> float:
        """Return the seconds until the next look: at most `every`, and few around the end."""
        left = self._ends_at - now
        if math.isnan(left) or left < -FINE_AFTER_S:
            return every
        return min(every, max(left - FINE_BEFORE_S, FINE_EVERY_S))
