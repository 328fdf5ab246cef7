"""Repairs by `player doctor --repair` of a Bank whose Player is gone, and what it leaves
alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc
from support.spectrometer_array import write_array

from player.cli import main
from player.config import load
from player.doctor import examine, repair
from spectrometer.config import SpectrometerBankConfig
from spectrometer.status import StatusBuffer
from spectrometer.status.databuffers import make_buffers, remove_buffers
from spectrometer.status.keys import STATUS_BYTES


class Rig:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "array.toml"
        write_array(self.path, daq=Path("/bin/true"), board=False)
        table = load(self.path).banks["BANKA"]
        assert isinstance(table, SpectrometerBankConfig)
        self.table, self.names = table, table.status_memory

    def repair(self, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
        """Repairs that were done, and what is found afterwards."""
        main(["doctor", "BANKA", "--simulate", "--repair", "--json", "--config", str(self.path)])
        report = json.loads(capsys.readouterr().out)
        return report["repaired"], [found["check"] for found in report["findings"]]


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("DIBAS_DATA", str(tmp_path))
    monkeypatch.setattr(
        "player.doctor.MIN_FREE_BYTES", 0
    )  # the machine that tests may have a full disk
    made = Rig(tmp_path)
    yield made
    StatusBuffer(made.names.key, made.names.semaphore).unlink()


def is_there(key: int) -> bool:
    try:
        sysv_ipc.SharedMemory(key, 0, size=0).detach()
    except sysv_ipc.ExistentialError:
        return False
    return True


def test_what_a_dead_player_left_is_removed_and_damage_is_kept_in_a_file(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    StatusBuffer(rig.names.key, rig.names.semaphore).close()
    memory = sysv_ipc.SharedMemory(rig.names.key, 0, size=0)
    memory.write(b"\xa5" * STATUS_BYTES)
    memory.detach()
    buffers = rig.table.data_buffers.plan("vegas", rig.names)
    make_buffers(buffers)
    done, found = rig.repair(capsys)
    (kept,) = tmp_path.glob("BANKA.damaged-status.*")
    assert kept.read_bytes() == b"\xa5" * STATUS_BYTES
    keys = ", ".join(f"{buffer.key:#010x}" for buffer in buffers)
    assert done == [
        f"BANKA: status memory {rig.names.key:#010x} put right, what was there is kept in {kept}",
        f"BANKA: status memory {rig.names.key:#010x} and semaphore {rig.names.semaphore} removed",
        f"BANKA: data buffers {keys} removed",
    ]
    assert found == []
    assert not any(is_there(key) for key in (rig.names.key, *(buffer.key for buffer in buffers)))
    assert rig.repair(capsys) == ([], [])


def test_a_semaphore_whose_holder_died_is_released(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    semaphore = posix_ipc.Semaphore(rig.names.semaphore, posix_ipc.O_CREX, initial_value=0)
    done, _ = rig.repair(capsys)
    assert done == [
        f"BANKA: semaphore {rig.names.semaphore} released, which a program held that has ended"
    ]
    assert semaphore.value == 1
    semaphore.close()


def test_what_somebody_uses_is_left_alone(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    with StatusBuffer(rig.names.key, rig.names.semaphore) as status:
        status.update({"OBSERVER": "me"})
        semaphore = posix_ipc.Semaphore(rig.names.semaphore)
        semaphore.acquire()
        assert rig.repair(capsys) == ([], ["status memory", "semaphore"])
        semaphore.release()
        semaphore.close()
        assert status.get("OBSERVER") == "me"


def test_what_is_used_since_it_was_found_is_left_alone(rig: Rig, tmp_path: Path) -> None:
    StatusBuffer(rig.names.key, rig.names.semaphore).close()
    make_buffers(buffers := rig.table.data_buffers.plan("vegas", rig.names))
    report = examine(rig.path, "BANKA", {"DIBAS_DATA": str(tmp_path)}, simulate=True)
    assert [finding.check for finding in report.findings] == ["status memory", "data buffers"]
    with StatusBuffer(rig.names.key, rig.names.semaphore):  # a Player has started
        make_buffers(buffers)
        told = repair(report)
        assert len(told) == 2
        assert all(
            "could not be repaired" in line and "run player doctor again" in line for line in told
        )
        assert all(is_there(key) for key in (rig.names.key, *(buffer.key for buffer in buffers)))
        later = examine(
            rig.path, "BANKA", {"DIBAS_DATA": str(tmp_path)}, simulate=True
        )  # at another address
        assert [finding.check for finding in later.findings] == ["status memory"]
    remove_buffers(buffers)


def test_a_held_semaphore_beside_a_memory_that_was_left_leaves_nothing(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    StatusBuffer(rig.names.key, rig.names.semaphore).close()
    semaphore = posix_ipc.Semaphore(rig.names.semaphore)
    semaphore.acquire()
    done, found = rig.repair(capsys)
    semaphore.close()
    assert len(done) == 2
    assert found == []
    assert not is_there(rig.names.key)
    assert not Path("/dev/shm/sem." + rig.names.semaphore[1:]).exists()


def test_a_file_that_is_no_semaphore_is_removed_and_killed_nobody(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("/dev/shm/sem." + rig.names.semaphore[1:])
    file.touch()
    StatusBuffer(rig.names.key, rig.names.semaphore).close()
    os.truncate(file, 0)
    done, found = rig.repair(capsys)
    assert done == [
        f"BANKA: status memory {rig.names.key:#010x} and semaphore {rig.names.semaphore} removed",
        f"BANKA: {file} removed, which was no semaphore",
    ]
    assert found == []
    assert not file.exists()
