"""One line on a terminal that says how far a scan, a long call or a fetch is. Nothing where there is no
terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from commandline import ProgressLine, ProgressState
from dealer.dealer import Dealer
from dealer.outcome import Outcome

if TYPE_CHECKING:
    from zmqjsonproxy.files.fetch import FetchProgress

__all__ = [
    "CallLine",
    "FetchLine",
    "ScanLine",
    "call_progress",
    "fetch_progress",
    "scan_progress",
]

LOOK_S = 2.0
"""Of one question about progress, s."""
EVERY_S = 0.3
QUIET_S = 0.6
"""A call that takes no longer shows nothing, s."""
LAST_TIME = 253_402_300_800.0
"""After it there are no calendars, unix seconds."""


class ScanLine(ProgressLine):
    """Progress of the scan of the active Banks.

    Args:
        d: Whose Banks.
    """

    def __init__(self, d: Dealer) -> None:
        super().__init__()
        self._d = d

    def show(self, outcomes: Mapping[str, Outcome]) -> None:
        """Look at the Banks that are still waited for, and write the line anew."""
        if not self.is_shown:
            return
        status = self._d.outcomes("get_status", _banks=list(outcomes), _timeout=LOOK_S)
        values = {bank: o.value for bank, o in status.items() if isinstance(o.value, dict)}
        self.write(scan_progress(outcomes, values, time.time()))


class CallLine(ProgressLine):
    """Progress of operations of Banks, as long as its `with` block waits for one.

    Args:
        d: Whose Banks.
        banks: Asked for their operations.
        method: Of the Banks; other operations are not shown.
    """

    def __init__(self, d: Dealer, banks: Iterable[str], method: str) -> None:
        super().__init__()
        self._d, self._banks = d, list(banks)
        self._method = method if "." in method else f"bank.{method}"
        self._ended = threading.Event()
        # The call itself stays in the main thread, where Ctrl-C ends it.
        self._looking = threading.Thread(
            target=self._look, name=f"progress of {method}", daemon=True
        )

    def __enter__(self) -> Self:
        if self.is_shown and self._banks:
            self._looking.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        if self._looking.ident is not None:
            self._looking.join(LOOK_S)
        self.clear()

    def _look(self) -> None:
        pause = QUIET_S
        while not self._ended.wait(pause):
            pause = EVERY_S
            # A Player of the original has no operations, and a question would wait behind the call.
            native = self._d._calls.native(self._banks)
            answers = (
                self._d.outcomes("rpc.operations", True, _banks=native, _timeout=LOOK_S)
                if native
                else {}
            )
            running: dict[str, Mapping[str, Any]] = {}
            for bank, outcome in answers.items():
                found = outcome.value if isinstance(outcome.value, list) else []
                running.update((bank, each) for each in found if each.get("method") == self._method)
            if not self._ended.is_set():
                self.write(
                    call_progress(running) if running else f"waiting for {', '.join(self._banks)}"
                )


class FetchLine(ProgressLine):
    """Progress line of a fetch."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: tuple[float, int] | None = None  # when it began, s, and with how many bytes
        self._bank, self._shown_at = "", 0.0

    def show(self, bank: str, progress: FetchProgress) -> None:
        """Write the line anew, a few times a second."""
        now = time.monotonic()
        if self._begun is None or bank != self._bank:
            self._bank, self._begun = bank, (now, progress.done)
        if self.is_shown and now - self._shown_at >= EVERY_S:
            self._shown_at = now
            begun, done = self._begun
            rate = (progress.done - done) / max(now - begun, EVERY_S)
            self.write(fetch_progress(bank, progress, rate))


def scan_progress(
    outcomes: Mapping[str, Outcome],
    status: Mapping[str, Mapping[str, Any]],
    now: float = 0.0,
) -> ProgressState:
    """Return how far the slowest Bank is, and who is waited for.

    Args:
        outcomes: Bank -> outcome of `scan_status`.
        status: Bank -> its status; SCANLEN and SCANREM, s, and DAQSTART, unix time, are looked at.
        now: Unix time, s.
    """
    active = [bank for bank, o in outcomes.items() if o.error is None and o.value[0]]
    starts = {bank: start for bank in active if (start := _start(status.get(bank, {}))) > now}
    running = [bank for bank in active if bank not in starts]
    lost = [bank for bank, o in outcomes.items() if o.error is not None]
    spans = [span for span in (_span(status.get(bank, {})) for bank in running) if span is not None]
    words = [f"running: {' '.join(running)}"] if running else [] if lost or starts else ["ended"]
    if starts:
        begin = datetime.fromtimestamp(max(starts.values()), UTC)
        words.insert(0, f"waiting for {begin:%H:%M:%S} UTC: {' '.join(starts)}")
    words += [f"no answer: {' '.join(lost)}"] if lost else []
    if not spans:
        return ProgressState(words=tuple(words))
    length, remaining = max(spans, key=lambda span: span[1])
    return ProgressState(
        fraction=1 - remaining / length, text=f"{remaining:.0f} s left", words=tuple(words)
    )


def call_progress(running: Mapping[str, Mapping[str, Any]]) -> ProgressState:
    """Return how far the slowest of some operations is, what it does, and who is waited for.

    Args:
        running: Bank -> its operation, as `rpc.operations` tells it.
    """
    told = {bank: each.get("fraction") for bank, each in running.items()}
    fractions = {
        bank: fraction for bank, fraction in told.items() if isinstance(fraction, int | float)
    }
    slowest = min(fractions, key=fractions.__getitem__, default=next(iter(running), ""))
    text = (
        str(running[slowest].get("text") or running[slowest].get("state") or "") if running else ""
    )
    words = (f"running: {' '.join(running)}",)
    return ProgressState(fraction=fractions.get(slowest), text=text, words=words)


def fetch_progress(bank: str, progress: FetchProgress, rate: float) -> ProgressState:
    """Return how far a fetch is.

    Args:
        bank: Whose file it is.
        progress: What is there.
        rate: Bytes/s so far.
    """
    fraction = progress.done / progress.size if progress.size else 1.0
    text = progress.text or f"{progress.done / 1e6:.1f} of {progress.size / 1e6:.1f} MB"
    speed = () if progress.text else (f"{rate / 1e6:.1f} MB/s",)
    return ProgressState(fraction=fraction, text=text, words=(*speed, f"{bank} {progress.name}"))


def _start(status: Mapping[str, Any]) -> float:
    """Time of the start, unix seconds; 0: not known."""
    try:
        start = float(status["DAQSTART"])
    except (KeyError, TypeError, ValueError):
        return 0.0
    return start if 0 < start < LAST_TIME else 0.0


def _span(status: Mapping[str, Any]) -> tuple[float, float] | None:
    """Length and rest of a scan, s."""
    try:
        length, remaining = float(status["SCANLEN"]), float(status["SCANREM"])
    except (KeyError, TypeError, ValueError):
        return None
    return (length, remaining) if length > 0 and 0 <= remaining < float("inf") else None
