"""Scans on all Banks: the verbs that negotiate a common start and wait for its end, as steps."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dealer import start as starting
from dealer.allornone import CommonStart, Starters
from dealer.errors import PlayersError, StartError
from dealer.fanout import outcome_of
from dealer.outcome import Outcome, Outcomes
from dealer.roster import Roster
from dealer.scanwait import ScanWait, StartMade
from dealer.verbs import check_exported, descriptions, exporting, outcomes
from zmqjsonproxy import CallRequest, CallResult, InterfaceDescription
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import RemoteError
from zmqjsonproxy.rpc.steps import CallMany, Pause, Steps

__all__ = ["earliest_start", "scan_reports", "start", "wait_for_scan"]

log = logging.getLogger(__name__)

CLOCKS_WARN_S = 0.1
LOOK_WITHIN_S = 5.0


def earliest_start(d: Roster[Any]) -> Steps[datetime]:
    """Return the earliest time at which all active Banks can start, UTC; StartError names those not
    ready."""
    found = yield from outcomes(d, "earliest_start")
    d._offered = starting.latest(found)
    return d._offered


def start(d: Roster[Any], starttime: datetime | None = None) -> Steps[dict[str, Any]]:
    """Start a scan on all active Banks at one UTC second, or on none; Bank -> (True, text).

    Args:
        starttime: Aware UTC datetime, rounded up to a full second; None: as early as possible.

    Raises:
        StartError: A Bank is not ready, refused or was lost, the time is too early, or the clocks
            disagree. What was armed has been disarmed.
        TypeError, ValueError: `starttime` is no datetime, or not in UTC.
    """
    wanted = starting.checked_time(starttime)
    banks = d._active("start")
    yield from check_exported(d, "start", banks)
    begun, is_last = time.monotonic(), False
    while True:
        earliest = yield from outcomes(d, "earliest_start", _banks=banks)
        yield from _compare_clocks(d, banks)
        when = starting.choose(
            wanted, starting.latest(earliest), time.monotonic() - begun, d._offered
        )
        starters = yield from _starters(d, banks)
        made = StartMade(os.urandom(8).hex(), starters.named)
        try:
            done = yield from CommonStart(partial(outcomes, d), when, made.id).start(starters)
        except StartError as error:
            if is_last or wanted is not None or not _came_late(error):
                raise
            is_last = (
                True  # everything was slow; what it took is added to the time that is left for it
            )
        else:
            d._last_start = made
            return {bank: done[bank].value for bank in banks}


def _came_late(error: StartError) -> bool:
    """Return whether Banks only found a negotiated time too early, because it took long to come."""
    found = [o.error for o in error.failed.values()]
    return bool(found) and all(
        isinstance(each, RemoteError) and each.type == "StartTimeError" for each in found
    )


def _starters(d: Roster[Any], banks: Sequence[str]) -> Steps[Starters]:
    """Sort Banks by how they are started."""
    two_phase = yield from exporting(d, banks, "arm", "commit", "disarm_start")
    described = yield from descriptions(d, two_phase)
    named = [bank for bank in two_phase if _takes(described[bank], "arm", "start_id")]
    return Starters(
        named=named,
        unnamed=[bank for bank in two_phase if bank not in named],
        at_once=[bank for bank in banks if bank not in two_phase],
    )


def _takes(described: object, method: str, parameter: str) -> bool:
    """Return whether a Bank's method has a parameter."""
    found = described.methods.get(method) if isinstance(described, InterfaceDescription) else None
    return found is not None and found.takes(parameter)


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
    timeout: float | None = None,
    progress: Callable[[dict[str, Outcome]], None] | None = None,
) -> Steps[None]:
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
    banks = d._active("wait_for_scan")
    wait = ScanWait(own_name(), list(banks))
    made = d._last_start
    if made is not None and made.is_awaited:
        made = None
    if made is not None:
        wait.start_ids.update((bank, made.id) for bank in made.banks if bank in banks)
    telling = yield from _telling(d, banks)
    last: dict[str, Outcome] = {}
    told: set[str] = set()
    shown, shown_at = "", -math.inf
    due = math.inf if timeout is None else time.monotonic() + timeout
    while wait.waiting:
        looked = yield from _look(d, wait, telling)
        last |= looked
        if progress is not None:
            progress(looked)
        line = _states(looked, wait.reports)
        if verbose and (line != shown or time.monotonic() - shown_at >= every):
            print(datetime.now(UTC).strftime("%H:%M:%S"), line, flush=True)
            shown, shown_at = line, time.monotonic()
        yield from _tell_of_failed(d, wait, made, told)
        if wait.waiting:
            if time.monotonic() >= due:
                raise TimeoutError(
                    f"wait_for_scan: the scan goes on after {timeout:g} s: {', '.join(wait.waiting)}"
                )
            yield Pause(min(wait.pause(every, time.monotonic()), max(due - time.monotonic(), 0.0)))
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


