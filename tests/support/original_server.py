"""A strict stand-in of the original Player: its server, its Bank, and all that ends it.

The server is a REP socket and one thread, the standard json module, and no mercy: whatever ended
the original (malformed JSON, something that is no object, a message without `proc`, `list_methods`
without `name`, a value that JSON cannot hold) ends this process with the traceback and exit status
1. Calls, `list_methods` and the watchdog share the thread.

    python -m support.original_server URL [options]     (--help lists them; the bound URL is the first line of stdout)

    with OriginalPlayer(refuse=["start"]) as player: ...    (runs it as a process of its own)
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zmq
from support.player_process import ToyProcess, add_misbehaviour

LATE_BEFORE_START = 0.9
"""`start` of the original returns so long before the start, s."""


# The server


class OriginalServer:
    """The original's `ZMQJSONProxyServer`, flaws included."""

    def __init__(
        self, ctx: zmq.Context[Any], url: str, *, python2: bool = False, record: Path | None = None
    ) -> None:
        self._ctx, self._python2, self._record = ctx, python2, record
        self._exported: dict[str, tuple[list[list[Any]], dict[str, Callable[..., Any]]]] = {}
        self._rep = ctx.socket(zmq.REP)
        self._rep.linger = 0
        self._rep.set(zmq.IPV6, "[" in url)
        self._rep.bind(url)
        self.url = self._rep.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        self._control = ctx.socket(zmq.PULL)
        self._control.bind("inproc://ctrl_pipe")  # one per context: P9
        self._ended = False

    def expose(self, name: str, obj: object) -> None:
        """Take a snapshot of the bound methods; those with an underscore are not listed, but can be
        called (P5)."""
        methods: dict[str, Callable[..., Any]] = (
            dict(inspect.getmembers(obj, inspect.ismethod)) if obj is not None else {}
        )
        listed: list[list[Any]] = [
            [n, m.__doc__] for n, m in methods.items() if not n.startswith("_")
        ]
        self._exported[name] = (listed, methods)

    def run_loop(self, watchdogfn: Callable[[], None] | None = None) -> None:
        """Serve until told to quit; raises, and thereby ends the process, where the original
        did."""
        if watchdogfn is not None:
            threading.Thread(target=self._send_watchdogs, daemon=True).start()
        poller = zmq.Poller()
        poller.register(self._rep, zmq.POLLIN)
        poller.register(self._control, zmq.POLLIN)
        while not self._ended:
            ready = dict(poller.poll(120_000))
            if self._control in ready:
                word = json.loads(self._control.recv())
                if word == "WATCHDOG" and watchdogfn is not None:
                    watchdogfn()
                elif word == "QUIT":
                    self._ended = True
            if self._rep in ready:
                frames = self._rep.recv_multipart()
                if self._record is not None:
                    with self._record.open("ab") as file:
                        file.write(b"".join(frames).replace(b"\n", b" ") + b"\n")
                if len(frames) != 1:
                    raise ValueError(f"a message of {len(frames)} frames")
                self._rep.send(self._serve(frames[0]))

    def quit_loop(self) -> None:
        """End the loop, from any thread."""
        pipe = self._ctx.socket(zmq.PUSH)
        pipe.connect("inproc://ctrl_pipe")
        pipe.send(b'"QUIT"')
        pipe.close()

    def _send_watchdogs(self) -> None:
        pipe = self._ctx.socket(zmq.PUSH)
        pipe.linger = 0
        pipe.connect("inproc://ctrl_pipe")
        while not self._ended:
            pipe.send(b'"WATCHDOG"')
            time.sleep(1.0)

    def _serve(self, body: bytes) -> bytes:
        message = json.loads(body.decode("utf-8"))  # P4: no JSON ends it
        if not isinstance(message, dict):  # P4
            raise TypeError("a request is an object")
        if message["proc"] == "list_methods":  # P4: so does a missing `proc`
            name = message["name"]  # P4
            if name not in self._exported:
                return _dumps(["Interface error", self._quoted(name)])  # P7
            return _dumps(self._exported[name][0])
        try:
            name = message["name"]
            if name not in self._exported:
                raise KeyError(name)
            methods = self._exported[name][1]
            value = methods[message["proc"]](*message["args"], **message["kwargs"])
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__, limit=10)
            entries = [
                f'  File "{e.filename}", line {e.lineno}, in {e.name}\n    {e.line}\n'
                for e in trace
            ]
            text = self._quoted(error.args[0]) if isinstance(error, KeyError) else str(error)
            return _dumps({"EXCEPTION": [type(error).__name__, text, entries]})
        return _dumps(value)  # P3: outside of the `try`

    def _quoted(self, text: Any) -> str:
        from_message = isinstance(text, str) and text not in ("name", "args", "kwargs")
        return ("u" if self._python2 and from_message else "") + repr(text)


