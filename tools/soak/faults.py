"""Faults of a soak: each is done to an array, and taken back."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from spectrometer.status.semaphore import semaphore_path
from tools.soak.array import BANKS, Array
from tools.soak.processes import ROOT

LONGEST_STILL_S = 4.0
"""Also longer than a program may be silent in a scan."""
LONGEST_CUT_S = 3.0
STEPS_S = (3600.0, -3600.0, 86400.0, -2.5, 1.5)
Back = Callable[[], object]
"""Takes a fault back; it has waited for its time itself."""
HOLDS = """
import posix_ipc, sys, sysv_ipc
memory = sysv_ipc.SharedMemory(int(sys.argv[2]), 0, size=0)
semaphore = posix_ipc.Semaphore(sys.argv[1])
semaphore.acquire(10)
"""
"""A foreign program that ends, attached, with the semaphore in its hands."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: In the table.
        strike: Do it to an array at once; what takes it back.
    """

    name: str
    strike: Callable[[Array, random.Random], Back]


def _nothing() -> None:
    """Return what a fault leaves to whoever starts things again."""


def _still(seconds: float, go_on: Callable[[], object]) -> Back:
    end = time.monotonic() + seconds

    def back() -> None:
        time.sleep(max(end - time.monotonic(), 0.0))
        go_on()

    return back


def _player_killed(array: Array, chance: random.Random) -> Back:
    array.players[chance.choice(BANKS)].kill()
    return _nothing


def _player_frozen(array: Array, chance: random.Random) -> Back:
    player = array.players[chance.choice(BANKS)]
    player.send(signal.SIGSTOP)
    return _still(
        chance.uniform(0.2, LONGEST_STILL_S), functools.partial(player.send, signal.SIGCONT)
    )


def _program(array: Array, chance: random.Random) -> psutil.Process | None:
    programs = array.players[chance.choice(BANKS)].programs()
    return programs[0] if programs else None


def _signal(program: psutil.Process, number: signal.Signals) -> None:
    try:
        program.send_signal(number)
    except psutil.NoSuchProcess:
        pass  # its Player was faster


def _program_killed(array: Array, chance: random.Random) -> Back:
    if (program := _program(array, chance)) is not None:
        _signal(program, signal.SIGKILL)
    return _nothing


def _program_frozen(array: Array, chance: random.Random) -> Back:
    program, seconds = _program(array, chance), chance.uniform(0.2, LONGEST_STILL_S)
    if program is None:
        return _nothing
    _signal(program, signal.SIGSTOP)
    return _still(seconds, functools.partial(_signal, program, signal.SIGCONT))


def _killed(role: str, array: Array, _chance: random.Random) -> Back:
    getattr(array, role).kill()
    return _nothing


def _frozen(role: str, array: Array, chance: random.Random) -> Back:
    send = getattr(array, role).send
    send(signal.SIGSTOP)
    return _still(chance.uniform(0.2, LONGEST_STILL_S), functools.partial(send, signal.SIGCONT))


def _disk_full(array: Array, chance: random.Random) -> Back:
    writers = [player.pid for player in array.players.values()]
    writers += [program.pid for player in array.players.values() for program in player.programs()]
    array.disk.fill(writers)
    return _still(chance.uniform(0.5, LONGEST_STILL_S), array.disk.clear)


def _semaphore_held(array: Array, chance: random.Random) -> Back:
    bank = chance.choice(BANKS)
    words = [sys.executable, "-c", HOLDS, array.semaphores[bank], str(array.keys[bank])]
    holder = subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    return holder.wait


def _spoil_semaphore(spoil: Callable[[Path], object], array: Array, chance: random.Random) -> Back:
    path = semaphore_path(array.semaphores[chance.choice(BANKS)])
    if path.exists():
        spoil(path)
    return _nothing


def _truncate(path: Path) -> None:
    os.truncate(path, 0)


def _clock_set(array: Array, chance: random.Random) -> Back:
    array.clock_file.write_text(str(chance.choice(STEPS_S)), encoding="ascii")
    return _still(
        chance.uniform(0.5, LONGEST_STILL_S),
        functools.partial(array.clock_file.unlink, missing_ok=True),
    )


def _line_cut(array: Array, chance: random.Random) -> Back:
    wire = array.wire
    assert wire is not None
    wire.down()
    return _still(chance.uniform(0.1, LONGEST_CUT_S), wire.up)


def _line_silent(array: Array, chance: random.Random) -> Back:
    wire = array.wire
    assert wire is not None
    wire.stop()
    return _still(chance.uniform(0.1, LONGEST_CUT_S), wire.up)


FAULTS = (
    Fault("none", lambda _array, _chance: _nothing),
    Fault("Player killed", _player_killed),
    Fault("Player frozen", _player_frozen),
    Fault("data-taking program killed", _program_killed),
    Fault("data-taking program frozen", _program_frozen),
    Fault("Dealer killed", functools.partial(_killed, "observer")),
    Fault("Dealer frozen", functools.partial(_frozen, "observer")),
    Fault("port manager killed", functools.partial(_killed, "manager")),
    Fault("port manager frozen", functools.partial(_frozen, "manager")),
    Fault("disk full", _disk_full),
    Fault("semaphore held by a dead process", _semaphore_held),
    Fault("semaphore's file cut to nothing", functools.partial(_spoil_semaphore, _truncate)),
    Fault("semaphore removed", functools.partial(_spoil_semaphore, Path.unlink)),
    Fault("clock set", _clock_set),
    Fault("network cut", _line_cut),
    Fault("network silent", _line_silent),
)
