"""Diagnosis of a spectrometer Bank on this host: its memory, programs, recording, addresses.

Looks without changing anything: neither segment nor semaphore is made, taken or removed before a
finding is repaired.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import posix_ipc
import sysv_ipc

from player.findings import Finding, Surroundings
from player.listeners import describe_process
from player.tables import Config
from spectrometer.config import (
    RoachConfig,
    SourceConfig,
    SpectrometerBankConfig,
    StatusMemoryConfig,
    SynthConfig,
)
from spectrometer.daq.errors import SourceError
from spectrometer.daq.recordings import open_recording
from spectrometer.errors import LinkAddressError
from spectrometer.modes import load_modes
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.databuffers import FAMILIES, remove_buffers
from spectrometer.status.errors import StatusAttachError, StatusLockFileError
from spectrometer.status.keys import STATUS_BYTES
from spectrometer.status.owner import Owner, Ownership, SharedName, owner_of
from spectrometer.status.protocol.damage import find_damage
from spectrometer.status.repair import repair_status
from spectrometer.status.semaphore import semaphore_fault, semaphore_path
from spectrometer.statusmemory import holder_name

if TYPE_CHECKING:
    from spectrometer.instruments.roach import Roach

__all__ = ["diagnose"]

BOARD_WITHIN_S = 3.0
SHOWN = 3  # modes that a sentence names
HELD_S = 1.0  # a healthy program holds the semaphore for a millisecond
LOOK_EVERY_S = 0.005
REPAIRED_BY = " (without a Player: player doctor --repair)"
OWN_DAQ_NEEDS = ("numpy", "scipy", "astropy")


def diagnose(config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
    """Return what is wrong with a spectrometer Bank; see `player.bank.Bank.diagnose`."""
    bank = config.banks[bank_name]
    assert isinstance(bank, SpectrometerBankConfig)
    findings: list[Finding] = []
    shared = bank.shared_names(simulate=around.simulate)

    def found(check: str, text: str, remedy: str, repair: Callable[[], str] | None = None) -> None:
        if repair is not None:
            remedy += REPAIRED_BY
            repair = partial(_as_owner, bank.shared_names(simulate=False), repair)
        findings.append(Finding(check, text, remedy, bank_name, repair))

    is_owned = _owners(bank_name, shared, around, found)
    _memory(bank_name, bank.status_memory, around, found, is_owned=is_owned)
    _semaphore(bank.status_memory, found)
    if bank.source is None and bank.status_memory.is_private and not around.is_served:
        _buffers(bank, found)
    if bank.source is not None:
        _recording(f"banks.{bank_name}.source.file", bank.source, config.directory, found)
    elif not around.simulate:
        _programs(config, around, found)
    if bank.roach is not None:
        _addresses(bank_name, bank, found)
    if missing := _missing(_needs(bank)):
        text = f"board and synthesizer, simulated ones too, cannot be reached without {', '.join(missing)}"
        found(
            "instruments", text, "install what they need: pip install 'dealer-player[instruments]'"
        )
    elif bank.roach is not None and not around.simulate:
        _board(config, bank_name, bank.roach, bank.synth, found)
    return findings


class NoteFinding(Protocol):
    """Takes note of what is wrong: what was looked at, what, what puts it right, and what does so
    without a Player."""

    def __call__(
        self, check: str, text: str, remedy: str, repair: Callable[[], str] | None = None
    ) -> None: ...


# status memory


def _owners(
    bank_name: str, shared: Iterable[SharedName], around: Surroundings, found: NoteFinding
) -> bool:
    """Tell who owns what the Bank needs; whether anybody does."""
    owners: dict[Owner, list[str]] = {}
    for name in shared:
        try:
            owner = owner_of(name)
        except StatusLockFileError as error:
            found("owner", error.fault, error.remedy)
        else:
            if owner is not None:
                owners.setdefault(owner, []).append(name.what)
    for owner, what in owners.items():
        text = f"{' and '.join(what)} {'is' if len(what) == 1 else 'are'} owned by {owner}"
        if around.is_served and owner.holder == holder_name(bank_name):
            around.note(f"{bank_name}: {text}")
        else:
            text += (
                ", not by its Player"
                if around.is_served
                else f", so no Player of {bank_name} can start here"
            )
            found(
                "owner", text, f"end that, or give banks.{bank_name}.status_memory names of its own"
            )
    return bool(owners)


def _as_owner(shared: Iterable[SharedName], repair: Callable[[], str]) -> str:
    """Repair while no Player can begin to use what is repaired; StatusOwnedError if one does
    already."""
    with closing(Ownership(shared, "player doctor --repair")) as ownership:
        ownership.take()
        ownership.announce_end()  # a Player that starts now waits for us
        return repair()


def _memory(
    bank_name: str,
    names: StatusMemoryConfig,
    around: Surroundings,
    found: NoteFinding,
    *,
    is_owned: bool,
) -> None:
    what = f"status memory {names.key:#010x}"
    remove = f"remove it when no program uses it: ipcrm -M {names.key:#x}"
    try:
        memory = sysv_ipc.SharedMemory(names.key, 0, size=0)
    except sysv_ipc.ExistentialError:
        return
    except sysv_ipc.PermissionsError:
        found("status memory", f"{what} belongs to another user who shares it with nobody", remove)
        return
    size, users, image = memory.size, memory.number_attached - 1, bytes(memory.read())
    memory.detach()
    if size != STATUS_BYTES:
        found("status memory", f"{what} has {size} bytes, expected {STATUS_BYTES}", remove)
        return
    if any(image) and (damages := find_damage(image)):
        text = f"{what} is damaged: " + "; ".join(map(str, damages))
        remedy = (
            f"let the Bank put it right, whole cards stay: dealer call {bank_name} repair_status"
        )
        kept_as = around.data_root / bank_name
        found(
            "status memory",
            text,
            remedy,
            None if users > 0 or is_owned else partial(_mend, names, kept_as),
        )
    if (
        around.is_served or is_owned or not names.is_private
    ):  # the original's memory is for everybody, and stays
        return
    if users > 0:
        processes = (
            ", ".join(describe_process(pid) for pid in _attached(names.key))
            or "processes of another user"
        )
        text = f"{what} is in use by {processes}, while no Player serves at the address of the Bank"
        found(
            "status memory", text, "end what was left, or the Player or shell that uses it beside"
        )
    else:
        text = f"{what} and semaphore {names.semaphore} were left behind by a Player that could not end in order"
        remove += f"; rm -f {semaphore_path(names.semaphore)}"
        remedy = f"start the Player, which takes them over, or {remove.partition(': ')[2]}"
        found("status memory", text, remedy, partial(_remove, names))


def _mend(names: StatusMemoryConfig, kept_as: Path) -> str:
    _check_unused(names)
    with StatusBuffer(names.key, names.semaphore) as status:
        _, kept = repair_status(status, kept_as)
    done = f"status memory {names.key:#010x} put right"
    return done if kept is None else f"{done}, what was there is kept in {kept}"


def _remove(names: StatusMemoryConfig) -> str:
    _check_unused(names)
    if not StatusBuffer(names.key, names.semaphore).unlink_unless_used():
        raise _used(names)
    return f"status memory {names.key:#010x} and semaphore {names.semaphore} removed"


def _check_unused(names: StatusMemoryConfig) -> None:
    """Look again before a repair: a Player or a program may have come since the finding.
    StatusAttachError."""
    if _users(names.key):
        raise _used(names)


def _used(names: StatusMemoryConfig) -> StatusAttachError:
    return StatusAttachError(
        f"key {names.key:#010x}", "a program has begun to use it meanwhile; run player doctor again"
    )


def _buffers(bank: SpectrometerBankConfig, found: NoteFinding) -> None:
    """Find data buffers of foreign programs whose Player, and all who used them, are gone."""
    plans = [
        buffer
        for family in FAMILIES
        for buffer in bank.data_buffers.plan(family, bank.status_memory)
    ]
    left = [buffer for buffer in plans if _users(buffer.key) == 0]
    if not left or _users(
        bank.status_memory.key
    ):  # a Player at another address has made them for its program
        return
    keys = ", ".join(f"{buffer.key:#010x}" for buffer in left)

    def remove() -> str:
        _check_unused(bank.status_memory)
        remove_buffers([buffer for buffer in left if not _users(buffer.key)])
        return f"data buffers {keys} removed"

    commands = "; ".join(f"ipcrm -M {buffer.key:#x} -S {buffer.key:#x}" for buffer in left)
    text = f"data buffers {keys} were left behind by a Player that could not end in order"
    found("data buffers", text, f"start the Player, which takes them over, or {commands}", remove)


def _users(key: int) -> int | None:
    """Return how often a segment is attached; None: there is none, or it is not ours to see."""
    try:
        memory = sysv_ipc.SharedMemory(key, 0, size=0)
    except sysv_ipc.Error:
        return None
    users = memory.number_attached - 1
    memory.detach()
    return int(users)


def _attached(key: int) -> Iterator[int]:
    """Yield the processes that have a segment in their memory, as far as we may see them."""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            if f"/SYSV{key:08x}" in maps.read_text(errors="replace"):
                yield int(maps.parent.name)


def _semaphore(names: StatusMemoryConfig, found: NoteFinding) -> None:
    path = semaphore_path(names.semaphore)
    if fault := semaphore_fault(names.semaphore):
        text = f"the file {path} of semaphore {names.semaphore} {fault}"
        found(
            "semaphore",
            text,
            f"start the Player, which makes it anew, or rm {path}",
            partial(_remove_file, names),
        )
        return
    remedy = f"end its holder; if there is none, rm {path} while no Player runs"
    try:
        semaphore = posix_ipc.Semaphore(names.semaphore)
    except posix_ipc.ExistentialError:
        return
    except posix_ipc.PermissionsError:
        found(
            "semaphore",
            f"semaphore {names.semaphore} belongs to another user who shares it with nobody",
            remedy,
        )
        return
    try:
        end = time.monotonic() + HELD_S
        while semaphore.value == 0:
            if time.monotonic() > end:
                text = f"semaphore {names.semaphore} is held for more than {HELD_S:g} s, so its holder died or hangs"
                found(
                    "semaphore",
                    text,
                    remedy,
                    None if _users(names.key) else partial(_release, names),
                )
                return
            time.sleep(LOOK_EVERY_S)
    finally:
        semaphore.close()


def _remove_file(names: StatusMemoryConfig) -> str:
    """Of what is no semaphore, which nobody can use."""
    if semaphore_fault(names.semaphore):
        semaphore_path(names.semaphore).unlink()
    return f"{semaphore_path(names.semaphore)} removed, which was no semaphore"


def _release(names: StatusMemoryConfig) -> str:
    """Of a holder that has ended: nobody is attached to the memory."""
    _check_unused(names)
    with StatusBuffer(names.key, names.semaphore) as status:  # takes it over
        if names.is_private:
            status.unlink_unless_used()
    return f"semaphore {names.semaphore} released, which a program held that has ended"


# data taking


def _recording(key: str, source: SourceConfig, beside: Path, found: NoteFinding) -> None:
    path = source.path(beside)
    if path is not None:
        try:
            open_recording(path).close()
        except SourceError as error:
            text = str(error) if path.is_file() else f"there is no recording {path}"
            found("recording", text, f"put a GUPPI raw or DADA file there, or correct {key}")
    if missing := _missing(OWN_DAQ_NEEDS):
        text = f"spectrometer-daq cannot run without {', '.join(missing)}"
        found(
            "data-taking program", text, "install what it needs: pip install 'dealer-player[fits]'"
        )


def _missing(modules: Iterable[str]) -> list[str]:
    """Return those that are not installed."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def _programs(config: Config, around: Surroundings, found: NoteFinding) -> None:
    used: dict[str, list[str]] = {}
    for name, mode in load_modes(config).items():
        for table in (mode.daq, mode.fits):
            if table is not None:
                used.setdefault(table.command(around.dibas_dir)[0], []).append(name)
    for program, modes in used.items():
        if not _is_there(program):
            where = (
                "on the PATH, and DIBAS_DIR is not set"
                if os.sep not in program
                else "there, or is no program"
            )
            text = f"the data-taking program {program} of {_some(modes)} is not {where}"
            remedy = "install it, set DIBAS_DIR to the root of the installation, or correct `program` of the modes"
            found("data-taking program", text, remedy)


