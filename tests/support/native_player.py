"""A toy Player of our own generation: the real server, and a Bank that only keeps time.

python -m support.native_player URL [options]     (--help lists them; the bound URL is the first line of stdout)

with NativePlayer(refuse=["arm"]) as player: ...    (runs it as a process of its own)
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

import zmq
from support.player_process import ToyProcess, add_misbehaviour

from zmqjsonproxy import (
    Keyword,
    RefusedError,
    ZMQJSONProxyServer,
    command,
    current_caller,
    current_operation,
    operation,
    query,
)

UNDONE_BEFORE_START = 1.0
"""An armed Bank that has not heard a commit so long before the start disarms itself, s."""


class ToyBank:
    """The verbs a Dealer uses, without instruments: a scan runs while the clock says so."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._mode: str | None = options.mode
        self._params: dict[str, Any] = {}
        self._status: dict[str, Any] = {
            "BANKNAM": options.bank,
            "NETSTAT": "waiting",
            "DISKSTAT": "waiting",
        }
        self._scan_number = 1
        self._armed: float | None = None
        self._committed = self._monitoring = False
        self._phases: list[list[Any]] = []
        self._journal: list[str] = []
        self._start_id = ""

    # modes and parameters

    @operation(refusal_pair=True)
    def set_mode(
        self, mode: str, bandwidth: float | None = None, force: bool = False
    ) -> tuple[bool, str]:
        """Select a mode."""
        if mode not in self.list_modes():
            raise RefusedError(
                f"mode {mode!r} is not supported; there are: {', '.join(self.list_modes())}"
            )
        self._mode = self._status["MODENAME"] = mode
        return True, f"new mode {mode} set"

    @query
    def get_mode(self) -> str | None:
        """Return the current mode."""
        return self._mode

    @query
    def list_modes(self) -> list[str]:
        """Return the names of all modes."""
        return ["MODE1", "MODE2", "MODE3"]

    def _keywords(self) -> list[Keyword]:
        return [
            Keyword(name="exposure", annotation="float", doc="Integration time, s."),
            Keyword(name="filter_bw", annotation="int | Sequence[int]", doc="Filter, MHz."),
            Keyword(name="scan_length", annotation="float", doc="Length of a scan, s."),
        ]

    @command(refusal_pair=True, keywords=_keywords)
    def set_param(self, **kvpairs: Any) -> bool:
        """Set parameters of the mode."""
        self._need_mode()
        for key, value in kvpairs.items():
            if key not in ("exposure", "scan_length", "filter_bw"):
                raise RefusedError(
                    f"no parameter {key!r}; there are: exposure, filter_bw, scan_length"
                )
            self._params[key] = self._status[key.upper()[:8]] = value
        return True

    @query(refusal_pair=True)
    def get_param(self, name: str | None = None) -> Any:
        """Return one parameter, or all."""
        self._need_mode()
        return dict(self._params) if name is None else self._params[name]

    @query(refusal_pair=True)
    def help_param(self, name: str | None = None) -> Any:
        """Return the help of one parameter, or of all."""
        texts = {
            "exposure": "Integration time, s",
            "filter_bw": "Filter, MHz",
            "scan_length": "Length of a scan, s",
        }
        return texts if name is None else texts[name]

    @operation(refusal_pair=True)
    def prepare(self) -> None:
        """Compute and send."""
        self._need_mode()

    def _need_mode(self) -> None:
        if self._mode is None:
            raise RefusedError("no mode is selected: set_mode first")

    # scans

    @query(refusal_pair=True)
    def earliest_start(self) -> tuple[bool, list[int]]:
        """Return the earliest possible start, [Y, M, D, h, m, s, us] UTC."""
        self._need_mode()
        return True, _as_list(math.ceil(time.time() + self._options.earliest_in))

    @operation(answers_when_accepted=True, refusal_pair=True)
    def start(self, starttime: list[int] | None = None) -> tuple[bool, str]:
        """Start a scan; answers when it is accepted."""
        answer = self.arm(self.earliest_start()[1] if starttime is None else starttime)
        self._committed = True
        self._journal.append("started")
        return answer

    @operation(answers_when_accepted=True, refusal_pair=True)
    def arm(
        self, starttime: list[int], start_id: str = "", banks: Sequence[str] = ()
    ) -> tuple[bool, str]:
        """Get ready to start at a second; nothing starts without a commit."""
        self._need_mode()
        self._start_id = start_id
        if self._running():
            raise RefusedError("a scan is running already")
        when = datetime(*starttime, tzinfo=UTC)  # type: ignore[misc,arg-type]  # seven integers
        if when.timestamp() < time.time():
            raise RefusedError(f"{when} is over")
        self._journal.append("armed")
        self._armed, self._committed = when.timestamp(), False
        return True, f"armed for {when}"

    @command(urgent=True, aborts=False, refusal_pair=True)
    def commit(self, starttime: list[int], start_id: str = "") -> tuple[bool, str]:
        """Say that the armed scan is to start."""
        if start_id != self._start_id:
            raise RefusedError("what is armed is another's")
        when = datetime(*starttime, tzinfo=UTC)  # type: ignore[misc,arg-type]  # seven integers
        if self._armed != when.timestamp():
            raise RefusedError(f"nothing is armed for {when}")
        if time.time() > self._armed - UNDONE_BEFORE_START:
            self._armed = None
            raise RefusedError(f"it is too late to start at {when}")
        self._committed = True
        self._journal.append("committed")
        return True, f"scan starts at {when}"

    @command(urgent=True, aborts=False, refusal_pair=True)
    def disarm_start(self, start_id: str = "") -> tuple[bool, str]:
        """Undo a start, whatever has become of it."""
        if self._armed is None or start_id != self._start_id:
            return True, "nothing was armed"
        self._journal.append("stopped" if self._committed else "disarmed")
        self._armed, self._committed = None, False
        return True, "taken back"

    @command(urgent=True, aborts=False)
    def confirm_start(self, start_id: str, missing: Sequence[str] = ()) -> None:
        """Say who is missing in a common start."""
        self._journal.append("confirmed" if not missing else f"without {' '.join(missing)}")

    @command(urgent=True, refusal_pair=True)
    def stop(self) -> tuple[bool, str]:
        """End a scan, or monitor mode."""
        if self._running():
            self._armed, self._committed = None, False
            self._journal.append("stopped")
            return True, "Scan ended"
        if self._monitoring:
            self._monitoring = False
            return True, "Ending monitor mode."
        raise RefusedError("No scan running!")

    @command(refusal_pair=True)
    def monitor(self) -> tuple[bool, str]:
        """Take data without recording them."""
        self._need_mode()
        self._monitoring = True
        return True, "Start monitor mode."

    @query(refusal_pair=True)
    def scan_status(self) -> tuple[bool, str, str]:
        """Tell whether a scan runs (or is about to)."""
        self._need_mode()
        running = self._running()
        return running, f"NETSTAT={'receiving' if running else 'waiting'}", "DISKSTAT=waiting"

    def _running(self) -> bool:
        return (
            self._committed
            and self._armed is not None
            and time.time() < self._armed + self._options.scan_length
        )

    # status

    @command
    def set_status(self, **kvpairs: Any) -> None:
        """Write status keys."""
        self._status.update(kvpairs)

    @query
    def get_status(self, keys: list[str] | str | None = None) -> Any:
        """Return the whole status, those of some keys by name, or one key."""
        if keys is None:
            return dict(self._status)
        missing = [
            key for key in ([keys] if isinstance(keys, str) else keys) if key not in self._status
        ]
        if missing and current_caller().native:
            raise RefusedError(f"not in the status memory: {', '.join(missing)}")
        return (
            self._status[keys]
            if isinstance(keys, str)
            else {k: self._status[k] for k in keys if k in self._status}
        )

    @command
    def set_scan_number(self, n: int) -> None:
        """Set the scan number."""
        self._scan_number = self._status["SCANNUM"] = n

    @command
    def increment_scan_number(self) -> None:
        """Count the scan number up."""
        self.set_scan_number(self._scan_number + 1)

    # switching signals

    @command(refusal_pair=True)
    def clear_switching_states(self) -> tuple[bool, int]:
        """Remove all phases."""
        self._phases.clear()
        return True, 0

    @command(refusal_pair=True)
    def add_switching_state(
        self, duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
    ) -> tuple[bool, int]:
        """Append a phase."""
        self._phases.append([duration, blank, cal, sig_ref_1])
        return True, len(self._phases)

    @command(refusal_pair=True)
    def set_gbt_ss(self, period: float, ss_list: list[Any]) -> tuple[bool, int]:
        """Replace all phases."""
        self._phases[:] = ss_list
        return True, len(self._phases)

    # what a site adds, and what tests ask

    @operation
    def sweep(self, first: float, last: float, *, steps: int = 2) -> list[float]:
        """Step from one frequency to another, Hz."""
        return [first + (last - first) * i / (steps - 1) for i in range(steps)]

    @query
    def journal(self) -> list[str]:
        """Return what happened to scans, in order."""
        return list(self._journal)


