"""Scans on all Banks: the verbs that negotiate a common start and wait for its end, as steps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dealer import start as starting
from dealer.allornone import CommonStart
from dealer.errors import PlayersError, ScanFailedError, StartError
from dealer.outcome import Outcome, Outcomes
from dealer.roster import Roster
from dealer.verbs import check_exported, exporting, outcomes
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError
from zmqjsonproxy.rpc.steps import Pause, Steps

__all__ = ["earliest_start", "start", "wait_for_scan"]

log = logging.getLogger(__name__)

CLOCKS_WARN_S = 0.1
LOOK_WITHIN_S = 5.0
LOST_FOR_GOOD_S = 10.0
"""A Player that does not answer for so long while a scan is awaited has failed, s."""


def earliest_start(d: Roster[Any]) -> Steps[datetime]:
    """Return the earliest time at which all active Banks can start, UTC; StartError names those not ready."""
    found = yield from outcomes(d, "earliest_start")
    return starting.latest(found)


def start(d: Roster[Any], starttime: datetime | None = None) -> Steps[dict[str, Any]]:
    """Start a scan on all active Banks at one UTC second, or on none; Bank -> (True, text).

    Args:
        starttime: Aware UTC datetime, rounded up to a full second; None: as early as possible.

    Raises:
        StartError: A Bank is not ready, refused or was lost, the time is too early, or the clocks disagree.
            What was armed has been disarmed.
        TypeError, ValueError: `starttime` is no datetime, or not in UTC.
    """
    wanted = starting.checked_time(starttime)
    banks = d._active("start")
    yield from check_exported(d, "start", banks)
    earliest = yield from outcomes(d, "earliest_start", _banks=banks)
    when = starting.choose(wanted, starting.latest(earliest))
    yield from _compare_clocks(d, banks)
    two_phase = yield from exporting(d, banks, "arm", "commit", "disarm_start")
    at_once = [bank for bank in banks if bank not in two_phase]
    done = yield from CommonStart(partial(outcomes, d), when).start(two_phase, at_once)
    return {bank: done[bank].value for bank in banks}


def _compare_clocks(d: Roster[Any], banks: Sequence[str]) -> Steps[None]:
    native = [bank for bank in banks if d._hub.is_native(d._urls[bank])]
    if not native:
        return
    offsets: dict[str, starting.ClockOffset] = {}
    begun = time.time()
    answers = yield from outcomes(d, "rpc.ping", _banks=native, _timeout=5.0)
    for bank, outcome in answers.items():
        if outcome.error is None:
            half = outcome.delay_s / 2
            offsets[bank] = starting.ClockOffset(float(outcome.value["time"]) - begun - half, half)
    spread, sentence = starting.clock_spread(offsets)
    if spread > d.clocks_refuse_s:
        raise StartError(f"{sentence}; the limit is {d.clocks_refuse_s:g} s (clocks_refuse_s)")
    if spread > CLOCKS_WARN_S:
        log.warning("%s", sentence)


def wait_for_scan(
    d: Roster[Any],
    verbose: bool = False,
    *,
    every: float = 1.0,
    progress: Callable[[dict[str, Outcome]], None] | None = None,
) -> Steps[None]:
    """Return when the scan has ended on the last active Bank. Ctrl-C, or cancellation, leaves the wait, not the scan.

    Args:
        verbose: Print a line at each look.
        every: Pause between looks, s.
        progress: Called with Bank -> outcome of `scan_status` at each look.

    Raises:
        PlayersError: At the end, naming the Banks that failed or stayed away for more than 10 s meanwhile, and
            those whose scan failed (native Players tell), or whose Player was started again in the middle.
    """
    waiting = d._active("wait_for_scan")
    banks = list(waiting)
    failed: dict[str, Outcome] = {}
    lost_since: dict[str, float] = {}
    instances: dict[str, int] = {}
    last: dict[str, Outcome] = {}
    while waiting:
        begun = time.monotonic()
        looked = yield from outcomes(d, "scan_status", _banks=waiting, _timeout=LOOK_WITHIN_S)
        now = time.monotonic()
        last |= looked
        for bank, outcome in looked.items():
            if isinstance(outcome.error, PeerLostError | CallTimeoutError):
                if now - lost_since.setdefault(bank, begun) >= LOST_FOR_GOOD_S:
                    failed[bank] = outcome
                    waiting.remove(bank)
            elif _is_another(d, bank, instances):  # it knows nothing of the scan, and would call it done
                error = ScanFailedError("its Player was started again in the middle of the scan; see its log for why")
                failed[bank] = Outcome(bank, None, error, outcome.delay_s)
                waiting.remove(bank)
            elif outcome.error is not None:
                failed[bank] = outcome
                waiting.remove(bank)
            else:
                lost_since.pop(bank, None)
                if not outcome.value[0]:
                    waiting.remove(bank)
        if progress is not None:
            progress(looked)
        if verbose:
            print(datetime.now(UTC).strftime("%H:%M:%S"), _states(looked), flush=True)
        if waiting:
            yield Pause(every)
    failed |= yield from _failed_scans(d, [bank for bank in banks if bank not in failed])
    if failed:
        raise PlayersError("wait_for_scan", last | failed)


def _is_another(d: Roster[Any], bank: str, instances: dict[str, int]) -> bool:
    """Whether another process answers for a Bank than at first; Players of the original do not say which they are."""
    url = d._urls[bank]
    instance = d._hub.generation(url)
    return bool(d._hub.is_native(url)) and instances.setdefault(bank, instance) != instance


def _failed_scans(d: Roster[Any], banks: list[str]) -> Steps[dict[str, Outcome]]:
    """Those of the Banks that can tell and whose last scan failed."""
    telling = yield from exporting(d, banks, "scan_report")
    reports = Outcomes()
    if telling:
        reports = yield from outcomes(d, "scan_report", _banks=telling, _timeout=LOOK_WITHIN_S)
    failed: dict[str, Outcome] = {}
    for bank, outcome in reports.items():
        report = outcome.value
        if outcome.error is not None:
            failed[bank] = outcome
        elif isinstance(report, dict) and report.get("outcome") == "failed":
            error = ScanFailedError(f"scan {report.get('scan')} failed: {report.get('error')}")
            failed[bank] = Outcome(bank, None, error, outcome.delay_s)
        elif isinstance(report, dict) and report.get("warning"):
            log.warning("%s: scan %s: %s", bank, report.get("scan"), report["warning"])
    return failed


def _states(outcomes: dict[str, Outcome]) -> str:
    """What Banks are doing, in one line; Banks of one state together."""
    groups: dict[str, list[str]] = {}
    for bank, outcome in outcomes.items():
        if outcome.error is not None:
            state = type(outcome.error).__name__
        else:
            running, *words = outcome.value
            state = f"{'running' if running else 'done'} {' '.join(map(str, words))}"
        groups.setdefault(state, []).append(bank)
    return "; ".join(f"{' '.join(banks)} {state}" for state, banks in groups.items())
