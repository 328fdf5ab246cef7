"""A status memory and what belongs to it have one owner: second Players, dead ones, shells, the
doctor, programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import posix_ipc
import pytest
import sysv_ipc
import zmq
from support.memory import foreign
from support.player_run import (
    DEADLINE,
    ROOT,
    PlayerRun,
    bank_of,
    clean_environment,
    free_port,
    player,
    poll,
)
from support.recordings import recording
from support.spectrometer_array import write_array

from player.cli import main
from player.config import load
from player.doctor import examine, repair
from player.errors import BankStartError
from player.host import bank_context
from player.interactive import InteractiveBank
from spectrometer.bank import SpectrometerBank
from spectrometer.config import SpectrometerBankConfig, StatusMemoryConfig
from spectrometer.status import StatusBuffer
from spectrometer.status.owner import LOCK_DIRECTORY, owner_of
from zmqjsonproxy import ZMQJSONProxyClient, ZMQJSONProxyServer
from zmqjsonproxy.errors import RefusedError


def array(
    path: Path, name: str = "BANKA", *, table: str | None = None
) -> tuple[Path, SpectrometerBankConfig]:
    """Write a file of one Bank; `table` takes the place of its status memory."""
    write_array(path, board=False)
    text = path.read_text().replace("BANKA", name)
    path.write_text(text if table is None else re.sub(r"status_memory = .*", table, text))
    return path, table_of(path, name)


def table_of(path: Path, name: str) -> SpectrometerBankConfig:
    table = load(path).banks[name]
    assert isinstance(table, SpectrometerBankConfig)
    return table


def inline(key: int, semaphore: str, **more: Any) -> str:
    lines = [f'status_memory = {{ key = {key}, semaphore = "{semaphore}" }}']
    return "\n".join(
        [*lines, *(f"data_buffers = {{ {name} = {value} }}" for name, value in more.items())]
    )


@contextmanager
def opened(path: Path, name: str, *, simulate: bool = True) -> Iterator[SpectrometerBank]:
    """Open a Bank in this process, as a Player does, and close it."""
    context = bank_context(
        load(path), name, simulate=simulate, data_root=path.parent, dibas_dir=None
    )
    bank = SpectrometerBank(context)
    try:
        bank.open()
        yield bank
    finally:
        bank.close()


def lock_files(table: SpectrometerBankConfig) -> list[str]:
    """The lock files that are there."""
    return [
        name.file
        for name in table.shared_names(simulate=False)
        if (LOCK_DIRECTORY / name.file).exists()
    ]


def doctor(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> dict[str, Any]:
    """Findings of the doctor; `owner` has those about the owner."""
    main(["doctor", "BANKA", "--simulate", "--json", "--config", str(path), *words])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    report["owner"] = [found["text"] for found in report["findings"] if found["check"] == "owner"]
    return report


def test_a_second_player_of_a_bank_is_refused_with_who_holds_the_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = array(tmp_path / "array.toml")
    environment = clean_environment(DIBAS_DATA=str(tmp_path))
    monkeypatch.setenv("DIBAS_DATA", str(tmp_path))
    words = ("simulate", "--config", path)
    url = f"tcp://127.0.0.1:{table.player_port}"
    with (
        PlayerRun("BANKA", url, *words, log=tmp_path / "log", env=environment) as run,
        bank_of(url) as bank,
    ):
        run.wait_ready()
        bank.set_status(OBSERVER="me")
        before = bank.get_status()
        done = player("BANKA", f"tcp://127.0.0.1:{free_port()}", *words, env=environment)
        key = f"key {table.status_memory.key:#010x}"
        who = rf"Bank BANKA \(process {run.process.pid}, user \w+, since 20\S+ \S+ UTC\)"
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(
            f"player: BANKA cannot be opened: {key} is owned by {who}; end it first, or give this program a status "
            "memory of its own",
            done.stderr.splitlines()[-1],
        )
        assert "Traceback" not in done.stderr
        assert bank.get_status() == before
        report = doctor(capsys, path)
        assert report["owner"] == []
        (note,) = [note for note in report["notes"] if "owned" in note]
        assert re.fullmatch(
            f"BANKA: {key} and semaphore {table.status_memory.semaphore} are owned by {who}", note
        )
        assert run.end()[0] == 0, run.text
    assert lock_files(table) == []


def test_a_player_that_was_killed_is_followed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    url = write_array(path, recording=recording())["BANKA"]
    environment, table = clean_environment(DIBAS_DATA=str(tmp_path)), table_of(path, "BANKA")
    for number in range(2):
        words = ("BANKA", url, "simulate", "--config", path)
        with PlayerRun(*words, log=tmp_path / f"log{number}", env=environment) as run:
            run.wait_ready()
            with (
                bank_of(url) as bank
            ):  # so that the one that is killed has a child, which lives for a moment longer
                assert bank.set_mode("MODE1") == [True, "new mode MODE1 set!"]
            owner = owner_of(table.shared_names(simulate=True)[0])
            assert owner is not None
            assert owner.pid == run.process.pid
            if number == 0:
                run.process.kill()
                run.process.wait()
    assert lock_files(table) == []


def test_a_bank_that_is_opened_while_another_ends_waits_and_has_the_memory_of_its_names(
    tmp_path: Path,
) -> None:
    path, table = array(tmp_path / "array.toml")
    names, is_open, end = table.status_memory, threading.Event(), threading.Event()

    def follow() -> None:
        with opened(path, "BANKA") as second:
            second.set_status(OBSERVER="second")
            is_open.set()
            end.wait()

    thread = threading.Thread(target=follow)
    with opened(path, "BANKA") as first:
        first._status_memory.announce_end()  # as its close does before it ends the programs
        thread.start()
        first.set_status(OBSERVER="first")
        assert not is_open.wait(0.5)
    is_open.wait()
    try:
        with StatusBuffer(names.key, names.semaphore, create=False) as status:
            assert status.get("OBSERVER") == "second"
    finally:
        end.set()
        thread.join()


def test_what_logind_removes_under_a_player_is_there_again_within_seconds_and_a_scan_is_taken(
    tmp_path: Path,
) -> None:
    path = tmp_path / "array.toml"
    url = write_array(path, recording=recording())["BANKA"]
    environment, table = clean_environment(DIBAS_DATA=str(tmp_path)), table_of(path, "BANKA")
    words = ("BANKA", url, "simulate", "--config", path)
    with PlayerRun(*words, log=tmp_path / "log", env=environment) as run, bank_of(url) as bank:
        run.wait_ready()
        bank.set_mode("MODE1")
        bank.set_param(exposure=0.1, scan_length=0.5, observer="me")
        bank.prepare()
        memory = sysv_ipc.SharedMemory(table.status_memory.key, 0, size=0)
        memory.remove()
        memory.detach()
        posix_ipc.unlink_semaphore(table.status_memory.semaphore)
        for name in lock_files(table):
            (LOCK_DIRECTORY / name).unlink()
        poll(lambda: "made anew with what was in it" in run.text, "a line about the memory")
        poll(
            lambda: "were removed by another program, and made anew" in run.text,
            "a line about its locks",
        )
        with StatusBuffer(
            table.status_memory.key, table.status_memory.semaphore, create=False
        ) as status:
            assert status.get("OBSERVER") == bank.get_status("OBSERVER") == "me"
        owner = owner_of(table.shared_names(simulate=True)[0])
        assert owner is not None
        assert owner.pid == run.process.pid
        bank.start()
        poll(lambda: not bank.scan_status()[0], "the end of the scan")
        file = bank.scan_report()["file"]  # on a loaded machine there may be little in it
        assert (tmp_path / "JUNK" / file).exists()
        assert run.end()[0] == 0, run.text
    assert lock_files(table) == []
    with pytest.raises(sysv_ipc.ExistentialError):
        sysv_ipc.SharedMemory(table.status_memory.key, 0, size=0)


def test_a_held_semaphore_keeps_only_those_waiting_who_ask_for_the_status(tmp_path: Path) -> None:
    path, _ = array(tmp_path / "array.toml")
    with (
        opened(path, "BANKA") as bank,
        zmq.Context() as context,
        ZMQJSONProxyServer(context, "tcp://127.0.0.1:*") as server,
        ThreadPoolExecutor() as pool,
    ):
        status = bank._status
        status.lock_timeout_s = 3600.0
        server.expose("bank", bank)
        serving = threading.Thread(target=server.run_loop)
        serving.start()
        try:
            with ZMQJSONProxyClient(context, "bank", server.url, 60.0) as proxy, foreign(status):
                waiting = [
                    proxy.call_later("get_status", "SIMULATE"),
                    proxy.call_later("check_status"),
                ]
                setting = pool.submit(proxy.set_status, OBSERVER="me")
                assert (proxy.get_bank_name(), proxy.get_mode()) == (
                    "BANKA",
                    None,
                )  # the socket's thread is free
                assert not setting.done()
                assert not any(future.done() for future in waiting)
                semaphore = posix_ipc.Semaphore(status.semaphore)
                semaphore.release()
                semaphore.close()
                assert waiting[1].result() == []
                setting.result()
                assert proxy.get_status("OBSERVER") == "me"
        finally:
            server.quit_loop()
            serving.join(30)


@pytest.mark.parametrize("shared", ["key", "semaphore", "buffer", "nothing"])
def test_another_bank_that_shares_any_name_is_refused(tmp_path: Path, shared: str) -> None:
    first, table = array(tmp_path / "first.toml")
    names, own = table.status_memory, array(tmp_path / "second.toml")[1].status_memory
    second, _ = array(
        tmp_path / "second.toml",
        "BANKC",
        table={
            "key": inline(names.key, own.semaphore),
            "semaphore": inline(own.key, names.semaphore),
            "buffer": inline(
                own.key, own.semaphore, guppi_key=table.data_buffers.plan("vegas", names)[1].key
            ),
            "nothing": inline(own.key, own.semaphore),
        }[shared],
    )
    with opened(first, "BANKA", simulate=False):
        if shared != "nothing":
            with pytest.raises(RefusedError, match=r" is owned by Bank BANKA \(process"):
                with opened(second, "BANKC", simulate=False):
                    pass
        if shared in (
            "buffer",
            "nothing",
        ):  # a simulated Bank runs no foreign programs and needs no buffers
            with opened(second, "BANKC"):
                pass
    with opened(second, "BANKC", simulate=False):
        assert lock_files(table_of(second, "BANKC")) != []
    assert lock_files(table_of(second, "BANKC")) == lock_files(table) == []


def test_banks_with_the_originals_names_own_the_originals_fifos_and_buffers(tmp_path: Path) -> None:
    _, table = array(tmp_path / "array.toml")
    original = table.model_copy(update={"status_memory": StatusMemoryConfig()})
    assert [name.what for name in original.shared_names(simulate=False)] == [
        "key 0x01001840",
        "semaphore /vegas_status",
        "key 0x00c62c70",
        "key 0x00c62c71",
        "key 0x00c62c72",
        "FIFO /tmp/vegas_daq_control",
        "FIFO /tmp/vegas_fits_control",
        "key 0x00c62c6a",
        "key 0x00c62c6b",
        "FIFO /tmp/guppi_daq_control",
    ]
    half = table.model_copy(
        update={"status_memory": StatusMemoryConfig(key=table.status_memory.key)}
    )
    shared = set(half.shared_names(simulate=False)) & set(original.shared_names(simulate=False))
    assert len(shared) == 9  # all but the segment


def test_a_bank_in_a_shell_owns_its_memory_and_the_doctor_leaves_it_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = array(tmp_path / "array.toml")
    monkeypatch.setenv("DIBAS_DATA", str(tmp_path))
    with InteractiveBank("BANKA", path, simulate=True) as p:
        p.set_status(OBSERVER="me")
        with pytest.raises(BankStartError, match="open in this process already"):
            InteractiveBank("BANKA", path, simulate=True)
        report = doctor(capsys, path, "--repair")
        (text,) = report["owner"]
        assert text.endswith(" UTC), so no Player of BANKA can start here")
        assert "status memory" not in [found["check"] for found in report["findings"]]
        assert p.get_status("OBSERVER") == "me"
        assert player("BANKA", "--config", path, "--simulate").returncode == 1
    assert doctor(capsys, path)["owner"] == []
    assert lock_files(table) == []


def test_a_repair_makes_a_player_wait_and_finds_one_that_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, table = array(tmp_path / "array.toml")
    names = table.status_memory
    StatusBuffer(names.key, names.semaphore).close()
    report = examine(path, "BANKA", {"DIBAS_DATA": str(tmp_path)}, simulate=True)
    with opened(path, "BANKA"):
        assert ["is owned by Bank BANKA" in text for text in repair(report)] == [True]
    StatusBuffer(names.key, names.semaphore).close()
    seen: list[str] = []

    def look(*_args: object) -> bool:
        owner = owner_of(table.shared_names(simulate=True)[0])
        assert owner is not None
        assert owner.is_ending
        seen.append(owner.holder)
        return False

    monkeypatch.setattr("spectrometer.doctor._check_unused", look)
    (done,) = repair(report)
    assert done.endswith(" removed")
    assert seen == ["player doctor --repair"]
    assert lock_files(table) == []


DAQ = [sys.executable, "-m", "spectrometer.daq.program", "--synthetic", "{}"]


def test_a_lone_program_runs_on_a_memory_that_nobody_owns(tmp_path: Path) -> None:
    path, table = array(tmp_path / "array.toml")
    names = table.status_memory
    command = [*DAQ, "--status-key", str(names.key), "--status-semaphore", names.semaphore]
    with opened(path, "BANKA") as bank:
        script = f"import subprocess, sys; sys.exit(subprocess.run({command!r}, stdin=subprocess.DEVNULL).returncode)"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, timeout=DEADLINE, check=False
        )
        # This process has the Bank and is an ancestor: the program runs, until the end of its
        # input.
        assert (done.returncode, bank.get_status("DAQSTATE")) == (0, "exiting")
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as program:
        try:
            owner = poll(lambda: owner_of(table.shared_names(simulate=True)[0]), "its owner")
            assert (owner.holder, owner.pid) == ("spectrometer-daq", program.pid)
            with pytest.raises(
                RefusedError, match=f"is owned by spectrometer-daq \\(process {program.pid}"
            ):
                with opened(path, "BANKA"):
                    pass
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(
                f"spectrometer-daq: key {names.key:#010x} is owned by spectrometer-daq ("
            )
        finally:
            program.terminate()
    assert lock_files(table) == []
    StatusBuffer(names.key, names.semaphore).unlink()
