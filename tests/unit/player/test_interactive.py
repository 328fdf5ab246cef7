"""The Bank in one's own process: what it offers, how it is called, and that it is closed."""

from __future__ import annotations

import functools
import inspect
import itertools
import pydoc
import rlcompleter
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from support.player_run import ROOT, clean_environment, free_port, poll
from support.records import journal_of
from support.shell_bank import ShellBank
from support.toy_bank import ToyBank, write_configuration

from player.clock import SystemClock
from player.errors import BankNameError, BankStartError, ConfigError
from player.interactive import InteractiveBank
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.errors import OperationAbortedError, RefusedError


def configuration(folder: Path, kind: str = "support.shell_bank:ShellBank") -> Path:
    return write_configuration(
        folder / "dibas.toml", {"BANKA": {"kind": kind, "player_port": free_port()}}
    )


@pytest.fixture
def p(tmp_path: Path) -> Iterator[InteractiveBank]:
    with InteractiveBank(
        "BANKA", configuration(tmp_path), environment={"DIBAS_DATA": str(tmp_path)}
    ) as bank:
        yield bank


def inner(bank: InteractiveBank) -> ShellBank:
    assert isinstance(bank.bank, ShellBank)
    return bank.bank


@contextmanager
def sweeping(bank: InteractiveBank) -> Iterator[list[OperationAbortedError]]:
    """A long operation in another thread, which what is within has to end; what it raises."""
    errors: list[OperationAbortedError] = []

    def sweep() -> None:
        try:
            bank.sweep(60.0)
        except OperationAbortedError as error:
            errors.append(error)

    thread = threading.Thread(target=sweep)
    thread.start()
    assert inner(bank).began.wait(10)
    yield errors
    thread.join(10)


def test_the_package_gives_it_late_and_the_base_class_keeps_its_place() -> None:
    program = (
        "import sys, player\n"
        "assert not {'player.interactive', 'player.bank', 'pydantic', 'zmq'} & set(sys.modules)\n"
        "from player import Bank\n"
        "import player.bank\n"
        "print(Bank.__module__, player.bank.Bank.__module__, hasattr(player, 'Nonsense'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
        env=clean_environment(),
    )
    assert (done.stdout.split(), done.stderr) == (
        ["player.interactive", "player.bank", "False"],
        "",
    )


def test_marked_methods_and_parts_are_attributes_and_nothing_else_is(p: InteractiveBank) -> None:
    assert {
        "sweep",
        "stop",
        "get_bank_name",
        "surroundings",
        "knob",
        "roach",
        "bank",
        "close",
    } <= set(dir(p))
    assert not {"watchdog", "open", "parts", "context"} & set(dir(p))
    assert p.get_bank_name() == "BANKA"
    assert p.knob.turn() == 1
    assert dir(p.knob) == ["turn"]
    assert p.roach is None
    with pytest.raises(AttributeError, match="no attribute watchdog"):
        _ = p.watchdog
    with pytest.raises(AttributeError, match=r"bank.knob has no method pull; it has: turn"):
        p.knob.pull()


def test_help_signatures_and_completion_are_those_of_the_methods(p: InteractiveBank) -> None:
    assert str(inspect.signature(p.sweep)) == "(seconds: 'float', step: 'float' = 0.5) -> 'str'"
    assert inspect.getdoc(p.sweep) == inspect.getdoc(ShellBank.sweep)
    assert "seconds: s." in pydoc.plain(pydoc.render_doc(p.sweep))
    completer = rlcompleter.Completer({"p": p})
    assert completer.complete("p.swe", 0) == "p.sweep("
    assert completer.complete("p.knob.tu", 0) in ("p.knob.turn(", "p.knob.turn()")


def test_it_is_found_as_the_command_finds_it(tmp_path: Path) -> None:
    path = configuration(tmp_path)
    environment = {"DIBAS_CONFIG": str(path), "DIBAS_DATA": str(tmp_path), "DIBAS_DIR": "/nowhere"}
    with InteractiveBank(simulate=True, environment=environment) as bank:
        told = bank.surroundings()
        assert (told["simulate"], told["data_root"], told["dibas_dir"]) == (
            True,
            str(tmp_path),
            "/nowhere",
        )
        assert "BANKA, simulated" in repr(bank)
    with InteractiveBank("banka", environment=environment) as bank:
        assert bank.surroundings()["simulate"] is False
    with pytest.raises(BankNameError, match="no Bank BANKX; there are BANKA"):
        InteractiveBank("BANKX", path, environment={})
    with pytest.raises(ConfigError, match="give --config, or set DIBAS_CONFIG"):
        InteractiveBank("BANKA", environment={})