def _dumps(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


# The Bank


class OriginalBank:
    """The original's Bank, as far as a Dealer can tell: the methods, the shapes of their answers,
    the flaws B2, B3, B4.

    `start` blocks until 0.9 s before the start, as the original does, and with it all other calls
    (P2).
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.__options = options
        self.__modes = ["MODE1", "MODE10", "MODE2", "MODE3"]
        self.__mode: str | None = options.mode
        self.__params: dict[str, Any] = {}
        self.__status: dict[str, str] = {
            "BANKNAM": options.bank,
            **dict.fromkeys(("NETSTAT", "DISKSTAT"), "waiting"),
        }
        self.__scan_number = 1
        self.__running = self.__monitoring = False
        self.__start: datetime | None = None
        self.__phases: list[list[float]] = []

    def _secret(self) -> str:
        return "P5: callable all the same"

    def _watchdog(self) -> None:
        if self.__running and self.__start is not None:
            end = self.__start + timedelta(seconds=self.__options.scan_length + 1.0)
            left = end - datetime.now(UTC)
            self.__status["SCANREM"] = str(left.seconds - 1)
            if left.total_seconds() < 0:
                self.stop()
                self.__status["SCANREM"] = "scan terminated"

    # modes and parameters

    def set_mode(self, mode: Any, bandwidth: Any = None, force: Any = False) -> list[Any]:
        """Sets the mode of the bank."""
        if mode is None:
            return [False, "mode is None"]
        if mode not in self.__modes:
            return [False, f"mode {mode} is not supported"]
        if not force and mode == self.__mode and bandwidth not in (None, False):
            return [False, f"mode {mode} is already set, use force"]
        self.__mode = mode
        self.__status["MODENAME"] = mode
        return [True, f"new mode {mode} set!"]

    def get_mode(self) -> str | None:
        """Returns the current mode."""
        return self.__mode

    def list_modes(self) -> list[str]:
        """Lists the modes."""
        return self.__modes

    def set_param(self, **kvpairs: Any) -> Any:
        """Sets a parameter: the first one only (B2)."""
        self.__backend()
        for key, value in kvpairs.items():
            if key == "filter_bw" and value not in (450, 1450, 1900):
                return [False, f"filter bandwidth {value} is not one of 450, 1450, 1900"]
            if key not in ("exposure", "scan_length", "num_spectra", "filter_bw"):
                raise AttributeError(
                    f"No such parameter '{key}'. Legal parameters in this mode are: exposure"
                )
            self.__params[key] = value
            self.__status[key.upper()[:8]] = str(value)
            return True
        return None

    def get_param(self, name: Any = None) -> Any:
        """Meant to return a parameter (B3)."""
        raise AttributeError("'Backend' object has no attribute 'get_param'")

    def help_param(self, name: Any = None) -> Any:
        """Returns the help of a parameter."""
        self.__backend()
        texts = {
            "exposure": "Integration time, in seconds",
            "scan_length": "Scan length, in seconds",
        }
        if not name:
            return texts
        if name not in texts:
            raise KeyError(f"No such parameter {name}; legal are {', '.join(texts)}")
        return texts[name]

    def prepare(self) -> None:
        """Prepares the bank."""
        self.__backend()

    def __backend(self) -> None:
        if self.__mode is None:
            raise AttributeError("'NoneType' object has no attribute 'set_param'")

    # scans

    def earliest_start(self) -> list[Any]:
        """Earliest start as [Y, M, D, h, m, s, us]."""
        if self.__mode is None:
            return [False, "No backend selected yet!"]
        if self.__options.earliest_start is not None:
            return [True, _as_list(self.__options.earliest_start)]
        time_ = time.time() + (
            self.__options.arm_delay + 2.0
            if self.__options.earliest_in is None
            else self.__options.earliest_in
        )
        return [True, _as_list(datetime.fromtimestamp(math.ceil(time_), UTC))]

    def start(self, starttime: Any = None) -> Any:
        """Starts a scan; returns 0.9 s before it."""
        if self.__mode is None:
            return None
        self.increment_scan_number()
        if self.__running:
            return [False, "Scan already started."]
        if starttime is None:
            starttime = self.earliest_start()[1]
        year, month, day, hour, minute, second, micro = starttime
        when = datetime(year, month, day, hour, minute, second, micro, UTC)
        left = (when - datetime.now(UTC)).total_seconds()
        if left < 0:
            raise Exception(f"Not enough time to arm ROACH: {when}")
        time.sleep(max(left - LATE_BEFORE_START, 0.0))
        self.__start, self.__running = when, True
        self.__status["NETSTAT"] = "receiving"
        return [True, f"Successfully started roach for starttime={when}"]

    def stop(self) -> list[Any]:
        """Stops a scan."""
        if self.__mode is None:
            return [False, "No backend selected yet!"]
        if self.__running:
            self.__running, self.__start = False, None
            self.__status["NETSTAT"] = "waiting"
            return [True, "Scan ended"]
        if self.__monitoring:
            self.__monitoring = False
            return [True, "Ending monitor mode."]
        return [False, "No scan running!"]

    def monitor(self) -> list[Any]:
        """Takes data without recording."""
        if self.__mode is None:
            return [False, "No backend selected yet!"]
        self.__monitoring = True
        return [True, "Start monitor mode."]

    def scan_status(self) -> list[Any]:
        """Tells whether a scan runs."""
        if self.__mode is None:
            return [False, "No backend selected yet!"]
        return [
            self.__running,
            f"NETSTAT={self.__status['NETSTAT']}",
            f"DISKSTAT={self.__status['DISKSTAT']}",
        ]

    # status

    def set_status(self, **kvpairs: Any) -> None:
        """Sets status values."""
        if self.__mode is not None:
            self.__status.update({key: str(value) for key, value in kvpairs.items()})

    def get_status(self, keys: Any = None) -> Any:
        """Returns status values."""
        if keys is None:
            return self.__status
        if isinstance(keys, list):
            return {key: self.__status[key] for key in keys if key in self.__status}
        return self.__status[keys]

    def set_scan_number(self, num: int) -> None:
        """Sets the scan number."""
        self.__scan_number = num
        self.__status["SCANNUM"] = self.__status["SCAN"] = str(num)

    def increment_scan_number(self) -> None:
        """Increments the scan number."""
        self.set_scan_number(self.__scan_number + 1)

    # switching signals

    def clear_switching_states(self) -> list[Any]:
        """Resets the phases."""
        self.__phases.clear()
        return [True, 0]

    def add_switching_state(
        self, duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
    ) -> list[Any]:
        """Adds a phase."""
        self.__phases.append([duration, blank, cal, sig_ref_1])
        return [True, len(self.__phases)]

    def set_gbt_ss(self, period: float, ss_list: list[Any]) -> list[Any]:
        """Replaces the phases."""
        self.__phases[:] = ss_list
        return [True, len(self.__phases)]

    # the rest of what was public (P6)

    def reset_roach(self) -> None:
        """Runs the reset phase."""

    def arm_roach(self) -> None:
        """Runs the arm phase."""

    def disarm_roach(self) -> None:
        """Runs the postarm phase."""

    def clear_shared_memory(self) -> None:
        """Clears the shared memory."""

    def read_config_file(self, filename: str) -> str:
        """Reads the configuration."""
        return "config file loaded."

    def number_of_phases(self) -> int:
        return len(self.__phases)  # no doc string: listed with null


def _as_list(time_: datetime) -> list[int]:
    return [
        time_.year,
        time_.month,
        time_.day,
        time_.hour,
        time_.minute,
        time_.second,
        time_.microsecond,
    ]


def _with_faults(options: argparse.Namespace) -> type[OriginalBank]:
    """Return a class whose methods misbehave as the options say."""
    changed: dict[str, Any] = {}

    def change(name: str, function: Callable[..., Any]) -> None:
        function.__name__, function.__doc__ = name, getattr(OriginalBank, name).__doc__
        changed[name] = function

    def behaviour(name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = changed.get(name, getattr(OriginalBank, name))
        return found

    for name in options.refuse:
        change(name, lambda self, *a, _n=name, **k: [False, f"{_n}: {options.refuse_text}"])
    for name in options.fail:
        change(name, lambda self, *a, _n=name, **k: _raise(ValueError(f"{_n} failed")))
    for name in options.unserialisable:
        change(name, lambda self, *a, **k: {1, 2, 3})
    for name in options.die:
        change(name, lambda self, *a, **k: os._exit(3))
    for word in options.slow:
        name, _, seconds = word.partition("=")
        change(name, _after(float(seconds), behaviour(name)))
    for name in options.lacks:
        changed[name] = None  # not a bound method: not listed, and a KeyError when called
    return type("OriginalBank", (OriginalBank,), changed)


def _raise(error: Exception) -> None:
    raise error


def _after(seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
    def delayed(*args: Any, **kwargs: Any) -> Any:
        time.sleep(seconds)
        return function(*args, **kwargs)

    return delayed


def build_parser() -> argparse.ArgumentParser:
    """The options of the stand-in."""
    parser = argparse.ArgumentParser(description="A strict stand-in of the original Player.")
    parser.add_argument("url", help="where to bind; tcp://127.0.0.1:* takes a free port")
    parser.add_argument("--bank", default="BANKA")
    parser.add_argument(
        "--mode", default=None, help="mode that is set at the start; default: none, as the original"
    )
    parser.add_argument(
        "--arm-delay",
        type=float,
        default=4.0,
        help="needed_arm_delay, s; earliest start is 2 s more",
    )
    parser.add_argument(
        "--earliest-in", type=float, default=None, help="earliest start from now instead, s"
    )
    parser.add_argument(
        "--earliest-start", type=_utc, default=None, help="a fixed earliest start, ISO, UTC"
    )
    parser.add_argument(
        "--scan-length", type=float, default=1.0, help="s; the watchdog ends scans 1 s after that"
    )
    add_misbehaviour(parser, "methods that answer [false, text]")
    parser.add_argument(
        "--unserialisable",
        action="append",
        default=[],
        metavar="METHOD",
        help="methods that answer what JSON cannot hold, which ends the process",
    )
    parser.add_argument(
        "--python2", action="store_true", help="quote text as the Python 2 server does: u'bar'"
    )
    parser.add_argument(
        "--record", type=Path, default=None, help="file that gets all that arrives, a line each"
    )
    return parser


def _utc(text: str) -> datetime:
    time_ = datetime.fromisoformat(text)
    return time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_.astimezone(UTC)


def main(argv: list[str] | None = None) -> int:
    """Run the Player until SIGINT."""
    options = build_parser().parse_args(argv)
    ctx: zmq.Context[Any] = zmq.Context()
    server = OriginalServer(ctx, options.url, python2=options.python2, record=options.record)
    bank = _with_faults(options)(options)
    server.expose("bank", bank)
    server.expose("bank.roach", None)
    server.expose("bank.valon", None)
    signal.signal(signal.SIGINT, lambda *_: server.quit_loop())
    print(server.url, flush=True)
    try:
        server.run_loop(bank._watchdog)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


class OriginalPlayer(ToyProcess):
    """The stand-in as a process; keyword arguments are options: `OriginalPlayer(mode="MODE1",
    slow=["start=2"])`."""

    module = "support.original_server"


if __name__ == "__main__":
    sys.exit(main())
