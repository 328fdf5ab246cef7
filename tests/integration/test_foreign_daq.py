"""Data-taking programs of others in a real Player: what they find, and what becomes of a Bank when
they go wrong."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import sysv_ipc
from support.player_run import PlayerRun, bank_of, clean_environment, poll
from support.spectrometer_array import write_array

from player.config import load
from spectrometer.backends.base import fitting
from spectrometer.config import SpectrometerBankConfig
from spectrometer.daq.control import DaqProcess
from spectrometer.daq.errors import DaqDeafError
from spectrometer.daq.foreign import fifo_path
from zmqjsonproxy.errors import RemoteError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "foreign_daq.py"
NOTICED_S = 2.0
LOADED = 4.0  # times that a step may take on a loaded machine
HEADER_BYTES = 184320
CALL_S = 60.0


class Rig:
    """A Player with a foreign program, and what it leaves behind."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.program = directory / "daq"
        self.words = directory / "words"
        self.set_program(f'exec {sys.executable} {EXAMPLE} "$@"')
        self.config = directory / "array.toml"
        self.url = write_array(
            self.config, board=False, arm_delay_s=2.5, daq=self.program, **options
        )["BANKA"]
        table = load(self.config).banks["BANKA"]
        assert isinstance(table, SpectrometerBankConfig)
        self.table = table
        self.log = directory / "player.log"

    def set_program(self, text: str) -> None:
        self.program.write_text(f"#!/bin/sh\n{text}\n")
        self.program.chmod(0o755)

    def run(self) -> PlayerRun:
        # relative paths are right for the Player, and for nobody else who might be elsewhere
        environment = clean_environment(
            DIBAS_DATA=os.path.relpath(self.directory / "data", ROOT),
            DIBAS_DIR=os.path.relpath(self.directory, ROOT),
        )
        config = os.path.relpath(self.config, ROOT)
        run = PlayerRun("BANKA", self.url, "--config", config, log=self.log, env=environment)
        run.wait_ready()
        return run

    @property
    def keys(self) -> list[int]:
        plans = (
            self.table.data_buffers.plan(family, self.table.status_memory)
            for family in ("vegas", "guppi")
        )
        return [buffer.key for plan in plans for buffer in plan]