def test_an_operation_runs_in_the_thread_that_calls(p: InteractiveBank) -> None:
    assert p.sweep(0.0, step=2) == "swept in steps of 2 V"
    assert inner(p).threads == [threading.current_thread()]


def test_an_urgent_command_aborts_an_operation_of_another_thread(p: InteractiveBank) -> None:
    with sweeping(p) as errors:
        assert p.stop() == "stopped"
    assert [str(error) for error in errors] == [f"stop was called by {own_name()}"]


def test_an_operation_that_is_accepted_goes_on_and_keeps_commands_waiting(
    p: InteractiveBank,
) -> None:
    assert p.run() == "running"
    assert inner(p).threads != [threading.current_thread()]
    turned = threading.Event()

    def turn() -> None:
        p.knob.turn()
        turned.set()

    thread = threading.Thread(target=turn)
    thread.start()
    assert not turned.wait(0.2)
    assert p.whose_thread() == threading.current_thread().name  # queries do not wait
    inner(p).go_on.set()
    assert turned.wait(10)
    thread.join(10)


def test_an_operation_that_fails_before_it_is_accepted_raises(p: InteractiveBank) -> None:
    with pytest.raises(RefusedError, match="not today"):
        p.run_in_vain()


def test_stop_ends_what_was_accepted(p: InteractiveBank) -> None:
    p.run()
    p.stop()
    assert p.knob.turn() == 1  # the command queue is free again
    assert inner(p).go_on.is_set()


def test_nothing_to_be_done_is_a_success_as_for_callers_of_a_player(p: InteractiveBank) -> None:
    assert p.again() == "so it is"


def test_the_watchdog_is_called(p: InteractiveBank) -> None:
    assert inner(p).ticked.wait(20)


def test_closing_aborts_and_closes_once_and_refuses_calls(p: InteractiveBank) -> None:
    p.run()
    p.close()
    p.close()
    assert inner(p).events == ["open", "close"]
    assert "closed" in repr(p)
    with pytest.raises(RefusedError, match=r"BANKA is closed; make a new one"):
        p.get_bank_name()


def test_a_call_within_a_call_is_refused_where_it_would_wait_for_itself(p: InteractiveBank) -> None:
    inner(p).within = lambda: p.knob.turn()
    with pytest.raises(RefusedError, match=r"bank.knob.turn was called within bank.call_within"):
        p.call_within()
    inner(p).within = lambda: p.get_bank_name()  # queries wait for nobody
    assert p.call_within() == "BANKA"
    inner(p).within = lambda: p.stop()  # nor do urgent commands
    assert p.call_within() == "stopped"


def test_closing_tells_operations_why_they_are_aborted(p: InteractiveBank) -> None:
    with sweeping(p) as errors:
        p.close()
    assert [str(error) for error in errors] == ["the Bank is closed"]


def test_commands_run_beside_an_operation_that_left_and_is_carried_out_by_its_caller(
    p: InteractiveBank,
) -> None:
    thread = threading.Thread(target=p.linger)
    thread.start()
    assert inner(p).began.wait(10)
    assert p.knob.turn() == 1
    assert p.stop() == "stopped"  # aborts reach it
    thread.join(10)
    assert not thread.is_alive()


def test_the_failure_of_an_operation_that_was_accepted_is_logged(
    p: InteractiveBank, caplog: pytest.LogCaptureFixture
) -> None:
    assert p.run_into_a_wall() == "running"
    assert p.knob.turn() == 1
    poll(lambda: "bank.run_into_a_wall: ValueError: a wall" in caplog.text, "the failure")


