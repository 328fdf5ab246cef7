"""Kinds of Banks for tests of the host: small, without any instrument."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from player.bank import Bank, BankContext
from player.errors import Fault
from player.tables import BankConfig
from zmqjsonproxy.interface import command, query


class Device:
    """A part of a Bank, with one method."""

    @query
    def voltage(self) -> float:
        """Return volts."""
        return 1.5


class ToyBank(Bank):
    """Counts the seconds, has one device that is there and one that is not, and says what it was
    told."""

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        self.ticks = 0
        self.events: list[str] = []
        self.children: list[subprocess.Popen[bytes]] = []
        self.ticked = threading.Event()

    def open(self) -> None:
        self.events.append("open")

    def close(self) -> None:
        self.events.append("close")

    def watchdog(self) -> None:
        self.ticks += 1
        self.ticked.set()

    def parts(self) -> Mapping[str, object | None]:
        return {"device": Device(), "roach": None}

    @query
    def surroundings(self) -> dict[str, Any]:
        """Return what the host told this Bank."""
        context = self.context
        return {
            "simulate": context.simulate,
            "data_root": str(context.data_root),
            "dibas_dir": None if context.dibas_dir is None else str(context.dibas_dir),
            "pid": os.getpid(),
            "notify_socket": os.environ.get("NOTIFY_SOCKET"),
        }

    @query
    def count(self) -> int:
        """Return how often the watchdog was called."""
        return self.ticks

    @command
    def nap(self, seconds: float) -> str:
        """Block, as code does that cannot be interrupted."""
        time.sleep(seconds)
        return "slept"

    @command
    def start_child(self, stubborn: bool = False) -> int:
        """Start a process that lives for a minute, stubbornly or not, and return its number."""
        code = "import signal, time; print(flush=True); time.sleep(60)"
        if stubborn:
            code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + code
        child = subprocess.Popen(
            [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()  # it has begun, its signal handling is in place
        self.children.append(child)
        return child.pid


class FailingBank(ToyBank):
    """Cannot be opened, in the way that an operator can mend."""

    def open(self) -> None:
        super().open()
        raise OSError(5, "the board does not answer")


class BrokenBank(ToyBank):
    """Cannot be opened, because of a bug; its end is written into a file."""

    def open(self) -> None:
        super().open()
        raise ZeroDivisionError("a bug")

    def close(self) -> None:
        super().close()
        (self.context.data_root / "closed").write_text("closed")


class SlowBank(ToyBank):
    """Takes a minute to open; says so in a file."""

    def open(self) -> None:
        (self.context.data_root / "opening").write_text("opening")
        time.sleep(60)

    def close(self) -> None:
        (self.context.data_root / "closed").write_text("closed")


class HangingBank(ToyBank):
    """Never ends its `close`."""

    def close(self) -> None:
        time.sleep(60)


class MuteBank(ToyBank):
    """Answers as somebody else, so that it is never ready."""

    @query
    def get_bank_name(self) -> str:
        return "BANKX"


class ParentBank(ToyBank):
    """Has children of its own, as a site's Bank may."""

    @command
    def end_child(self, number: int) -> int:
        """Start a process, end it by a signal; its exit status."""
        fork = multiprocessing.get_context("fork")
        ready = fork.Event()
        child = fork.Process(target=_ready_and_asleep, args=(ready,))
        child.start()
        ready.wait(30)
        os.kill(child.pid or 0, number)
        child.join(30)
        status = child.exitcode
        child.kill()
        return status if status is not None else 0

    @command
    def use_pool(self) -> str:
        """Leave a pool whose worker is busy."""
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.apply_async(time.sleep, (30,))
            return "pool is closed"


def _ready_and_asleep(ready: Any) -> None:
    ready.set()
    time.sleep(30)


class CheckedConfig(BankConfig):
    """Has a key of its own."""

    gain: int = 1


class CheckedBank(ToyBank):
    """Has keys, a table and a rule of its own."""

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        return CheckedConfig

    @classmethod
    def instrument_sections(cls) -> Mapping[str, Any]:
        return {"gains": dict[str, int]}

    @classmethod
    def check(cls, config: Any) -> list[Fault]:
        limit = config.sections["gains"].get("limit", 10)
        return [
            config.fault(("banks", name, "gain"), f"{bank.gain} is above the limit of {limit}")
            for name, bank in config.banks.items()
            if isinstance(bank, CheckedConfig) and bank.gain > limit
        ]


def write_configuration(
    path: Path, banks: Mapping[str, Mapping[str, Any]], instrument: str = ""
) -> Path:
    """Write a configuration of toy Banks; each gets kind and host unless they are given."""
    import json
    import socket

    lines = ["[instrument]", instrument]
    for name, table in banks.items():
        lines.append(f"[banks.{name}]")
        for key, value in {
            "kind": "support.toy_bank:ToyBank",
            "hpc_host": socket.gethostname(),
            **table,
        }.items():
            lines.append(f"{key} = {json.dumps(value)}")
    path.write_text("\n".join(lines) + "\n")
    return path
