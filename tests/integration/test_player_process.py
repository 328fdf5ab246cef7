"""The command `player` as a real process: its start, its readiness, its end, and what it says when
it cannot start."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from support.player_run import (
    ROOT,
    PlayerRun,
    bank_of,
    clean_environment,
    free_port,
    is_gone,
    player,
    poll,
)
from support.terminal import Terminal
from support.toy_bank import write_configuration

PROMISED = 5.0  # s from the signal to the end
ANY_PORT = "tcp://127.0.0.1:*"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_configuration(tmp_path / "dibas.toml", {"BANKA": {}})


def toy(tmp_path: Path, kind: str) -> Path:
    return write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {"kind": f"support.toy_bank:{kind}"}}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_player_in_time_and_its_children_with_it(
    number: signal.Signals, config: Path, tmp_path: Path
) -> None:
    with PlayerRun("BANKA", ANY_PORT, "--config", config, log=tmp_path / "log") as run:
        with bank_of(run.wait_ready()) as bank:
            children = [bank.start_child(), bank.start_child(stubborn=True)]
        status, seconds = run.end(number)
        assert status == 0, run.text
        assert seconds < PROMISED
        assert all(is_gone(child) for child in children)
        assert f"ending BANKA: {number.name}" in run.text
        assert "Traceback" not in run.text


def test_a_hang_up_of_a_daemon_reads_the_configuration_again_and_is_never_silent(
    config: Path, tmp_path: Path
) -> None:
    with PlayerRun("BANKA", ANY_PORT, "--config", config, log=tmp_path / "log") as run:
        with bank_of(run.wait_ready()) as bank:
            run.process.send_signal(signal.SIGHUP)
            told = "SIGHUP: BANKA reads its configuration again: nothing has changed; end and start the Player for that"
            poll(lambda: told in run.text, "a line in the log")  # a toy has nothing to read again
            assert bank.count() >= 0
        assert run.end()[0] == 0


def test_the_hang_up_of_its_terminal_ends_a_player_in_order(config: Path) -> None:
    words = [sys.executable, "-m", "player.cli", "BANKA", ANY_PORT, "--config", str(config)]
    with Terminal(*words, env=clean_environment(), columns=200) as terminal:
        terminal.wait_for("ready: BANKA at")
        terminal.process.send_signal(signal.SIGHUP)
        terminal.wait_for("ending BANKA: SIGHUP")
        assert terminal.wait() == 0


def test_a_call_that_cannot_be_interrupted_does_not_delay_the_end(
    config: Path, tmp_path: Path
) -> None:
    import threading

    from zmqjsonproxy.errors import ProxyError

    with PlayerRun("BANKA", ANY_PORT, "--config", config, log=tmp_path / "log") as run:
        url = run.wait_ready()

        def call() -> None:
            with bank_of(url) as bank, pytest.raises(ProxyError):
                bank.nap(60)

        caller = threading.Thread(target=call)
        caller.start()
        with bank_of(url) as bank:
            assert bank.count() >= 0
        status, seconds = run.end()
        assert (status, seconds < PROMISED) == (0, True), run.text
        caller.join(20)
        assert not caller.is_alive()


def test_children_of_a_bank_are_ended_by_signals_as_any_process(tmp_path: Path) -> None:
    with PlayerRun(
        "BANKA", ANY_PORT, "--config", toy(tmp_path, "ParentBank"), log=tmp_path / "log"
    ) as run:
        with bank_of(run.wait_ready()) as bank:
            assert bank.end_child(int(signal.SIGTERM)) == -signal.SIGTERM
            assert bank.end_child(int(signal.SIGHUP)) == -signal.SIGHUP
            assert bank.end_child(int(signal.SIGUSR1)) == -signal.SIGUSR1
            assert bank.end_child(int(signal.SIGINT)) == 1  # KeyboardInterrupt
            assert bank.use_pool() == "pool is closed"
            assert bank.get_bank_name() == "BANKA"
        assert run.end(signal.SIGTERM)[0] == 0


def test_a_bank_that_does_not_close_is_ended_by_force_and_that_is_no_success(
    tmp_path: Path,
) -> None:
    with PlayerRun(
        "BANKA", ANY_PORT, "--config", toy(tmp_path, "HangingBank"), log=tmp_path / "log"
    ) as run:
        with bank_of(run.wait_ready()) as bank:
            child = bank.start_child(stubborn=True)
        status, seconds = run.end()
        assert status == 1
        assert seconds < PROMISED + 1  # the machine may be slow to end what is ended by force
        assert is_gone(child)
        assert "ended by force" in run.text


def test_a_signal_during_the_opening_ends_it_and_closes_the_bank(tmp_path: Path) -> None:
    environment = clean_environment(DIBAS_DATA=str(tmp_path))
    words = ["BANKA", ANY_PORT, "--config", toy(tmp_path, "SlowBank")]
    with PlayerRun(*words, log=tmp_path / "log", env=environment) as run:
        poll((tmp_path / "opening").exists, "opening")
        status, seconds = run.end()
        assert (status, seconds < PROMISED) == (0, True), run.text
        assert (tmp_path / "closed").exists()


def test_a_player_says_ready_only_after_it_answered_its_own_call(tmp_path: Path) -> None:
    done = player("BANKA", ANY_PORT, "--config", toy(tmp_path, "MuteBank"), "--ready-within", "0")
    assert done.returncode == 1
    assert "is not ready: the Player there serves BANKX" in done.stderr
    assert "ready: BANKA at" not in done.stderr


@pytest.mark.parametrize("abstract", [False, True])
def test_the_notify_socket_hears_of_start_and_end(
    abstract: bool, config: Path, tmp_path: Path
) -> None:
    address = (
        f"\0dealer-player-test-{free_port()}-{tmp_path.name}"
        if abstract
        else str(tmp_path / "notify")
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(30)
        environment = clean_environment(NOTIFY_SOCKET=address.replace("\0", "@"))
        with PlayerRun(
            "BANKA", ANY_PORT, "--config", config, log=tmp_path / "log", env=environment
        ) as run:
            states: list[dict[str, str]] = []
            while not states or "READY" not in states[-1]:
                states.append(
                    dict(line.split("=", 1) for line in sock.recv(4096).decode().splitlines())
                )
            url = run.wait_ready()
            assert states[-1] == {"READY": "1", "STATUS": f"BANKA at {url}"}
            with bank_of(url) as bank:
                assert (
                    bank.surroundings()["notify_socket"] is None
                )  # children must not speak for us
            assert run.end()[0] == 0
            last = dict(line.split("=", 1) for line in sock.recv(4096).decode().splitlines())
            assert last["STOPPING"] == "1"


def test_a_notify_socket_that_nobody_reads_does_no_harm(config: Path, tmp_path: Path) -> None:
    environment = clean_environment(NOTIFY_SOCKET=str(tmp_path / "nobody"))
    with PlayerRun(
        "BANKA", ANY_PORT, "--config", config, log=tmp_path / "log", env=environment
    ) as run:
        run.wait_ready()
        assert run.end()[0] == 0


def test_the_command_ready_tells_whether_a_player_answers(tmp_path: Path) -> None:
    port = free_port()
    config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"player_port": port}})
    away = player("ready", "BANKA", "--config", config, "--timeout", "0.2")
    assert away.returncode == 1
    assert away.stderr.startswith(f"player: BANKA at tcp://127.0.0.1:{port} is not ready: ")
    with PlayerRun(
        "--config", config, log=tmp_path / "log"
    ) as run:  # the Bank is inferred from the host's name
        there = player("ready", "--config", config, "--timeout", "30")
        assert (there.returncode, there.stdout) == (
            0,
            f"ready: BANKA at tcp://127.0.0.1:{port}\n",
        ), run.text
        other = player("ready", "BANKB", f"tcp://127.0.0.1:{port}")
        assert (other.returncode, "serves BANKA" in other.stderr) == (1, True)


def test_variables_and_words_reach_the_bank(tmp_path: Path) -> None:
    root = tmp_path / "dibas"
    (root / "etc" / "config").mkdir(parents=True)
    write_configuration(
        root / "etc" / "config" / "dibas.toml", {"BANKA": {}}, 'data_root = "/from/file"'
    )
    environment = clean_environment(DIBAS_DIR=str(root), DIBAS_DATA="/from/environment")
    with PlayerRun("banka", ANY_PORT, "simulate", log=tmp_path / "log1", env=environment) as run:
        with bank_of(run.wait_ready()) as bank:
            told = bank.surroundings()
    assert (told["simulate"], told["data_root"], told["dibas_dir"]) == (
        True,
        "/from/environment",
        str(root),
    )

    file = root / "etc" / "config" / "dibas.toml"
    with PlayerRun(
        "BANKA", ANY_PORT, env=clean_environment(DIBAS_CONFIG=str(file)), log=tmp_path / "log2"
    ) as run:
        with bank_of(run.wait_ready()) as bank:
            told = bank.surroundings()
    assert (told["simulate"], told["data_root"], told["dibas_dir"]) == (False, "/from/file", None)


def test_the_default_data_root_is_tmp_and_the_default_address_is_loopback(tmp_path: Path) -> None:
    port = free_port()
    config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"player_port": port}})
    with PlayerRun("--config", config, "--simulate", log=tmp_path / "log") as run:
        url = run.wait_ready()
        with bank_of(url) as bank:
            told = bank.surroundings()
    assert (url, told["data_root"], told["simulate"]) == (f"tcp://127.0.0.1:{port}", "/tmp", True)


def test_an_address_that_is_open_to_the_network_is_warned_of(tmp_path: Path) -> None:
    config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}}, "insecure = true")
    with PlayerRun("BANKA", "tcp://0.0.0.0:*", "--config", config, log=tmp_path / "log") as run:
        run.wait_ready()
        assert "WARNING" in run.text
        assert "open to the network" in run.text


def test_the_shipped_file_starts_on_any_host(tmp_path: Path) -> None:
    """None of its host names is known here, and DIBAS_DIR is not set; only the status memory is the
    test's own."""
    shipped = (ROOT / "conf" / "dibas.toml").read_text()
    key = random.randrange(0x10000000, 0x7FFFFFFF)
    memory = f'status_memory = {{ key = {key}, semaphore = "/dealer_player_test_{key}" }}'
    own = shipped.replace("[banks.BANKA]\n", f"[banks.BANKA]\n{memory}\n")
    assert own != shipped
    (tmp_path / "dibas.toml").write_text(own)
    words = [
        "BANKA",
        f"tcp://127.0.0.1:{free_port()}",
        "simulate",
        "--config",
        tmp_path / "dibas.toml",
    ]
    with PlayerRun(
        *words, log=tmp_path / "log", env=clean_environment(DIBAS_DATA=str(tmp_path))
    ) as run:
        with bank_of(run.wait_ready()) as bank:
            assert bank.get_bank_name() == "BANKA"
            assert "MODE1" in bank.list_modes()
        assert run.end()[0] == 0, run.text


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"player_port": port}})
        done = player("BANKA", "--config", config)
    assert done.returncode == 1
    assert done.stderr.startswith(f"player: port {port} is taken: process {os.getpid()} (")
    assert done.stderr.endswith(f") already serves on tcp://127.0.0.1:{port}\n")


