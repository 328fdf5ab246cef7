"""Remains of an array: processes, shared memory and semaphores that nobody owns any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.soak.processes import eventually, marked

GONE_WITHIN_S = 30.0
SHARED = Path("/dev/shm")
SEGMENTS = Path("/proc/sysvipc/shm")
SETS = Path("/proc/sysvipc/sem")


def orphans(mark: str, roots: Iterable[int], within_s: float = GONE_WITHIN_S) -> list[str]:
    """Return processes with a mark that belong to none of the roots, if they do not end in time.

    Args:
        mark: In their environment.
        roots: Processes that may be there, with all below them.
        within_s: How long one may take to notice that what it worked for has gone.
    """
    known, found = set(roots), list[str]()

    def none() -> bool:
        found[:] = [
            f"process {process.pid} ({' '.join(process.cmdline()[:4])}) is an orphan"
            for process in marked(mark)
            if process.pid not in known and not known & {one.pid for one in process.parents()}
        ]
        return not found

    eventually(none, within_s)
    return found


def segment_keys(table: str) -> list[int]:
    """Return the keys in a table of /proc/sysvipc; one without a key, 0, is among them."""
    return [int(line.split()[0]) for line in table.splitlines()[1:] if line.strip()]


def shared(keys: Iterable[int], names: Iterable[str]) -> list[str]:
    """Return what of shared memory and semaphores is still there.

    Args:
        keys: System V keys of ours.
        names: Beginnings of names of ours in /dev/shm.
    """
    ours, beginnings = {key & 0xFFFFFFFF for key in keys}, tuple(names)
    return _left(lambda key: key & 0xFFFFFFFF in ours, lambda name: name.startswith(beginnings))


def everything_shared() -> list[str]:
    """Return all shared memory and semaphores that there are: nobody else has any here."""
    return _left(lambda _key: True, lambda _name: True)


def _left(is_our_key: Callable[[int], bool], is_our_name: Callable[[str], bool]) -> list[str]:
    found = [
        f"{what} {key & 0xFFFFFFFF:#010x} is left"
        for what, table in (("segment", SEGMENTS), ("set of semaphores", SETS))
        for key in segment_keys(table.read_text(encoding="ascii"))
        if is_our_key(key)
    ]
    return found + [
        f"{SHARED / name} is left" for name in sorted(os.listdir(SHARED)) if is_our_name(name)
    ]