def folder_of(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir()
    return folder


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def player(rig: Rig) -> Iterator[PlayerRun]:
    with rig.run() as run:
        yield run
        run.end(signal.SIGTERM)
    for key in rig.keys:
        with pytest.raises(sysv_ipc.ExistentialError):
            sysv_ipc.SharedMemory(key, 0, size=0)
    assert not semaphore_sets().keys() & set(rig.keys)
    assert not list(Path("/tmp").glob(f"*_control_{rig.table.status_memory.key:x}"))


def semaphore_sets() -> dict[int, int]:
    """Key -> semaphores in the set, as the kernel has them."""
    rows = [line.split() for line in Path("/proc/sysvipc/sem").read_text().splitlines()[1:]]
    return {int(row[0]): int(row[3]) for row in rows}


def only_child(player: PlayerRun, part: str = "foreign_daq") -> psutil.Process:
    found = [
        p for p in psutil.Process(player.process.pid).children() if part in " ".join(p.cmdline())
    ]
    assert len(found) == 1, found
    return found[0]


def begin_scan(bank: Any, length_s: float) -> None:
    bank.set_param(scan_length=length_s, exposure=0.5)
    bank.prepare()
    bank.start()
    poll(lambda: bank.scan_report()["outcome"] == "running", "the scan runs")


def ended(bank: Any) -> dict[str, Any]:
    poll(lambda: not bank.scan_status()[0], "the end of the scan")
    report: dict[str, Any] = bank.scan_report()
    return report


def test_a_foreign_program_finds_its_buffers_and_hears_its_words(
    rig: Rig, player: PlayerRun
) -> None:
    vegas = rig.table.data_buffers.plan("vegas", rig.table.status_memory)
    with bank_of(rig.url) as bank:
        assert bank.set_mode("MODE4") == [True, "new mode MODE4 set!"]
        assert bank.get_status(["GPUCTXIN", "SWVER"]) == {"GPUCTXIN": "TRUE", "SWVER": "example"}
        for number, buffer in enumerate(vegas, 1):
            memory = sysv_ipc.SharedMemory(buffer.key, 0, size=0)
            kind, whole, structure, block, header, index, shmid, semid, blocks = struct.unpack_from(
                "<i4x5Q3i", memory.read(128), 64
            )
            assert (kind, blocks, block, header, structure) == (
                number,
                4,
                65536,
                HEADER_BYTES,
                8192,
            )
            assert whole == memory.size == 8192 + 4 * (HEADER_BYTES + index + 65536)
            assert (shmid, semid > 0) == (memory.id, True)
            for n in range(4):
                assert memory.read(80, structure + n * header) == b"END".ljust(80)
            memory.detach()
        sets = semaphore_sets()
        assert [sets[buffer.key] for buffer in vegas] == [4, 4, 1024]
        begin_scan(bank, 2.0)
        report = ended(bank)
        assert (report["outcome"], report["error"]) == ("done", "")
        assert 1 <= report["integrations"] <= 4
    assert f"daq: data buffer 1 has {vegas[0].total_bytes} bytes" in rig.log.read_text()


def test_the_program_is_ended_before_its_buffers_are_made_anew(rig: Rig, player: PlayerRun) -> None:
    seen = rig.directory / "seen"
    rig.set_program(
        f"{sys.executable} {EXAMPLE}\n"
        f'grep -c "^ *$(($DIBAS_DATABUF_KEY)) " /proc/sysvipc/shm >> {seen}\n'
        f"env | grep ^DIBAS_ | sort > {rig.directory}/environment\n"
    )
    memory = rig.table.status_memory
    with bank_of(rig.url) as bank:
        bank.set_mode("MODE1")
        first = sysv_ipc.SharedMemory(rig.keys[0], 0, size=0)
        bank.set_mode(
            "MODE2"
        )  # the same family: new blocks all the same, nobody knows what a killed program left
        again = sysv_ipc.SharedMemory(rig.keys[0], 0, size=0)
        assert first.id != again.id
        first.detach()
        again.detach()
        assert seen.read_text().split() == [
            "1"
        ]  # when the program of MODE1 ended its buffer was there
        bank.set_mode("INCO_MODE_64")
        assert bank.get_status("DATADIR") == fitting(str(rig.directory / "data"))
        assert bank.get_status("PARFILE") == fitting(str(rig.directory / "example.par"))
        assert seen.read_text().split() == ["1", "1"]
        assert (rig.directory / "environment").read_text().split() == [
            "DIBAS_BANK=BANKA",
            f"DIBAS_DAQ_FIFO=/tmp/vegas_daq_control_{memory.key:x}",
            f"DIBAS_DATA={rig.directory / 'data'}",
            f"DIBAS_DATABUF_KEY={rig.keys[0]:#x}",
            f"DIBAS_DIR={rig.directory}",
            "DIBAS_INSTANCE=0",
            "DIBAS_KEYS=",  # that of all tests: no keys of whoever runs them
            f"DIBAS_STATUS_KEY={memory.key:#x}",
            f"DIBAS_STATUS_SEMAPHORE={memory.semaphore}",
        ]
        with pytest.raises(sysv_ipc.ExistentialError):
            sysv_ipc.SharedMemory(rig.keys[0], 0, size=0)
        guppi = sysv_ipc.SharedMemory(rig.keys[3], 0, size=0)
        assert struct.unpack_from("<3Q3i", guppi.read(128), 64)[:3] == (8192, 65536, HEADER_BYTES)
        guppi.detach()


def test_a_program_that_is_killed_or_hangs_leaves_the_bank_usable(
    rig: Rig, player: PlayerRun
) -> None:
    with bank_of(rig.url) as bank:
        bank.set_mode("MODE1")
        begin_scan(bank, 60.0)
        killed_at = time.monotonic()
        only_child(player).kill()
        report = ended(bank)
        assert time.monotonic() - killed_at < NOTICED_S * LOADED
        assert report["outcome"] == "failed"
        assert report["error"] == "daq ended during the scan, exit status -9"
        begin_scan(bank, 1.0)
        only_child(player).suspend()
        report = ended(bank)
        assert report["outcome"] == "failed"
        assert (
            report["error"] == "daq did not end the scan within 5 s; it is ended and started anew"
        )
        begin_scan(bank, 1.0)
        assert ended(bank)["outcome"] == "done"


def test_of_two_programs_either_may_die(tmp_path: Path) -> None:
    rigs = [
        Rig(folder_of(tmp_path, victim), fits=tmp_path / victim / "fitswriter")
        for victim in ("daq", "fits")
    ]
    with ThreadPoolExecutor() as pool:
        list(pool.map(one_of_two_dies, rigs))


def one_of_two_dies(rig: Rig) -> None:
    """Kill the program that the folder is named after, and take another scan."""
    victim, words = rig.directory.name, rig.words
    writer = rig.directory / "fitswriter"
    writer.write_text(
        f"#!/bin/sh\nwhile read word; do echo $word >> {words}; [ $word = QUIT ] && exit 0; done\n"
    )
    writer.chmod(0o755)
    with rig.run() as player, bank_of(rig.url) as bank:
        bank.set_mode("MODE1")
        begin_scan(bank, 60.0)
        only_child(player, "foreign_daq" if victim == "daq" else "fitswriter").kill()
        report = ended(bank)
        name = "daq" if victim == "daq" else "fitswriter"
        assert report["error"] == f"{name} ended during the scan, exit status -9"
        if victim == "daq":
            poll(lambda: "STOP" in words.read_text(), "the other program heard the end")
        begin_scan(bank, 1.0)
        assert ended(bank)["outcome"] == "done"
        heard = poll(
            lambda: (
                (heard := words.read_text().split()).count("START") == 2
                and heard[-1] == "STOP"
                and heard
            ),
            "the other program heard of both scans",
        )
        assert heard[-2:] == ["START", "STOP"]
        player.end(signal.SIGTERM)
    assert words.read_text().split()[-1] == "QUIT"


def test_a_program_that_ends_at_once_or_ignores_quit(rig: Rig, player: PlayerRun) -> None:
    working = rig.program.read_text().removeprefix("#!/bin/sh\n")
    with bank_of(rig.url) as bank:
        rig.set_program("echo no licence; exit 3")
        with pytest.raises(RemoteError, match="daq ended at once, exit status 3; see the log"):
            bank.set_mode("MODE1")
        assert bank.mode_state()["state"] == "none"
        (finding,) = bank.get_findings()
        assert "no mode is set: set_mode(MODE1): daq ended at once" in finding["text"]
        assert bank.get_overview()["mode"] is None
        assert "daq: no licence" in rig.log.read_text()
        # ignores SIGTERM too, does not read, and so does what it starts
        rig.set_program(
            f'trap "" TERM\n{sys.executable} {EXAMPLE} < /dev/null\nsleep 300 & sleep 301'
        )
        assert bank.set_mode("MODE1")[0]
        assert bank.get_findings() == []
        poll(
            lambda: len(psutil.Process(player.process.pid).children(recursive=True)) == 3,
            "its children",
        )
        children = psutil.Process(player.process.pid).children(recursive=True)
        rig.set_program(working)
        assert bank.set_mode("MODE2")[0]
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        begin_scan(bank, 1.0)
        assert ended(bank)["outcome"] == "done"


def test_programs_that_read_only_their_fifo_get_their_words_there(tmp_path: Path) -> None:
    rigs = [Rig(folder_of(tmp_path, name), control="fifo") for name in ("first", "second")]
    # With `<` the open waits for somebody who writes, and a word would be followed by the end of
    # the input.
    for rig, way in zip(rigs, ("0<>", "0<"), strict=True):
        rig.set_program(f'exec {sys.executable} {EXAMPLE} {way} "$DIBAS_DAQ_FIFO"')
    with ThreadPoolExecutor() as pool:
        list(pool.map(takes_a_scan, rigs))


def takes_a_scan(rig: Rig) -> None:
    """Take a scan; no FIFO is left."""
    with rig.run() as player, bank_of(rig.url) as bank:
        bank.set_mode("MODE1")
        begin_scan(bank, 1.0)
        assert ended(bank)["outcome"] == "done"
        player.end(signal.SIGTERM)
    assert not fifo_path("vegas", 0, f"_{rig.table.status_memory.key:x}").exists()


@pytest.mark.parametrize("kind", ["a link", "a file"])
def test_what_takes_the_place_of_a_fifo_later_gets_no_words(tmp_path: Path, kind: str) -> None:
    place, victim = tmp_path / "fifo", tmp_path / "victim"
    victim.write_text("precious")
    place.symlink_to(victim) if kind == "a link" else place.write_text("precious")
    process = DaqProcess(["sleep", "60"], fifo=place)
    process.start()
    try:
        with pytest.raises(DaqDeafError):
            process.send("START")
        assert place.read_text() == victim.read_text() == "precious"
    finally:
        process.stop(quit_s=0.0)


def test_what_is_in_the_way_of_a_fifo_is_not_removed(rig: Rig, player: PlayerRun) -> None:
    path = fifo_path("vegas", 0, f"_{rig.table.status_memory.key:x}")
    path.write_text("somebody's")
    try:
        with (
            bank_of(rig.url) as bank,
            pytest.raises(RemoteError, match=f"{path} is no FIFO, and in the way of one"),
        ):
            bank.set_mode("MODE1")
        assert path.read_text() == "somebody's"
    finally:
        os.unlink(path)
