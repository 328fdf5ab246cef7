"""File in which the lease of a Bank outlives its Player: a restart never makes one longer, and
never gives a number twice.

Ends of leases are times since the host was booted, so a lease ends with a reboot at the latest.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from groundwork.errors import text_of
from groundwork.wholefiles import WholeFile
from player.statenames import state_name
from zmqjsonproxy.control.protocol.lease import Holder, Lease, Terms
from zmqjsonproxy.errors import RefusedError

__all__ = ["ControlFile", "boot_id", "seconds_since_boot"]

log = logging.getLogger(__name__)

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | os.O_RDONLY
_IN_PLACE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_BYTES = 10_000


def seconds_since_boot() -> float:
    """Return a time that is never set and counts the sleep of the machine, s."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return a text that is another one after each boot of the host."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # some containers: a lease then ends with its Player
        return f"process {os.getpid()} {time.time()}"


class ControlFile:
    """The file of one Bank; its folder is made when it is needed.

    Args:
        state_dir: Where it is; None: nothing is kept, and a lease ends with the Player.
        bank: Name of the Bank.
        config: Configuration of the array: others may have a Bank of this name on this host.
        boot: As `boot_id` returns it.
        wall: UTC, unix seconds.

    Attributes:
        failures: How often it could not be written.
    """

    def __init__(
        self,
        state_dir: Path | None,
        bank: str,
        config: Path,
        *,
        boot: str | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        name = f"{state_name('control', bank, config)}.json"
        self._path = None if state_dir is None else state_dir / name
        self._bank, self._wall, self._boot = bank, wall, boot_id() if boot is None else boot
        self.failures, self._is_well = 0, True

    def load(self, *, is_required: bool = False) -> Lease:
        """Return the lease as it was kept; a new one if nothing was.

        Args:
            is_required: Commands need control also where nobody has it.
        """
        number, holder = 0, None
        if self._path is not None:
            try:
                with self._path.open("rb") as file:
                    kept = json.loads(file.read(_MAX_BYTES))
                number = int(kept["number"])
                if kept["holder"] is not None and kept["boot"] == self._boot:
                    holder = _holder(kept["holder"])
            except (FileNotFoundError, NotADirectoryError):
                pass  # nothing was kept
            except (
                OSError,
                ValueError,
                TypeError,
                LookupError,
                RecursionError,
                RefusedError,
            ) as error:
                # Higher than any number that it may have held; nobody proves control of those.
                number, holder = int(self._wall()), None
                log.warning(
                    "%s: %s cannot be read (%s): nobody has control, and numbers go on from %d",
                    self._bank,
                    self._path,
                    text_of(error),
                    number,
                )
        return Lease(self._bank, number, holder, is_required)

    def keep(self, lease: Lease, is_other: bool) -> None:
        """Write a lease down; a failure is counted and logged.

        Args:
            lease: As it is now.
            is_other: Control was given or has ended, which is there after a power failure, too.
        """
        if self._path is None:
            return
        holder = lease.holder
        text = json.dumps(
            {
                "number": lease.number,
                "boot": self._boot,
                "holder": None if holder is None else asdict(holder),
            }
        )
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self._path.parent, _FOLDER)
            try:
                self._write(folder, text.encode(), is_other)
            finally:
                os.close(folder)
            self._is_well = True
        except OSError as error:
            self.failures += 1
            if self._is_well:
                self._is_well = False
                log.warning(
                    "%s: control cannot be kept in %s (%s): it may end with the Player",
                    self._bank,
                    self._path,
                    error.strerror or error,
                )

    def _write(self, folder: int, text: bytes, is_durable: bool) -> None:
        assert self._path is not None
        try:
            with WholeFile(folder, self._path.name, 0o600) as file:
                file.write(text)
                file.commit(is_durable=is_durable)
        except OSError:
            # In the place of what was kept there is room: a lease that has ended would come back
            # with the next start. One that is torn counts as damaged, and is nobody's.
            there = os.open(self._path.name, _IN_PLACE, dir_fd=folder)
            try:
                os.pwrite(there, text, 0)
                os.ftruncate(there, len(text))
                if is_durable:
                    os.fsync(there)
            finally:
                os.close(there)


def _holder(kept: dict[str, Any]) -> Holder:
    """Return a lease as it was kept; ValueError, TypeError, LookupError, RefusedError: it makes no
    sense."""
    terms = kept["terms"]
    silent = terms["silent_s"]
    return Holder(
        number=int(kept["number"]),
        digest=str(kept["digest"]),
        terms=Terms(
            owner=str(terms["owner"]),
            key=str(terms["key"]),
            reason=str(terms["reason"]),
            seconds=float(terms["seconds"]),
            silent_s=None if silent is None else float(silent),
        ),
        since=float(kept["since"]),
        until=float(kept["until"]),
        ends=float(kept["ends"]),
        heard=float(kept["heard"]),
    )
