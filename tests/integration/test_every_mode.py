"""Every mode of the shipped configuration, set and prepared by a real Bank on a simulated board;
and its faults."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.backends import SHIPPED
from support.memory import free_key
from support.player_run import poll

from player import Bank
from player.config import load
from spectrometer.bank import SpectrometerBank
from spectrometer.modes import load_modes
from zmqjsonproxy.caller import Caller, own_name
from zmqjsonproxy.errors import OperationAbortedError, RefusedError

SHIPPED_MODES = load_modes(load(SHIPPED))
FAST = "[spectrometer]\ntime_scale = 0.001\n"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped file, but that nothing waits, and with status memories of the test's own."""
    path: Path = tmp_path_factory.mktemp("modes") / "dibas.toml"
    text = SHIPPED.read_text().replace("[dealer]", f"{FAST}\n[dealer]", 1)
    for letter in "ABCDEFGH":
        key = free_key()
        memory = f'status_memory = {{ key = {key}, semaphore = "/test_status_{key:x}" }}'
        text = text.replace(f"[banks.BANK{letter}]\n", f"[banks.BANK{letter}]\n{memory}\n", 1)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def bank(config: Path) -> Iterator[Bank]:
    with Bank("BANKA", config=config, simulate=True) as made:
        yield made


@pytest.mark.parametrize("mode", SHIPPED_MODES)
def test_a_mode_can_be_set_and_prepared(bank: Bank, mode: str) -> None:
    assert bank.set_mode(mode, force=True) == [True, f"new mode {mode} set!"]
    bank.set_param(scan_length=2.0)
    bank.prepare()
    values, found = bank.get_status(), SHIPPED_MODES[mode]
    assert (values["MODENUM"], values["BOFFILE"], values["SCANLEN"]) == (mode, found.bof_file, 2.0)
    assert (values["SIMULATE"], values["MODESTAT"]) == (1, "set")
    assert bank.valon.get_frequency(0) == found.frequency_mhz
    assert bank.roach.status() is True
    assert bank.mode_state() == {
        "state": "set",
        "mode": mode,
        "frequency_mhz": found.frequency_mhz,
        "cause": "",
    }


def test_stop_says_that_it_ended_a_mode_change_that_was_over_at_once(bank: Bank) -> None:
    bank.set_mode("MODE1", force=True)
    bank.roach.request("sim-fault", ["slow", "60"])
    thread = threading.Thread(target=suppressing_aborts, args=(bank,))
    try:
        thread.start()
        poll(lambda: bank.mode_state()["state"] == "changing", "a mode change")
        engine = bank._engine
        engine.queues.abort_operations(engine.methods["bank.stop"], Caller("bob"))
        thread.join(30)  # before the stop that ended it has its turn
        inner = bank.bank
        assert isinstance(inner, SpectrometerBank)
        assert inner.stop() == [True, "Mode change aborted; no mode is set"]
        with pytest.raises(RefusedError, match="no mode is set"):
            inner.stop()
    finally:
        bank.roach.request("sim-fault", ["none"])


def suppressing_aborts(bank: Bank) -> None:
    with contextlib.suppress(OperationAbortedError):
        bank.set_mode("MODE4")


def test_nodes_of_a_coherent_mode_share_the_masters_board(config: Path, bank: Bank) -> None:
    bank.set_mode("CODD_MODE_512", force=True)
    with Bank(
        "BANKC", config=config, simulate=True
    ) as node:  # it owns a board, and leaves it alone
        node.set_mode("CODD_MODE_512")
        assert node.roach.status() is False
        assert (node.get_status("BANKNUM"), node.get_status("DATAHOST")) == (2, "10.17.0.66")
        assert bank.get_status("BANKNUM") == 0
    assert bank.roach.read_int("IP_2") == 168886275  # 10.17.0.3, where BANKC takes its data


FAULTS = [
    (["refuse", "progdev"], r"\?progdev: fail refused"),
    (["refuse", "valon-set-frequency"], r"\?valon-set-frequency synth_a 1500\.0 .*: fail refused"),
    (["refuse", "tap-start"], r"\?tap-start tap0 gbe0 .*: fail refused"),
    (["refuse", "i2c-write"], r"\?i2c-write 56 1 .*: fail refused"),
    (["drop", "write"], r"\?write .*: the connection was lost"),
    (["readback", "ssg_length"], r"\?write ssg_length .*: ok, but byte"),
    (["unlocked"], "not locked at 1500 MHz; look at the external reference"),
]


@pytest.mark.parametrize(("fault", "says"), FAULTS, ids=[" ".join(fault) for fault, _ in FAULTS])
def test_a_failure_in_the_middle_leaves_no_mode_and_the_cause(
    bank: Bank, fault: list[str], says: str
) -> None:
    bank.set_mode("MODE1", force=True)
    bank.roach.request("sim-fault", fault)
    try:
        with pytest.raises(
            Exception, match=f"mode MODE4 could not be set up, no mode is set now: .*{says}"
        ):
            bank.set_mode("MODE4")
        state = bank.mode_state()
        assert (state["state"], state["mode"]) == ("none", None)
        assert state["cause"].startswith("set_mode(MODE4): ")
        values = bank.get_status()
        assert values["MODESTAT"] == "none"
        assert "MODENUM" not in values
        with pytest.raises(
            Exception, match=r"no mode is set \(set_mode\(MODE4\): .*; call set_mode first"
        ):
            bank.prepare()
    finally:
        bank.roach.request("sim-fault", ["none"])
    assert bank.set_mode("MODE4") == [True, "new mode MODE4 set!"]


def test_stop_ends_a_mode_change_while_the_board_does_not_answer(bank: Bank) -> None:
    bank.set_mode("MODE1", force=True)
    bank.roach.request("sim-fault", ["slow", "60"])
    raised: list[BaseException] = []

    def change() -> None:
        try:
            bank.set_mode("MODE4")
        except OperationAbortedError as error:
            raised.append(error)

    thread = threading.Thread(target=change)
    try:
        thread.start()
        until = time.monotonic() + 30
        while bank.mode_state()["state"] != "changing" and time.monotonic() < until:
            time.sleep(0.01)
        assert bank.stop() == [True, "Mode change aborted; no mode is set"]
        thread.join(30)
        assert len(raised) == 1
        assert bank.mode_state() == {
            "state": "none",
            "mode": None,
            "frequency_mhz": None,
            "cause": f"set_mode(MODE4): stop was called by {own_name()}",
        }
    finally:
        bank.roach.request("sim-fault", ["none"])
    assert bank.set_mode("MODE4") == [True, "new mode MODE4 set!"]