def _some(modes: list[str]) -> str:
    return ", ".join(modes[:SHOWN]) + (
        f" and {len(modes) - SHOWN} more modes" if len(modes) > SHOWN else ""
    )


def _is_there(program: str) -> bool:
    """Tell whether `program` could be started, as a process of ours would find it."""
    return shutil.which(program) is not None


# instruments


def _needs(bank: SpectrometerBankConfig) -> Iterator[str]:
    """Yield the modules of the extra `instruments` that the devices of a Bank import."""
    if bank.roach is not None or bank.synth is not None:
        yield "aiokatcp"
    if bank.synth is not None and bank.synth.via == "local":
        yield "serial"


def _addresses(name: str, bank: SpectrometerBankConfig, found: NoteFinding) -> None:
    for key, end in (
        ("data_source", bank.data_source),
        ("data_destination", bank.data_destination),
    ):
        try:
            end.address()
        except LinkAddressError as error:
            found(
                "host",
                str(error).partition(";")[0],
                f"give banks.{name}.{key}.ip, or add it to the name service",
            )


def _board(
    config: Config, name: str, roach: RoachConfig, synth: SynthConfig | None, found: NoteFinding
) -> None:
    """Ask the board, and over it the synthesizer; changes nothing."""
    from spectrometer.instruments.errors import BoardError  # late: needs what may be missing
    from spectrometer.instruments.roach import Roach

    board = Roach(roach.katcp_host, roach.katcp_port, min(roach.timeout_s, BOARD_WITHIN_S))
    try:
        board.ping()
        _images(config, name, board, found)
        if (
            synth is not None
            and synth.via == "katcp"
            and "valon-get-frequency" not in _requests(board)
        ):
            found(
                "synth",
                f"the server of board {board.name} knows no valon- requests",
                f'run the server build that does, or say banks.{name}.synth.via = "local"',
            )
    except BoardError as error:
        found(
            "roach",
            str(error),
            f"switch the board on, and see that banks.{name}.roach.katcp_host and katcp_port lead to its KATCP server",
        )
    finally:
        board.close()


def _images(config: Config, name: str, board: Roach, found: NoteFinding) -> None:
    """Find the images that the modes of the Bank load and that are not on its board."""
    used: dict[str, list[str]] = {}
    for mode_name, mode in load_modes(config).items():
        if mode.coherent is None or mode.coherent.master == name:
            used.setdefault(mode.bof_file, []).append(mode_name)
    present = set(board.listbof())
    for image in sorted(set(used) - present):
        text = f"the image {image} of {_some(used[image])} is not on board {board.name}"
        found(
            "image",
            text,
            "copy it to where the board's server looks for images, or correct `bof_file` of the modes",
        )


def _requests(board: Roach) -> set[str]:
    """Names of the requests that the board's server knows."""
    return {
        informed[0].decode("ascii", "replace")
        for informed in board.request("help")[:-1]
        if informed
    }