def _telling(d: Roster[Any], banks: Sequence[str]) -> Steps[dict[str, bool]]:
    """Return the Banks that have reports of their scans; True: they can be asked by the identity of
    a start."""
    names = yield from exporting(d, banks, "scan_report")
    described = yield from descriptions(d, names)
    return {bank: _takes(described[bank], "scan_report", "start_id") for bank in names}


def _look(d: Roster[Any], wait: ScanWait, telling: Mapping[str, bool]) -> Steps[dict[str, Outcome]]:
    """Ask those that are waited for how they stand; Bank -> outcome of `scan_status`."""
    waiting, begun = list(wait.waiting), time.monotonic()
    looked = yield from outcomes(d, "scan_status", _banks=waiting, _timeout=LOOK_WITHIN_S)
    asked = {bank: takes_id for bank, takes_id in telling.items() if bank in waiting}
    reports = yield from _ask_reports(d, asked, wait.start_ids)
    now, wall = time.monotonic(), time.time()
    for bank in waiting:
        outcome, report = looked[bank], reports.get(bank)
        if (
            report is not None
        ):  # `scan_status`, which needs a mode, decides only for those without reports
            outcome = Outcome(bank, report.value, report.error, report.delay_s)
        if outcome.error is not None:
            wait.lost(bank, outcome, begun, now)
        elif wait.back(bank, _instance(d, bank, report)):
            if report is not None:
                wait.report(bank, report.value, now, wall)
            else:
                wait.status(bank, outcome)
    return looked


def _ask_reports(
    d: Roster[Any], telling: Mapping[str, bool], start_ids: Mapping[str, str]
) -> Steps[dict[str, CallResult]]:
    """Ask Banks for reports, by the identity of a start where one is known; Bank -> result."""
    known = {
        bank: start_ids.get(bank, "") if takes_id else "" for bank, takes_id in telling.items()
    }
    requests = [
        CallRequest(d._urls[bank], "bank", "scan_report", (start_id,) if start_id else ())
        for bank, start_id in known.items()
    ]
    results = (yield CallMany(requests, LOOK_WITHIN_S)) if requests else []
    return dict(zip(known, results, strict=True))


def scan_reports(d: Roster[Any]) -> Steps[Outcomes]:
    """Return what became of the scan of this Dealer's last start, or of the last scan; Bank ->
    outcome.

    Active Banks that have no reports, as those of the original, are not there.
    """
    telling = yield from _telling(d, d._active("scan_reports"))
    made = d._last_start
    results = yield from _ask_reports(
        d, telling, {} if made is None else dict.fromkeys(made.banks, made.id)
    )
    return Outcomes(
        (bank, outcome_of(bank, "scan_report", result)) for bank, result in results.items()
    )


def _instance(d: Roster[Any], bank: str, report: CallResult | None) -> int | None:
    """The process that answers for a Bank; None if it need not be the same: it knows the scan, or
    cannot tell."""
    url = d._urls[bank]
    if not d._hub.is_native(url) or (report is not None and report.value.get("outcome") != "none"):
        return None
    return d._hub.generation(url)


def _tell_of_failed(
    d: Roster[Any], wait: ScanWait, made: StartMade | None, told: set[str]
) -> Steps[None]:
    """Tell the Banks whose scan goes on which others of this start have failed: theirs is not
    whole."""
    if made is None:
        return
    news = [bank for bank in made.banks if bank in wait.failed and bank not in told]
    others = [bank for bank in made.banks if bank in wait.waiting]
    if news and others:
        told.update(news)
        yield from outcomes(
            d, "confirm_start", made.id, news, _banks=others, _timeout=LOOK_WITHIN_S
        )


def _states(outcomes: Mapping[str, Outcome], reports: Mapping[str, Mapping[str, Any]]) -> str:
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