class ToyValon:
    """A synthesizer."""

    @query
    def get_frequency(self, synth: int) -> float:
        """Return a frequency, MHz."""
        return 1500.0 + synth


def _as_list(seconds: float) -> list[int]:
    t = datetime.fromtimestamp(seconds, UTC)
    return [t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond]


def _with_faults(options: argparse.Namespace) -> type[ToyBank]:
    """Return a class whose methods misbehave as the options say; marks and signatures stay."""
    changed: dict[str, Any] = {}

    def before(name: str, what: Callable[[], object]) -> None:
        inner = changed.get(name, getattr(ToyBank, name))

        def method(self: ToyBank, *args: Any, **kwargs: Any) -> Any:
            what()
            return inner(self, *args, **kwargs)

        method.__dict__.update(inner.__dict__)  # the mark
        method.__name__, method.__doc__ = name, inner.__doc__
        changed[name] = method

    for name in options.refuse:
        before(name, partial(_raise, RefusedError(f"{name}: {options.refuse_text}")))
    for name in options.fail:
        before(name, partial(_raise, ValueError(f"{name} failed")))
    for name in options.die:
        before(name, lambda: os._exit(3))
    for word in options.slow:
        name, _, seconds = word.partition("=")
        before(name, partial(_pause, float(seconds)))
    for name in options.lacks:
        changed[name] = None
    return type("ToyBank", (ToyBank,), changed)


