"""The data-taking program turn by turn, on a clock that the test turns and sets; status memory and
files are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clocks import SettableClock
from support.memory import private_status

from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.pacing import CATCH_UP_S
from spectrometer.daq.program import DaqProgram
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.status import StatusBuffer

EXPOSURE, LENGTH, AHEAD = 0.25, 3.0, 1.0
PLANNED = 12
SETUP = {
    "NCHAN": 32,
    "EXPOSURE": EXPOSURE,
    "SCANLEN": LENGTH,
    "PROJID": "P",
    "BANKNAM": "BANKA",
    "SCANNUM": 3,
    "BACKEND": "VEGAS",
}
RECEIVER = {"center_mhz": 300.0, "bandwidth_mhz": 0.02, "channels": 2}

SYNTHETIC = RunOptions(synthetic=ReceiverConfig(**RECEIVER))


class Rig:
    """A program, its status memory and its clock; what a Player does with them."""

    def __init__(self, status: StatusBuffer, folder: Path, options: RunOptions = SYNTHETIC) -> None:
        self.status, self.folder = status, folder
        self.clock = SettableClock()
        self.program = DaqProgram(status, options, data_dir=folder, clock=self.clock)
        self.start = 0.0
        """Of the scan, on the monotonic clock."""

    def announce(self, *, mono: bool = True, **status: Any) -> None:
        """Start a scan that begins in a second."""
        self.status.remove(["DAQMONO", "DAQSTART", "ARRAYST", "DAQFITS"])
        self.start = self.clock.monotonic() + AHEAD
        fixed = {"DAQMONO": self.start} if mono else {}
        self.status.update(
            {
                **SETUP,
                **status,
                "DAQSTART": self.clock.time() + AHEAD,
                "ARMSTATE": "waiting",
                **fixed,
            }
        )
        self.program.command("START")
        assert self.status.get("NETSTAT") == "receiving"

    def arm(self) -> None:
        self.status.update({"ARMSTATE": "armed"})

    def stop(self) -> None:
        self.status.update({"ARMSTATE": "idle"})
        self.program.command("STOP")

    def turn(
        self, until: float | Callable[[], bool], cost: Callable[[float], float] = lambda _: 0.0
    ) -> None:
        """Let the program work until a time since the scan's start (s), or until something is so.

        Args:
            until: When, or until what.
            cost: Says how long a turn at a time since the start lasts.
        """
        for _ in range(100_000):
            now = self.clock.monotonic() - self.start
            if until() if callable(until) else now >= until - 1e-9:
                return
            wait = self.program.work()
            if not callable(until):
                wait = min(wait, max(until - now, 0.0))
            self.clock.advance(max(wait, 1e-4) + cost(now))
        raise AssertionError("the program gets nowhere")

    @property
    def has_ended(self) -> bool:
        return self.status.get("SCANSTAT") == "stopped"

    def stop_while_behind(self, seconds: float) -> float:
        """Begin a scan of a minute and stop it when the program lags; the time of the stop."""
        self.announce(SCANLEN=60.0)
        self.arm()
        self.turn(1.0)
        self.clock.advance(seconds)
        stopped = self.clock.monotonic()
        self.stop()
        return stopped

    def until_end(self, cost: Callable[[float], float] = lambda _: 0.0) -> dict[str, Any]:
        """Work until the scan has ended; what the status memory says then."""
        self.turn(lambda: self.has_ended, cost)
        return self.status.read()

    @property
    def path(self) -> Path:
        return self.folder / "P" / str(self.status.get("DAQFITS"))

    def table(self) -> tuple[fits.Header, Any]:
        with fits.open(self.path, memmap=False) as units:
            units.verify("exception")
            return units[0].header, units["SPECTRA"].data


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with private_status() as status:
        made = Rig(status, tmp_path)
        yield made
        made.program.command("STOP")


def counts(values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(values[key] for key in ("DAQPLAN", "DAQNINT", "DAQDROP", "DAQLOST"))


def check_whole(rig: Rig, start: float) -> None:
    """All rows are there, at their times since a start in unix seconds."""
    header, rows = rig.table()
    assert (header["DAQEND"], header["DAQPLAN"], header["DAQNINT"]) == (
        "complete",
        PLANNED,
        PLANNED,
    )
    middles = ((rows["TIME"] - 40587.0) * 86400.0 - start)[::2]
    assert middles == pytest.approx((np.arange(PLANNED) + 0.5) * EXPOSURE, abs=0.02)
    assert header["MJDSTART"] == pytest.approx(40587.0 + start / 86400.0, abs=1e-9)


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
@pytest.mark.parametrize("mono", [True, False])
@pytest.mark.parametrize(
    "moment", ["before START", "waiting", "armed", "running", "at the end", "after"]
)
def test_a_clock_that_is_set_changes_neither_the_scan_nor_its_times(
    rig: Rig, step: float, mono: bool, moment: str
) -> None:
    if moment == "before START":
        rig.clock.set_by(step)
    start = rig.clock.time() + AHEAD
    rig.announce(mono=mono)
    if moment == "waiting":
        rig.turn(-0.7)
        rig.clock.set_by(step)
    rig.turn(-0.5)
    rig.arm()
    rig.turn(-0.2)
    if moment == "armed":
        rig.clock.set_by(step)
    rig.turn(0.9)
    assert rig.status.get("DAQPLAN") == PLANNED
    if moment == "running":
        rig.clock.set_by(step)
    rig.turn(LENGTH - 0.03)
    assert not rig.has_ended
    if moment == "at the end":
        rig.clock.set_by(step)
    values = rig.until_end()
    assert rig.clock.monotonic() - rig.start == pytest.approx(LENGTH, abs=0.1)
    assert counts(values) == (PLANNED, PLANNED, 0, 0)
    check_whole(rig, start)
    told = moment in ("waiting", "armed", "running", "at the end")
    assert rig.table()[0]["CLKSTEP"] == pytest.approx(step if told else 0.0, abs=1e-3)
    assert str(values["DAQNOTE"]) == (
        f"the clock of the host was set by {step:+.3f} s" if told else ""
    )
    if moment == "after":  # and the next scan is one like any other
        rig.clock.set_by(step)
        start = rig.clock.time() + AHEAD
        rig.announce(mono=mono)
        rig.arm()
        assert counts(rig.until_end()) == (PLANNED, PLANNED, 0, 0)
        check_whole(rig, start)


def test_the_start_on_the_monotonic_clock_counts_and_not_what_a_clock_says_now(rig: Rig) -> None:
    """The Bank fixed the start before the clock was set; the program hears of both afterwards."""
    rig.status.update(
        {**SETUP, "DAQSTART": rig.clock.time() + AHEAD, "DAQMONO": rig.clock.monotonic() + AHEAD}
    )
    rig.start = rig.clock.monotonic() + AHEAD
    start = rig.clock.time() + AHEAD
    rig.clock.set_by(1800.0)
    rig.program.command("START")
    rig.arm()
    assert counts(rig.until_end()) == (PLANNED, PLANNED, 0, 0)
    assert rig.clock.monotonic() - rig.start == pytest.approx(LENGTH, abs=0.1)
    check_whole(rig, start)


def test_a_program_that_stood_still_over_the_whole_scan_says_that_all_is_lost(rig: Rig) -> None:
    rig.announce()
    rig.turn(-0.5)
    rig.arm()
    rig.clock.advance(LENGTH + 2.0)  # and is not asked to work meanwhile
    rig.stop()
    values = rig.status.read()
    assert counts(values) == (PLANNED, 0, LENGTH / 0.05, LENGTH)
    assert (values["SCANSTAT"], values["DAQFITS"]) == ("stopped", "")


def test_a_program_that_stood_still_through_a_part_of_a_scan_that_is_stopped_has_lost_that_part(
    rig: Rig,
) -> None:
    rig.announce()
    rig.clock.advance(AHEAD + 1.6)
    rig.stop()
    assert counts(rig.status.read()) == (7, 0, 1.6 / 0.05, 1.6)  # six integrations and a short one


def test_a_start_that_is_taken_back_before_its_second_has_no_plan(rig: Rig) -> None:
    rig.announce()
    rig.turn(-0.5)
    rig.stop()
    assert counts(rig.status.read()) == (0, 0, 0, 0)
    rig.status.update(
        {"DAQSTART": rig.clock.time() - 100.0}
    )  # nor has one that was in the past when it was heard of
    rig.status.remove(["DAQMONO"])
    rig.program.command("START")
    rig.stop()
    assert counts(rig.status.read()) == (0, 0, 0, 0)


def test_what_was_lost_in_the_middle_is_counted_and_stands_in_the_header(rig: Rig) -> None:
    rig.announce(SCANLEN=6.0)
    rig.arm()
    rig.turn(1.0)
    rig.clock.advance(3.0)
    values = rig.until_end()
    plan, found, blocks, seconds = counts(values)
    assert (plan, found < plan) == (24, True)
    assert (blocks, seconds) == (
        pytest.approx(20, abs=1.1),
        pytest.approx(1.0, abs=0.06),
    )  # two seconds were caught up
    header, rows = rig.table()
    assert [header[key] for key in ("DAQPLAN", "DAQNINT", "DAQDROP", "DAQLOST", "DAQEND")] == [
        plan,
        found,
        blocks,
        seconds,
        "incomplete",
    ]
    assert len(set(rows["INTEGNUM"].tolist())) == found
    assert rows["EXPOSURE"][::2].sum() == pytest.approx(6.0 - seconds, abs=0.04)


def test_parts_of_one_long_block_are_counted(rig: Rig, tmp_path: Path) -> None:
    """A DADA file is one block; a program that stands still three times within it has lost parts of
    it."""
    recording = tmp_path / "in.dada"
    cards = "HEADER DADA\nHDR_SIZE 4096\nNBIT 8\nNDIM 2\nNPOL 2\nNCHAN 2\nTSAMP 100\nFREQ 300\nBW 0.02\n"
    recording.write_bytes(cards.encode().ljust(4096, b"\0") + bytes(range(256)) * 6250)  # 20 s
    other = Rig(rig.status, tmp_path, RunOptions(source=recording, rate=1e4))
    other.announce(SCANLEN=18.0)
    other.arm()
    for at in (1.0, 5.0, 9.0):
        other.turn(at)
        other.clock.advance(2.4)
    plan, found, blocks, seconds = counts(other.until_end())
    assert (plan, found <= plan) == (72, True)
    assert seconds == pytest.approx(3 * 0.4, abs=0.6)  # the rest was caught up
    assert seconds > 0.3
    assert blocks == pytest.approx(seconds / 20.0)


def test_a_program_that_is_merely_slow_loses_nothing_and_is_not_cut_off_by_the_end(
    rig: Rig,
) -> None:
    rig.announce()
    rig.arm()
    slow = lambda now: 0.03 if now > 0 else 0.0  # noqa: E731  # of 50 ms, and 30 ms more for every turn
    rig.turn(LENGTH + 0.2, lambda now: 0.0255 + slow(now))
    assert not rig.has_ended
    rig.stop()
    assert not rig.has_ended
    values = rig.until_end(slow)
    assert counts(values) == (PLANNED, PLANNED, 0, 0)
    assert rig.table()[0]["DAQEND"] == "complete"


def test_what_a_slow_program_cannot_catch_up_in_time_is_lost_and_said(rig: Rig) -> None:
    stopped = rig.stop_while_behind(1.9)
    assert not rig.has_ended
    values = rig.until_end(lambda _: 0.5)
    assert rig.clock.monotonic() - stopped <= CATCH_UP_S + 1.1
    plan, found, blocks, seconds = counts(values)
    assert plan == 12  # of 2.9 s
    assert 0 < found < plan
    assert (blocks, seconds) == (pytest.approx(32, abs=2), pytest.approx(1.6, abs=0.1))
    assert rig.table()[0]["DAQEND"] == "stopped"


def test_a_word_to_quit_ends_a_program_that_lags_at_once(rig: Rig) -> None:
    rig.stop_while_behind(1.9)
    rig.program.command("QUIT")
    assert rig.program.main_loop() == 0
    assert rig.table()[0]["DAQLOST"] == pytest.approx(1.9, abs=0.06)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("whole", "whole"),
        ("without BANKB: not committed in time", "without BANKB: not committed in time"),
        ("", "unknown"),
        ("it's " + 70 * "x", "it s " + 55 * "x"),
    ],
)
def test_what_the_bank_says_of_the_whole_array_comes_into_the_file(
    rig: Rig, said: str, written: str
) -> None:
    rig.announce(SCANLEN=0.5)
    rig.arm()
    rig.turn(0.2)
    assert rig.table()[0]["ARRAYST"] == "unknown"
    if said:
        rig.status.update({"ARRAYST": said[:66]})
    rig.until_end()
    assert rig.table()[0]["ARRAYST"] == written


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-1.0, 4.0), st.floats(0.0, 5.0)), min_size=1, max_size=3),
    st.booleans(),
    st.floats(0.1, 5.0),
)
def test_whenever_a_program_stands_still_what_is_missing_is_said(
    rig: Rig, pauses: list[tuple[float, float]], is_armed: bool, stopped_at: float
) -> None:
    rig.announce()
    rig.turn(-0.9)
    rig.arm()
    for at, length in sorted(pauses):
        if not rig.has_ended and rig.clock.monotonic() - rig.start < at:
            rig.turn(at)
        rig.clock.advance(length)
    if rig.clock.monotonic() - rig.start < stopped_at and not rig.has_ended:
        rig.turn(stopped_at)
    if not rig.has_ended:
        rig.stop()
    plan, found, blocks, seconds = counts(rig.until_end())
    assert plan == PLANNED or stopped_at < LENGTH
    assert (blocks > 0) == (seconds > 0)
    assert found == plan or seconds > 0
    if rig.status.get("DAQFITS"):
        header, rows = rig.table()
        assert (header["DAQPLAN"], header["DAQNINT"], header["DAQLOST"]) == (plan, found, seconds)
        assert len(set(rows["INTEGNUM"].tolist())) == found
        due = min(LENGTH, plan * EXPOSURE)
        assert rows["EXPOSURE"][::2].sum() <= due - seconds + 1e-6 or plan < PLANNED
    else:
        assert found == 0
