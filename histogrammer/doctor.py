"""Hindrances of a histogrammer on this host, and their remedies. Starts and changes nothing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from groundwork.extras import install_advice
from histogrammer.compiling import has_numba
from histogrammer.config import HistogrammerBankConfig
from histogrammer.display.memory import MemoryKind, file_bytes
from player.findings import Finding, Surroundings
from player.tables import Config

__all__ = ["diagnose"]

_MIB = 1 << 20
_MAX_SHARED = Path("/proc/sys/kernel/shmmax")


def diagnose(config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
    """Return what is wrong with a histogrammer; see `player.bank.Bank.diagnose`."""
    bank = config.banks[bank_name]
    assert isinstance(bank, HistogrammerBankConfig)
    key = f"banks.{bank_name}"
    found = [_display_memory(key, bank, config.directory, around)]
    found += [_root(key, root) for root in bank.named_roots(config.directory)]
    found += [_program(key, name, command) for name, command in bank.programs.items()]
    if not has_numba():
        around.note(
            f"{install_advice('numba')}; without it histogrammers fill spectra several times slower"
        )
    return [
        Finding(check, text, remedy, bank_name)
        for check, text, remedy in (one for one in found if one is not None)
    ]


_Found = tuple[str, str, str]
"""Thing that was looked at, fault, remedy."""


def _display_memory(
    key: str, bank: HistogrammerBankConfig, directory: Path, around: Surroundings
) -> _Found | None:
    if bank.shm_kind is MemoryKind.SYSV:
        return _segment(key, bank)
    check, home = "display memory", bank.home_folder(directory)
    what = f"the folder of the display memory, {home},"
    if why := _not_a_folder(home):
        return check, f"{what} {why}", f"make it, or name another one in {key}.home"
    if not os.access(home, os.W_OK | os.X_OK):
        remedy = f"make it writable for the user of the Player, or name another one in {key}.home"
        return check, f"{what} cannot be written", remedy
    needed, free = file_bytes(bank.shm_mbytes), shutil.disk_usage(home).free
    if free < needed and not around.is_served:  # its own file is there then
        text = (
            f"{what} has room for {free / _MIB:.1f} MiB, and the memory takes {needed / _MIB:.1f}"
        )
        return check, text, f"make room there, or ask for less in {key}.shm_mbytes"
    return None


def _segment(key: str, bank: HistogrammerBankConfig) -> _Found | None:
    try:
        most = int(_MAX_SHARED.read_text())
    except (OSError, ValueError):
        return None
    needed = file_bytes(bank.shm_mbytes)
    if needed <= most:
        return None
    text = (
        f"the display memory takes {needed} bytes, and a System V segment has at most {most} here"
    )
    return "display memory", text, f"raise {_MAX_SHARED}, or ask for less in {key}.shm_mbytes"


def _root(key: str, root: Path) -> _Found | None:
    why = _not_a_folder(root)
    if not why and not os.access(root, os.R_OK | os.X_OK):
        why = "cannot be read"
    if not why:
        return None
    text = f"{root}, below which clients may name files, {why}"
    return (
        "roots",
        text,
        f"make it a folder that the user of the Player can read, or correct {key}.roots",
    )


def _program(key: str, name: str, command: Sequence[str]) -> _Found | None:
    program = command[0]
    if shutil.which(program) is not None:
        return None
    if not os.path.dirname(program):
        why, remedy = "is not on the PATH", "install it"
    elif os.path.isfile(program):
        why, remedy = "cannot be executed", f"allow it, chmod +x {program}"
    elif os.path.lexists(program):
        why, remedy = "is no program", "put it there"
    else:
        why, remedy = "is not there", "put it there"
    text = f"{program}, which clients may attach as {name}, {why}"
    return "programs", text, f"{remedy}, or correct {key}.programs"


def _not_a_folder(path: Path) -> str:
    """Return why a path is no folder; empty: it is one."""
    try:
        path.stat()
    except OSError as error:
        return (
            "does not exist"
            if error.errno == errno.ENOENT
            else f"cannot be found: {error.strerror}"
        )
    return "" if path.is_dir() else "is not a folder"