def test_an_address_of_another_host_is_one_sentence(tmp_path: Path) -> None:
    config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}}, "insecure = true")
    done = player("BANKA", "--bind", "192.0.2.1", "--config", config)
    assert done.returncode == 1
    assert (
        done.stderr
        == "player: cannot serve on tcp://192.0.2.1:6667: that is no address of this host\n"
    )


def test_a_bank_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    done = player("BANKA", ANY_PORT, "--config", toy(tmp_path, "FailingBank"))
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr.splitlines()[-1]
        == "player: BANKA cannot be opened: [Errno 5] the board does not answer"
    )
    assert "Traceback" not in done.stderr


def test_a_bug_in_a_kind_is_logged_with_its_traceback_and_the_bank_is_closed(
    tmp_path: Path,
) -> None:
    environment = clean_environment(DIBAS_DATA=str(tmp_path))
    done = player("BANKA", ANY_PORT, "--config", toy(tmp_path, "BrokenBank"), env=environment)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert (
        done.stderr.splitlines()[-1] == "player: BANKA cannot be opened: ZeroDivisionError: a bug"
    )
    assert (tmp_path / "closed").exists()


def test_a_player_that_was_killed_leaves_its_port_free(tmp_path: Path) -> None:
    port = free_port()
    config = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"player_port": port}})
    with PlayerRun("--config", config, log=tmp_path / "log1") as run:
        run.wait_ready()
        run.process.kill()
        run.process.wait(10)
    with PlayerRun("--config", config, log=tmp_path / "log2") as run:
        run.wait_ready()


def test_the_watchdog_runs_beside_a_long_call(config: Path, tmp_path: Path) -> None:
    with PlayerRun("BANKA", ANY_PORT, "--config", config, log=tmp_path / "log") as run:
        with bank_of(run.wait_ready()) as bank:
            before, begun = bank.count(), time.monotonic()
            bank.nap(2.5)
            assert bank.count() - before >= int(time.monotonic() - begun) - 1 >= 1
