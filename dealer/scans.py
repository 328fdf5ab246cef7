"""Scans on all Banks: the verbs that negotiate a common start and wait for its end."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from dealer import start as starting
from dealer.errors import PlayersError, StartError
from dealer.fanout import BankCalls, outcome_of
from dealer.outcome import Outcome, Outcomes
from dealer.scanwait import ScanWait, StartMade
from dealer.selection import B, PlayerSelection
from dealer.twophasestart import Starters, TwoPhaseStart
from groundwork.values import RemoteValue
from zmqjsonproxy import CallRequest, CallResult
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import RemoteError

__all__ = ["ScanVerbs"]

log = logging.getLogger(__name__)

CLOCKS_WARN_S = 0.1
LOOK_WITHIN_S = PING_WITHIN_S = 5.0


class ScanVerbs(PlayerSelection[B]):
    """The verbs of scans."""

    async def earliest_start(self) -> datetime:
        """Return the earliest time at which all active Banks can start, UTC; StartError names those not
        ready."""
        banks = self._active("earliest_start")
        found = await self._calls.outcomes("earliest_start", banks, self.timeout)
        self._offered = starting.latest(found)
        return self._offered

    async def start(self, starttime: datetime | None = None) -> dict[str, RemoteValue]:
        """Start a scan on all active Banks at one UTC second, or on none; Bank -> (True, text).

        Args:
            starttime: Aware UTC datetime, rounded up to a full second; None: as early as possible.

        Raises:
            StartError: A Bank is not ready, refused or was lost, the time is too early, or the clocks
                disagree. What was armed has been disarmed.
            TypeError, ValueError: `starttime` is no datetime, or not in UTC.
        """
        wanted = starting.checked_time(starttime)
        banks, calls = self._active("start"), self._calls
        await calls.check_exported("start", banks)
        begun, is_last = time.monotonic(), False
        while True:
            earliest = await calls.outcomes("earliest_start", banks, self.timeout)
            await _compare_clocks(calls, banks, self.clocks_refuse_s)
            when = starting.choose(
                wanted, starting.latest(earliest), time.monotonic() - begun, self._offered
            )
            starters = await _starters(calls, banks)
            made = StartMade(os.urandom(8).hex(), starters.named)
            try:
                done = await TwoPhaseStart(calls.outcomes, when, made.id).start(starters)
            except StartError as error:
                if is_last or wanted is not None or not _came_late(error):
                    raise
                is_last = True  # everything was slow; what it took is added to the time that is left for it
            else:
                self._last_start = made
                return {bank: done[bank].value for bank in banks}

    async def wait_for_scan(
        self,
        verbose: bool = False,
        *,
        every: float = 1.0,
        timeout: float | None = None,
        progress: Callable[[dict[str, Outcome]], None] | None = None,
    ) -> None:
        """Return when the scan has ended on the last active Bank. Ctrl-C, or cancellation, leaves the
        wait, not the scan.

        The first wait after a `start` of this Dealer is for that scan, by its identity, whatever others
        have begun meanwhile; any other is for the scan that there is. A scan that is incomplete, or has
        another warning, is logged, and so is one that this Dealer has stopped itself.

        Args:
            verbose: Print a line at each change, and every `every` seconds.
            every: Pause between looks, s; around the end of the scan it is shorter.
            timeout: Give up after so many seconds; the scan goes on. None: never.
            progress: Called with Bank -> outcome of `scan_status` at each look.

        Raises:
            PlayersError: At the end, naming the Banks that failed or stayed away for more than 10 s
                meanwhile, those whose scan failed or was stopped by somebody else (native Players
                tell), and those whose Player was started again in the middle.
            ValueError: `every` is not above 0.
            TimeoutError: The time is over; names the Banks whose scans go on.
        """
        if not every > 0:
            raise ValueError(f"wait_for_scan: every is {every!r}; expected more than 0 s")
        banks, calls = self._active("wait_for_scan"), self._calls
        wait = ScanWait(own_name(), list(banks))
        made = self._last_start
        if made is not None and made.is_awaited:
            made = None
        if made is not None:
            wait.start_ids.update((bank, made.id) for bank in made.banks if bank in banks)
        telling = await _telling(calls, banks)
        last: dict[str, Outcome] = {}
        told: set[str] = set()
        shown, shown_at = "", -math.inf
        due = math.inf if timeout is None else time.monotonic() + timeout
        while wait.waiting:
            looked = await _look(calls, wait, telling)
            last |= looked
            if progress is not None:
                progress(looked)
            line = _states(looked, wait.reports)
            if verbose and (line != shown or time.monotonic() - shown_at >= every):
                print(datetime.now(UTC).strftime("%H:%M:%S"), line, flush=True)
                shown, shown_at = line, time.monotonic()
            await _tell_of_failed(calls, wait, made, told)
            if wait.waiting:
                if time.monotonic() >= due:
                    raise TimeoutError(
                        f"wait_for_scan: the scan goes on after {timeout:g} s: {', '.join(wait.waiting)}"
                    )
                left = max(due - time.monotonic(), 0.0)
                await calls.hub.pause(min(wait.pause(every, time.monotonic()), left))
        if made is not None:
            made.is_awaited = True
        for bank, remark in wait.remarks.items():
            log.warning("%s: %s", bank, remark)
        if wait.failed:
            raise PlayersError(
                "wait_for_scan",
                last | wait.failed,
                "; ".join(f"{b}: {r}" for b, r in wait.remarks.items()),
            )

    async def scan_reports(self) -> Outcomes:
        """Return what became of the scan of this Dealer's last start, or of the last scan; Bank ->
        outcome.

        Active Banks that have no reports, as those of the original, are not there.
        """
        telling = await _telling(self._calls, self._active("scan_reports"))
        made = self._last_start
        ids = {} if made is None else dict.fromkeys(made.banks, made.id)
        results = await _ask_reports(self._calls, telling, ids)
        return Outcomes(
            (bank, outcome_of(bank, "scan_report", result)) for bank, result in results.items()
        )


def _came_late(error: StartError) -> bool:
    """Return whether Banks only found a negotiated time too early, because it took long to come."""
    found = [o.error for o in error.failed.values()]
    return bool(found) and all(
        isinstance(each, RemoteError) and each.type == "StartTimeError" for each in found
    )


async def _starters(calls: BankCalls, banks: Sequence[str]) -> Starters:
    """Sort Banks by how they are started."""
    two_phase = await calls.exporting(banks, "arm", "commit", "disarm_start")
    named = [bank for bank, each in two_phase.items() if each.methods["arm"].takes("start_id")]
    return Starters(
        named=named,
        unnamed=[bank for bank in two_phase if bank not in named],
        at_once=[bank for bank in banks if bank not in two_phase],
    )


async def _compare_clocks(calls: BankCalls, banks: Sequence[str], refuse_s: float) -> None:
    native = calls.native(banks)
    if not native:
        return
    offsets: dict[str, starting.ClockOffset] = {}
    begun = time.time()
    answers = await calls.outcomes("rpc.ping", native, PING_WITHIN_S)
    for bank, outcome in answers.items():
        if outcome.error is None:
            half = outcome.delay_s / 2
            offsets[bank] = starting.ClockOffset(float(outcome.value["time"]) - begun - half, half)
    spread, sentence = starting.clock_spread(offsets)
    if spread > refuse_s:
        raise StartError(f"{sentence}; the limit is {refuse_s:g} s (clocks_refuse_s)")
    if spread > CLOCKS_WARN_S:
        log.warning("%s", sentence)


async def _telling(calls: BankCalls, banks: Sequence[str]) -> dict[str, bool]:
    """Return the Banks that have reports of their scans; True: they can be asked by the identity of
    a start."""
    found = await calls.exporting(banks, "scan_report")
    return {bank: each.methods["scan_report"].takes("start_id") for bank, each in found.items()}


async def _look(
    calls: BankCalls, wait: ScanWait, telling: Mapping[str, bool]
) -> dict[str, Outcome]:
    """Ask those that are waited for how they stand; Bank -> outcome of `scan_status`."""
    waiting, begun = list(wait.waiting), time.monotonic()
    looked = await calls.outcomes("scan_status", waiting, LOOK_WITHIN_S)
    asked = {bank: takes_id for bank, takes_id in telling.items() if bank in waiting}
    reports = await _ask_reports(calls, asked, wait.start_ids)
    now, wall = time.monotonic(), time.time()
    for bank in waiting:
        outcome, report = looked[bank], reports.get(bank)
        if report is not None:  # `scan_status` needs a mode; it decides for those without reports
            outcome = Outcome(bank, report.value, report.error, report.delay_s)
        if outcome.error is not None:
            wait.lost(bank, outcome, begun, now)
        elif wait.back(bank, _instance(calls, bank, report)):
            if report is not None:
                wait.report(bank, report.value, now, wall)
            else:
                wait.status(bank, outcome)
    return looked


async def _ask_reports(
    calls: BankCalls, telling: Mapping[str, bool], start_ids: Mapping[str, str]
) -> dict[str, CallResult]:
    """Ask Banks for reports, by the identity of a start where one is known; Bank -> result."""
    known = {
        bank: start_ids.get(bank, "") if takes_id else "" for bank, takes_id in telling.items()
    }
    requests = [
        CallRequest(calls.urls[bank], "bank", "scan_report", (start_id,) if start_id else ())
        for bank, start_id in known.items()
    ]
    results = await calls.hub.call_many(requests, LOOK_WITHIN_S) if requests else []
    return dict(zip(known, results, strict=True))


def _instance(calls: BankCalls, bank: str, report: CallResult | None) -> int | None:
    """The process that answers for a Bank; None if it need not be the same: it knows the scan, or
    cannot tell."""
    url = calls.urls[bank]
    if not calls.hub.is_native(url) or (
        report is not None and report.value.get("outcome") != "none"
    ):
        return None
    return calls.hub.peer(url).generation


async def _tell_of_failed(
    calls: BankCalls, wait: ScanWait, made: StartMade | None, told: set[str]
) -> None:
    """Tell the Banks whose scan goes on which others of this start have failed: theirs is not
    whole."""
    if made is None:
        return
    news = [bank for bank in made.banks if bank in wait.failed and bank not in told]
    others = [bank for bank in made.banks if bank in wait.waiting]
    if news and others:
        told.update(news)
        await calls.outcomes("confirm_start", others, LOOK_WITHIN_S, (made.id, news))


def _states(
    outcomes: Mapping[str, Outcome], reports: Mapping[str, Mapping[str, RemoteValue]]
) -> str:
    """States of Banks in one line; Banks of one state together."""
    groups: dict[str, list[str]] = {}
    for bank, outcome in outcomes.items():
        if outcome.error is not None:
            state = type(outcome.error).__name__
        else:
            running, *words = outcome.value
            told = reports.get(bank, {}).get("outcome", "running" if running else "done")
            state = " ".join([str(told), *map(str, words)])
        groups.setdefault(state, []).append(bank)
    return "; ".join(f"{' '.join(banks)} {state}" for state, banks in groups.items())
