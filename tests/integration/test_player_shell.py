"""`player shell`: a prompt on a real terminal, a Bank that is closed whatever ends it, and a real
scan in process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sysv_ipc
from support.player_run import PlayerRun, clean_environment, free_port, poll, python
from support.recordings import recording
from support.spectrometer_array import write_array
from support.terminal import Terminal
from support.toy_bank import write_configuration

from player import Bank
from player.config import load
from player.ports import port_of
from spectrometer.config import SpectrometerBankConfig

DEADLINE = 120.0  # s


@pytest.fixture
def config(tmp_path: Path) -> Path:
    banks = {"BANKA": {"kind": "support.shell_bank:ShellBank", "player_port": free_port()}}
    return write_configuration(tmp_path / "dibas.toml", banks)


@pytest.fixture
def terminal(config: Path, tmp_path: Path) -> Iterator[Terminal]:
    environment = clean_environment(
        DIBAS_DATA=str(tmp_path), TERM="dumb", IPYTHONDIR=str(tmp_path / "ipython")
    )
    program = (
        # the standard console is what every installation has
        "import sys; sys.modules['IPython'] = None\nfrom player.cli import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", program, "shell", "BANKA", "--config", str(config)]
    with Terminal(*words, env=environment) as terminal:
        terminal.wait_for(r">>> ")
        yield terminal


def test_names_are_completed_and_ctrl_c_aborts_an_operation_alone(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.type("p.swe\t60)\r")
    terminal.wait_for(r"p\.sweep\(60\)")
    terminal.wait_for("sweeping")
    terminal.type("\x03")
    terminal.wait_for(r"OperationAbortedError: interrupted \(Ctrl-C\)")
    terminal.type("p.doze()\r")
    terminal.wait_for("dozing")
    terminal.type("\x03")
    terminal.wait_for("abort heard")
    terminal.type("\x03")  # it does not heed an abort: a second one interrupts it
    terminal.wait_for("KeyboardInterrupt")
    terminal.type("p.sweep(0)\r")
    terminal.wait_for("'swept in steps of 0.5 V'")
    assert not (tmp_path / "closed").exists()
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert (tmp_path / "closed").read_text() == "BANKA"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(
    number: signal.Signals, terminal: Terminal, tmp_path: Path
) -> None:
    terminal.type("p.sweep(60)\r")
    terminal.wait_for("sweeping")
    terminal.process.send_signal(number)
    assert terminal.wait() == 128 + number
    assert (tmp_path / "closed").exists()


def run_shell(text: str, *words: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    return python(
        "-m", "player.cli", "shell", *words, input=text, env=clean_environment(DIBAS_DATA=str(data))
    )


def test_lines_can_be_piped_into_it(config: Path, tmp_path: Path) -> None:
    text = "print(p.surroundings()['simulate'], p.nonsense)\nprint(p.knob.turn())\n"
    done = run_shell(text, "BANKA", "--simulate", "--config", config, data=tmp_path)
    assert done.returncode == 0
    assert "has no attribute nonsense" in done.stderr
    assert "p is BANKA of" in done.stderr
    assert "simulated: no instrument is touched" in done.stderr
    assert "1\n" in done.stdout


def test_a_bank_that_a_player_serves_is_left_alone(config: Path, tmp_path: Path) -> None:
    with PlayerRun("BANKA", "--config", config, log=tmp_path / "log") as run:
        run.wait_ready()
        done = run_shell("", "BANKA", "--config", config, data=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("player: a Player of BANKA serves at tcp://127.0.0.1:")
    assert "supervisorctl stop player-BANKA" in done.stderr
    assert not (tmp_path / "closed").exists()


def test_a_stranger_at_the_address_does_not_hinder_it(config: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", port_of(load(config).url("BANKA")))):
        done = run_shell("print(p.get_bank_name())\n", "BANKA", "--config", config, data=tmp_path)
    assert "BANKA" in done.stdout
    assert "somebody is at the address of BANKA, but not its Player" in done.stderr


def test_a_wrong_bank_is_a_sentence(config: Path, tmp_path: Path) -> None:
    done = run_shell("", "BANKX", "--config", config, data=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no Bank BANKX" in done.stderr


def test_a_scan_is_taken_in_process(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    write_array(path, recording=recording(), arm_delay_s=2.0)
    table = load(path).banks["BANKA"]
    assert isinstance(table, SpectrometerBankConfig)
    with Bank("BANKA", path, simulate=True, environment={"DIBAS_DATA": str(tmp_path)}) as p:
        assert p.roach.status() is False
        assert p.set_mode("MODE1") == [True, "new mode MODE1 set!"]
        told = (
            "mode MODE1 is set already; parameters and switching states have their defaults again"
        )
        assert p.set_mode("MODE1") == [True, told]
        p.set_param(exposure=0.5, scan_length=60.0)
        p.prepare()
        assert p.start()[0] is True
        poll(lambda: p.scan_report()["outcome"] == "running", "a running scan")
        begun = time.monotonic()
        assert p.stop() == [True, "Scan ended"]
        assert time.monotonic() - begun < 50
        assert p.scan_report()["outcome"] == "stopped"
    with pytest.raises(sysv_ipc.ExistentialError):
        sysv_ipc.SharedMemory(table.status_memory.key, 0, size=0)