def _raise(error: Exception) -> NoReturn:
    raise error


def _pause(seconds: float) -> None:
    handle = current_operation()
    handle.progress(0.5, "slow on purpose")
    handle.wait(seconds)


def build_parser() -> argparse.ArgumentParser:
    """The options of the toy."""
    parser = argparse.ArgumentParser(description="A toy Player.")
    parser.add_argument("url", help="where to bind; tcp://127.0.0.1:* takes a free port")
    parser.add_argument("--bank", default="BANKA")
    parser.add_argument("--mode", default=None, help="mode that is set at the start")
    parser.add_argument(
        "--earliest-in", type=float, default=1.5, help="earliest start from now, rounded up, s"
    )
    parser.add_argument("--scan-length", type=float, default=1.0, help="s")
    parser.add_argument(
        "--skew", type=float, default=0.0, help="the clock of this Player is so far ahead, s"
    )
    add_misbehaviour(parser, "methods that refuse")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the Player until SIGINT or SIGTERM."""
    options = build_parser().parse_args(argv)
    if options.skew:
        true_time = time.time
        time.time = lambda: true_time() + options.skew
    ctx: zmq.Context[Any] = zmq.Context()
    with ZMQJSONProxyServer(ctx, options.url, name=options.bank) as server:
        server.expose("bank", _with_faults(options)(options))
        server.expose("bank.roach", None)
        server.expose("bank.valon", ToyValon())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.quit_loop())
        print(server.url, flush=True)
        loop = threading.Thread(target=server.run_loop)
        loop.start()
        while (
            loop.is_alive()
        ):  # in pieces: a signal just before the wait would be handled at its end only
            loop.join(0.2)
    ctx.term()
    return 0


class NativePlayer(ToyProcess):
    """The toy as a process; keyword arguments are options: `NativePlayer(mode="MODE1",
    refuse=["arm"])`."""

    module = "support.native_player"


if __name__ == "__main__":
    sys.exit(main())
