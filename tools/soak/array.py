"""The array of a soak: a port manager, two Players with their data-taking programs, an observer,
and the line and the disk between and below them.

BANKA is reached through a line that can be cut, BANKB under its name at the port manager.
"""

from __future__ import annotations

import contextlib
import json
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.player_run import free_port
from support.spectrometer_array import write_array

from groundwork.closing import Closing
from player.testing.wire import Wire
from portmanager import PortManager, PortManagerError
from spectrometer.daq.liveframes import live_path
from tools.soak.disk import Disk
from tools.soak.observer import MODE
from tools.soak.processes import READY_WITHIN_S, Child, environment, eventually
from tools.soak.stepped import CLOCK_VARIABLE
from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.errors import ProxyError

BANKS = ("BANKA", "BANKB")
EXPOSURE_S, SCAN_S = 0.1, 1.0
BACK_WITHIN_S = 60.0
CALL_WITHIN_S = 10.0
RECEIVER = "center_mhz = 1420.0, bandwidth_mhz = 1.0"
LENT_PORTS = 4
"""More than Players need: one that was killed may keep its own for a moment."""
SILENT_S = 3
"""A program that hangs so long in a scan is ended."""


class Array(Closing):
    """All of it; `open` starts it, and `close` leaves nothing of it.

    Args:
        folder: For its files; they may be looked at afterwards.
        mark: Of its processes.
        first_port: Of the LENT_PORTS that the port manager lends.

    Attributes:
        disk: Where the Players write.
        players: Bank -> process.
        keys: Bank -> key of its status memory.
        semaphores: Bank -> name of its semaphore.
        faults: What went wrong in keeping the array itself.
        refusal: Why no scan could be taken when it was last tried.
    """

    def __init__(self, folder: Path, mark: str, first_port: int) -> None:
        self.folder, self.mark = folder, mark
        self.disk = Disk(folder / "disk")
        self.players: dict[str, Child] = {}
        self.urls: dict[str, str] = {}
        self.keys: dict[str, int] = {}
        self.semaphores: dict[str, str] = {}
        self.faults: list[str] = []
        self.refusal = ""
        self.wire: Wire | None = None
        self._manager: Child | None = None
        self._observer: Child | None = None
        self._manager_port = free_port()
        self._pool = f"{first_port}-{first_port + LENT_PORTS - 1}"
        self._config = folder / "array.toml"
        self._log_begins: dict[str, int] = {}

    @property
    def manager(self) -> Child:
        """The port manager."""
        assert self._manager is not None
        return self._manager

    @property
    def observer(self) -> Child:
        """The Dealer."""
        assert self._observer is not None
        return self._observer

    def open(self) -> None:
        """Start all of it."""
        self._write_configuration()
        if self.bring_back() is None:
            raise RuntimeError(f"no scan can be taken from the beginning: {self.refusal}")

    def close(self) -> None:
        """End all of it in order: observer, Players, port manager, disk; faults are noted."""
        for child in [self._observer, *self.players.values(), self._manager]:
            if child is not None and child.is_alive and not child.end():
                self.faults.append(f"{child.name} did not end within its time after SIGTERM")
            if child is not None:
                child.close()
        if self.wire is not None:
            self.wire.close()
        self.disk.close()

    def start_manager(self) -> None:
        """Start the port manager, and wait until it listens."""
        if self._manager is not None:
            self._manager.close()
        places = {
            "portfile": "pm.port",
            "pidfile": "pm.pid",
            "usagefile": "pm.txt",
            "log": "pm.log",
        }
        words = [
            "portmanager.cli",
            "--bind",
            "127.0.0.1",
            "-listen",
            str(self._manager_port),
            "-ports",
            self._pool,
        ]
        for option, name in places.items():
            words += [f"-{option}", str(self.folder / name)]
        self._manager = Child("port manager", words, environment(self.mark), self.folder / "pm.err")
        if not eventually(self._manager_answers, READY_WITHIN_S):
            raise RuntimeError("the port manager does not answer; see pm.err")

    def begin_player(self, bank: str) -> None:
        """Start a Player, and do not wait."""
        if (before := self.players.get(bank)) is not None:
            before.close()
        log = self.folder / f"{bank}.log"
        self._log_begins[bank] = log.stat().st_size if log.exists() else 0
        words = ["tools.soak.stepped", bank, "simulate", "--config", str(self._config)]
        variables = environment(
            self.mark,
            DIBAS_DATA=str(self.disk.folder),
            XDG_STATE_HOME=str(self.disk.folder / "state"),
            **{CLOCK_VARIABLE: str(self.clock_file)},
        )
        self.players[bank] = Child(f"Player of {bank}", words, variables, log)

    def wait_player(self, bank: str) -> None:
        """Wait until it serves; where that is is known afterwards."""
        player = self.players[bank]
        end = time.monotonic() + READY_WITHIN_S
        while not (url := self._served_at(bank)):
            if not player.is_alive:
                raise RuntimeError(f"{player.name} ended with {player.status}; see {bank}.log")
            if time.monotonic() > end:
                raise RuntimeError(f"{player.name} is not ready; see {bank}.log")
            time.sleep(0.05)
        self.urls[bank] = url
        if bank == "BANKA" and self.wire is None:
            self.wire = Wire(int(url.rpartition(":")[2]))

    def start_observer(self) -> None:
        """Start the Dealer."""
        if self._observer is not None:
            self._observer.close()
        assert self.wire is not None
        where = {
            "BANKA": self.wire.url,
            "BANKB": f"service://127.0.0.1:{self._manager_port}/BANKB",
        }
        self._observer = Child(
            "Dealer",
            ["tools.soak.observer", json.dumps(where)],
            environment(self.mark),
            self.folder / "observer.log",
        )
        if self._observer.wait_line(lambda line: '"ready"' in line, READY_WITHIN_S) is None:
            raise RuntimeError("the observer is not ready; see observer.log")

    @property
    def clock_file(self) -> Path:
        """Its text is by how many seconds the Players' clocks are off."""
        return self.folder / "clock"

    @contextlib.contextmanager
    def bank(self, bank: str) -> Iterator[Any]:
        """Yield a proxy of a Bank, past the line and the names."""
        with ZMQJSONProxyClient(None, "bank", self.urls[bank], CALL_WITHIN_S) as proxy:
            yield proxy

    def is_listed(self) -> bool:
        """Tell whether BANKB is registered under its name."""
        try:
            with PortManager("127.0.0.1", self._manager_port, timeout=1.0) as client:
                return any(one.service == "BANKB" for one in client.list_ports())
        except (OSError, PortManagerError):
            return False

    def bring_back(self) -> float | None:
        """Start what has ended, and wait until a scan can be taken again; s, None: it cannot."""
        begun = time.monotonic()
        try:
            self._start_all()
        except RuntimeError as error:
            self.refusal = str(error)
            return None
        for bank in BANKS:
            while not self._is_prepared(bank):
                if time.monotonic() > begun + BACK_WITHIN_S:
                    return None
                time.sleep(0.1)
        if not eventually(self.is_listed, BACK_WITHIN_S):
            self.refusal = "BANKB is not in the list of the port manager"
            return None
        return time.monotonic() - begun

    def _start_all(self) -> None:
        """Start what is not there."""
        if self._manager is None or not self._manager.is_alive:
            self.start_manager()
        ended = [bank for bank in BANKS if bank not in self.urls or not self.players[bank].is_alive]
        for bank in ended:
            self.begin_player(bank)
        for bank in ended:
            self.wait_player(bank)
        if self._observer is None or not self._observer.is_alive:
            self.start_observer()

    def shared_names(self, bank: str) -> tuple[str, ...]:
        """Return the beginnings of names in /dev/shm that belong to a Bank."""
        key = f"{self.keys[bank]:08x}"
        semaphore = self.semaphores[bank].removeprefix("/")
        locks = (f"dealer-player.key-{key}.", f"dealer-player.semaphore-{semaphore}.")
        return (live_path(self.keys[bank]).name, f"sem.{semaphore}", *locks)

    def _is_prepared(self, bank: str) -> bool:
        try:
            with self.bank(bank) as proxy:
                if proxy.get_mode() != MODE:
                    proxy.set_mode(MODE)
                proxy.prepare()
                state = proxy.get_status("DAQSTATE")
        except ProxyError as error:
            self.refusal = f"{bank}: {error}"
            return False
        self.refusal = f"{bank}: its data-taking program is {state}"
        return bool(state != "starting")

    def _served_at(self, bank: str) -> str:
        """URL at which the Player of a Bank says that it serves; empty: it does not yet."""
        with (self.folder / f"{bank}.log").open("rb") as log:
            log.seek(self._log_begins.get(bank, 0))
            text = log.read().decode(errors="replace")
        lines = [line for line in text.splitlines() if ": ready: " in line]
        return lines[0].split(" at ")[-1] if lines else ""

    def _manager_answers(self) -> bool:
        try:
            with PortManager("127.0.0.1", self._manager_port, timeout=1.0) as client:
                client.list_ports()
        except (OSError, PortManagerError):
            return False
        return True

    def _write_configuration(self) -> None:
        sources = {
            bank: f"{{ taps = 2, synthetic = {{ {RECEIVER}, seed = {number} }} }}"
            for number, bank in enumerate(BANKS, 1)
        }
        write_array(self._config, banks=len(BANKS), sources=sources)
        text = self._config.read_text(encoding="utf-8")
        text = text.replace("[spectrometer]\n", f"[spectrometer]\ndaq_silent_s = {SILENT_S}\n", 1)
        text = text.replace(
            "[instrument]\n",
            f'[instrument]\nportmanager = "127.0.0.1:{self._manager_port}"\n',
            1,
        )
        head, of_b = text.split("[banks.BANKB]\n", 1)
        before, _, after = of_b.partition("player_port = ")
        of_b = f'{before}player_port = "service:BANKB"\n{after.partition(chr(10))[2]}'
        self._config.write_text(f"{head}[banks.BANKB]\n{of_b}", encoding="utf-8")
        for bank, table in tomllib.loads(self._config.read_text(encoding="utf-8"))["banks"].items():
            memory = table["status_memory"]
            self.keys[bank], self.semaphores[bank] = memory["key"], memory["semaphore"]