def _interrupted(call: Callable[[], object], step: int) -> BaseException | None:
    """Have a Ctrl-C at the n-th function that is called for a call; what it raises. LookupError:
    there are not so many."""
    counted = itertools.count(1)

    def at_call(frame: FrameType, event: str, _arg: object) -> None:
        ours = frame.f_code.co_filename.endswith("interactive.py") or "engine" in (
            frame.f_code.co_filename
        )
        if event == "call" and ours and next(counted) == step:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(at_call)
    try:
        call()
    except (KeyboardInterrupt, OperationAbortedError, RefusedError, RuntimeError) as error:
        return error
    finally:
        sys.setprofile(None)
    if next(counted) <= step:
        raise LookupError(step)
    return None


@pytest.mark.parametrize("name", ["turn", "sweep"])
def test_ctrl_c_at_any_step_interrupts_and_the_next_command_has_its_turn(
    p: InteractiveBank, name: str
) -> None:
    call = p.knob.turn if name == "turn" else functools.partial(p.sweep, 0.0)
    expected: tuple[type, ...] = (KeyboardInterrupt,)
    if name == "sweep":  # which an abort may reach when it has ended
        expected += OperationAbortedError, type(None)
    call()
    for step in itertools.count(1):
        try:
            error = _interrupted(call, step)
        except LookupError:
            break
        assert isinstance(error, expected), f"step {step}: {error!r}"
        others = threading.Thread(target=p.knob.turn, daemon=True)
        others.start()
        others.join(10)
        assert not others.is_alive(), f"step {step}"
    assert step > 20


def test_closing_ends_the_wait_of_a_command_for_its_turn(p: InteractiveBank) -> None:
    p.run()
    errors: list[BaseException] = []

    def turn() -> None:
        try:
            p.knob.turn()
        except RefusedError as error:
            errors.append(error)

    thread = threading.Thread(target=turn)
    thread.start()
    queue = p._engine.queues.named("bank commands")
    poll(lambda: queue.waiting, "a command that waits")
    p.close()
    thread.join(10)
    assert ["is closed" in str(error) for error in errors] == [True]


def test_one_process_opens_a_bank_once_at_a_time(p: InteractiveBank, tmp_path: Path) -> None:
    path = p.bank.context.instrument.path
    with pytest.raises(
        BankStartError, match="is open in this process already; close that one first"
    ):
        InteractiveBank("BANKA", path, environment={})
    p.close()
    with InteractiveBank("BANKA", path, environment={"DIBAS_DATA": str(tmp_path)}) as again:
        assert again.get_bank_name() == "BANKA"


@pytest.mark.parametrize("kind", ["FailingBank", "BrokenBank"])
def test_a_bank_that_cannot_be_opened_is_closed_and_told(kind: str, tmp_path: Path) -> None:
    path = configuration(tmp_path, f"support.toy_bank:{kind}")
    for _ in range(2):
        with pytest.raises(BankStartError, match="BANKA cannot be opened: "):
            InteractiveBank("BANKA", path, environment={"DIBAS_DATA": str(tmp_path)})
    assert (tmp_path / "closed").exists() == (kind == "BrokenBank")


def test_a_bank_of_any_kind_will_do(tmp_path: Path) -> None:
    with InteractiveBank(
        "BANKA", configuration(tmp_path, "support.toy_bank:ToyBank"), environment={}
    ) as bank:
        assert isinstance(bank.bank, ToyBank)
        assert bank.device.voltage() == 1.5


def test_commands_of_the_shell_are_in_the_journal_of_the_bank(tmp_path: Path) -> None:
    environment = {"DIBAS_DATA": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with InteractiveBank("BANKA", configuration(tmp_path), environment=environment) as bank:
        bank.set_log_level("info")
        with pytest.raises(RefusedError):
            bank.set_log_level("nonsense")
        bank.get_bank_name()
    (folder,) = (tmp_path / "state" / "dealer-player").iterdir()
    journal = journal_of(folder, clock=SystemClock())
    told = [(e["client"], e["method"], e["outcome"]) for e in journal.entries()]
    assert told[1:-1] == [
        (own_name(), "bank.set_log_level", "done"),
        (own_name(), "bank.set_log_level", "refused"),
    ]
    assert "player shell ends" in journal.entries()[-1]["text"]
    journal.close()
