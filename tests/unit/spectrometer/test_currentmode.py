"""Mode changes as transactions: a mode is set, or none and the reason; whatever fails, and wherever."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from spectrometer.currentmode import CurrentMode
from spectrometer.errors import BankError, ModeChangeError, NoModeError
from spectrometer.observing.scanstate import ScanState
from spectrometer.rehearsal import StatusInMemory
from zmqjsonproxy.errors import OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle, running
from zmqjsonproxy.protocol.operations import OperationRecord

MODE = SimpleNamespace(needed_arm_delay_s=4.0)


class Scan:
    """The part of what runs scans that a mode change asks."""

    def __init__(self) -> None:
        self.scanning, self.state = False, ScanState.IDLE
        self.closed: list[tuple[str, str, bool]] = []

    def close(self, why: str, _quit_s: float, *, by: str, keep_programs: bool) -> None:
        self.closed.append((why, by, keep_programs))


class Setter:
    """Sets up modes of no hardware, of which a step may fail."""

    def __init__(self) -> None:
        self.modes, self.frequencies = {"MODE1": MODE, "MODE2": MODE}, dict[str, float]()
        self.fails: dict[str, BaseException] = {}
        self.has_ended_program = False

    def _step(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def install(self, name: str, frequency: float, status: Any, _handle: Any) -> Any:
        status.clear()
        status.update({"MODENAME": name})
        self._step("install")
        setup = SimpleNamespace(mode=self.modes[name], asked_mhz=frequency, frequency_mhz=frequency)
        return SimpleNamespace(mode=self.modes[name], setup=setup)

    def programs(self, _mode: Any, _status: Any) -> Any:
        self._step("programs")
        return SimpleNamespace()

    def start_programs(self, _backend: Any, _programs: Any, _handle: Any) -> None:
        self._step("start_programs")

    def keeps_program(self) -> bool:
        return True

    def end_program(self, _quit_s: float) -> None:
        self.has_ended_program = True


class Night:
    """A mode with what it works on."""

    def __init__(self) -> None:
        self.status, self.setter, self.told = StatusInMemory(), Setter(), list[Any]()
        self.scans: list[Scan] = []
        self.mode: CurrentMode = CurrentMode(
            self.setter,  # type: ignore[arg-type]  # with what is asked of it here
            lambda: self.status,
            logging.LoggerAdapter(logging.getLogger("test"), {}),
            self._scan,  # type: ignore[arg-type]
            lambda: self.status.update({"SCANNUM": 1}),
            lambda: self.told.append(self.mode.describe()["state"]),
        )

    def _scan(self, _backend: Any, _programs: Any) -> Scan:
        self.scans.append(Scan())
        return self.scans[-1]

    def change(self, name: str = "MODE1", *, aborted_by_stop: bool = False) -> list[Any]:
        handle = OperationHandle(OperationRecord("1", "bank.set_mode"))
        if aborted_by_stop:
            handle.abort("stopped", method="stop")
        with running(handle):
            return self.mode.change(name, 1440.0, keep_program=True)


def test_a_mode_is_set_with_its_frequency_and_that_is_told() -> None:
    night = Night()
    assert night.change() == [True, "new mode MODE1 set!"]
    assert night.mode.describe() == {
        "state": "set",
        "mode": "MODE1",
        "frequency_mhz": 1440.0,
        "cause": "",
    }
    assert night.mode.is_at("MODE1", 1440.0)
    assert not night.mode.is_at("MODE1", -1440.0)
    assert not night.mode.is_at("MODE2", 1440.0)
    assert night.status.get("MODESTAT") == "set"
    assert night.setter.frequencies == {"MODE1": 1440.0}
    assert night.told[0] == "changing"
    assert night.told[-1] == "set"


@pytest.mark.parametrize("step", ["install", "programs", "start_programs"])
def test_a_step_that_fails_leaves_no_mode_and_the_reason(step: str) -> None:
    night = Night()
    night.change()
    night.setter.fails = {step: BankError("the board is on fire")}
    with pytest.raises(ModeChangeError, match="no mode is set now: the board is on fire"):
        night.change("MODE2")
    assert night.mode.describe()["state"] == "none"
    assert night.mode.cause == "set_mode(MODE2): the board is on fire"
    assert night.status.get("MODESTAT") == "none"
    assert night.status.get("MODENAME") is None
    assert night.setter.has_ended_program
    with pytest.raises(NoModeError, match="on fire"):
        night.mode.need_backend()
    with pytest.raises(RefusedError, match="on fire"):
        night.mode.need_scan()


def test_the_scans_of_the_old_mode_end_and_its_program_goes_on() -> None:
    night = Night()
    night.change()
    night.change("MODE2")
    [(why, _by, keeps)] = night.scans[0].closed
    assert why.startswith("set_mode(MODE2) by ")
    assert keeps


def test_a_stop_that_ended_a_change_is_told_so_once() -> None:
    night = Night()
    with pytest.raises(OperationAbortedError):
        night.change(aborted_by_stop=True)
    assert night.mode.await_end_of_change()
    assert not night.mode.await_end_of_change()


def test_what_must_not_disturb_a_scan_is_refused_while_one_runs() -> None:
    night = Night()
    night.change()
    night.mode.refuse_while_scanning("stop it first")
    night.scans[0].scanning, night.scans[0].state = True, ScanState.RUNNING
    with pytest.raises(RefusedError, match="a scan is running; stop it first"):
        night.mode.refuse_while_scanning("stop it first")


def test_a_mode_is_left_once_and_for_its_first_reason_of_the_end() -> None:
    night = Night()
    night.change()
    night.mode.abandon("the Player ends", by="its Player")
    night.mode.abandon("again")
    assert night.scans[0].closed == [("the Player ends", "its Player", False)]
    assert night.mode.cause == "again"
