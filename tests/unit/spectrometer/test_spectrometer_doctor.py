"""Findings of the doctor on a spectrometer Bank: memory, semaphore, programs, recording, board and
addresses."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import posix_ipc
import pytest
import sysv_ipc
from support.player_run import ROOT, clean_environment, free_port
from support.recordings import recording
from support.spectrometer_array import write_array

from player.config import load
from player.findings import Finding, Surroundings
from player.tables import Config
from spectrometer.bank import SpectrometerBank
from spectrometer.config import SpectrometerBankConfig, StatusMemoryConfig
from spectrometer.instruments.simulators.images import images_of
from spectrometer.instruments.simulators.roach import BoardSimulator
from spectrometer.modes import load_modes
from spectrometer.status import StatusBuffer


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(simulate=True, data_root=tmp_path, dibas_dir=None, is_served=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return array(tmp_path)


def array(folder: Path, **options: object) -> Config:
    path = folder / "array.toml"
    write_array(path, **options)  # type: ignore[arg-type]  # passed on as they are
    return load(path)


def names_of(config: Config) -> StatusMemoryConfig:
    table = config.banks["BANKA"]
    assert isinstance(table, SpectrometerBankConfig)
    return table.status_memory


@pytest.fixture
def memory(config: Config) -> Iterator[StatusBuffer]:
    names = names_of(config)
    buffer = StatusBuffer(names.key, names.semaphore)
    try:
        yield buffer
    finally:
        StatusBuffer(names.key, names.semaphore).unlink()
        buffer.close()


def diagnosis(config: Config, around: Surroundings) -> list[Finding]:
    return SpectrometerBank.diagnose(config, "BANKA", around)


def one(config: Config, around: Surroundings) -> Finding:
    (finding,) = diagnosis(config, around)
    assert finding.bank == "BANKA"
    return finding


# status memory


def test_a_bank_without_trouble_is_fine_and_nothing_is_made(
    config: Config, around: Surroundings
) -> None:
    assert diagnosis(config, around) == []
    with pytest.raises(sysv_ipc.ExistentialError):
        sysv_ipc.SharedMemory(names_of(config).key, 0, size=0)
    with pytest.raises(posix_ipc.ExistentialError):
        posix_ipc.Semaphore(names_of(config).semaphore)


def test_a_memory_that_nobody_uses_was_left_behind(
    config: Config, memory: StatusBuffer, around: Surroundings
) -> None:
    memory.close()
    finding = one(config, around)
    assert finding.text.endswith("were left behind by a Player that could not end in order")
    assert f"ipcrm -M {memory.key:#x}; rm -f /dev/shm/sem.test_status_" in finding.remedy
    assert diagnosis(config, replace(around, is_served=True)) == []
    StatusBuffer(memory.key, memory.semaphore, create=False).close()  # it is still there


def test_a_memory_in_use_names_who_uses_it(
    config: Config, memory: StatusBuffer, around: Surroundings
) -> None:
    finding = one(config, around)
    assert f"is in use by process {os.getpid()} (" in finding.text
    assert "while no Player serves" in finding.text
    assert diagnosis(config, replace(around, is_served=True)) == []


def test_a_memory_of_another_size_is_found_even_while_a_player_serves(
    config: Config, around: Surroundings
) -> None:
    segment = sysv_ipc.SharedMemory(names_of(config).key, sysv_ipc.IPC_CREX, mode=0o600, size=4096)
    try:
        finding = one(config, replace(around, is_served=True))
    finally:
        segment.remove()
        segment.detach()
    assert finding.text.endswith("has 4096 bytes, expected 184320")
    assert f"ipcrm -M {names_of(config).key:#x}" in finding.remedy


def test_a_semaphore_that_is_not_given_back_is_found(
    config: Config, memory: StatusBuffer, around: Surroundings
) -> None:
    served = replace(around, is_served=True)
    semaphore = posix_ipc.Semaphore(memory.semaphore)
    try:
        semaphore.acquire()
        finding = one(config, served)
        assert semaphore.value == 0  # looked at, not touched
        semaphore.release()
    finally:
        semaphore.close()
    assert "is held for more than 1 s" in finding.text
    assert f"rm /dev/shm/sem.{memory.semaphore[1:]}" in finding.remedy
    assert diagnosis(config, served) == []


# data taking


def test_a_recording_that_is_not_there_or_none_is_found(
    tmp_path: Path, around: Surroundings
) -> None:
    assert diagnosis(array(tmp_path, recording=recording()), around) == []
    finding = one(array(tmp_path, recording=tmp_path / "gone.raw"), around)
    assert finding.text == f"there is no recording {tmp_path / 'gone.raw'}"
    assert (
        finding.remedy == "put a GUPPI raw or DADA file there, or correct banks.BANKA.source.file"
    )
    (tmp_path / "text.raw").write_text("no voltages")
    assert one(array(tmp_path, recording=tmp_path / "text.raw"), around).text.startswith(
        "text.raw: "
    )


def test_programs_that_are_missing_are_found_with_their_modes(
    tmp_path: Path, around: Surroundings
) -> None:
    config, real = array(tmp_path, board=False), replace(around, simulate=False)
    texts = [finding.text for finding in diagnosis(config, real)]
    assert len(texts) == 3
    assert texts[0] == (
        "the data-taking program vegas_hpc_server of MODE1, MODE2, MODE3 and 26 more modes is not on the PATH, "
        "and DIBAS_DIR is not set"
    )
    root = tmp_path / "opt"
    texts = [finding.text for finding in diagnosis(config, replace(real, dibas_dir=root))]
    assert f"{root}/exec/x86_64-linux/vegas_hpc_server of" in texts[0]
    for name in ("vegas_hpc_server", "guppi_daq_server", "vegasFitsWriter"):
        program = root / "exec" / "x86_64-linux" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)
    assert diagnosis(config, replace(real, dibas_dir=root)) == []
    program.chmod(0o644)
    assert len(diagnosis(config, replace(real, dibas_dir=root))) == 1


# instruments


def test_a_board_is_asked_unless_simulated(tmp_path: Path, around: Surroundings) -> None:
    config, port = array(tmp_path, recording=recording()), free_port()
    text = config.path.read_text().replace('"nowhere.invalid"', f'"127.0.0.1", katcp_port = {port}')
    config.path.write_text(text)
    config, real = load(config.path), replace(around, simulate=False)
    finding = one(config, real)
    assert finding.check == "roach"
    assert f"board 127.0.0.1:{port}: ?watchdog: no connection" in finding.text
    images = images_of(load_modes(config).values())
    with BoardSimulator(images, port=port):
        assert SpectrometerBank.diagnose(config, "BANKA", real) == []
    absent = "h1k_ver105_2013_Dec_02_1551.bof"
    with BoardSimulator(
        {name: sizes for name, sizes in images.items() if name != absent}, port=port
    ):
        [finding] = SpectrometerBank.diagnose(config, "BANKA", real)
    assert finding.text == f"the image {absent} of MODE1 is not on board 127.0.0.1:{port}"


@pytest.mark.parametrize("simulate", [True, False])
def test_what_devices_import_and_is_not_installed_is_found(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch, simulate: bool
) -> None:
    config = array(tmp_path, recording=recording())
    installed = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "aiokatcp" else installed(name)
    )
    finding = one(config, replace(around, simulate=simulate))
    assert (
        finding.text
        == "board and synthesizer, simulated ones too, cannot be reached without aiokatcp"
    )
    assert finding.remedy == "install what they need: pip install 'dealer-player[instruments]'"


def test_a_board_needs_addresses(tmp_path: Path, around: Surroundings) -> None:
    config = array(tmp_path, recording=recording())
    text = config.path.read_text().replace(
        '{ host = "10.17.0.1", ip = "10.17.0.1" }', '{ host = "nowhere.invalid" }'
    )
    config.path.write_text(text)
    finding = one(load(config.path), around)
    assert "data_destination host 'nowhere.invalid' cannot be resolved" in finding.text
    assert finding.remedy == "give banks.BANKA.data_destination.ip, or add it to the name service"


def test_a_player_that_was_killed_is_diagnosed_by_the_command(tmp_path: Path) -> None:
    config = array(tmp_path)
    names = names_of(config)
    program = f"import os, spectrometer.status as s; s.StatusBuffer({names.key}, {names.semaphore!r}); os._exit(9)"
    environment = clean_environment(DIBAS_DATA=str(tmp_path))
    subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, timeout=600, check=False
    )
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "player.cli",
                "doctor",
                "BANKA",
                "--simulate",
                "--config",
                str(config.path),
            ],
            capture_output=True,
            text=True,
            timeout=600,
            env=environment,
            cwd=ROOT,
            check=False,
        )
    finally:
        StatusBuffer(names.key, names.semaphore).unlink()
    assert (done.returncode, done.stderr) == (1, "")
    assert "left behind" in done.stdout.splitlines()[0]
