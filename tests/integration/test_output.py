"""Standard output and error of our programs when nobody takes what they write, or not these
characters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.player_run import ENDS_WITHIN, ROOT, bank_of, clean_environment, free_port, poll
from support.toy_bank import write_configuration

from zmqjsonproxy.errors import RemoteError

ASCII = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
COMMANDS = {
    "dealer": [["--help"]],
    "player": [["config", "show", "--config", "{config}"], ["--help"]],
    "portmanager": [["--help"]],
}
CASES = [(program, words) for program, all_words in COMMANDS.items() for words in all_words]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "Höhe ☃"
    folder.mkdir()
    return write_configuration(folder / "dibas.toml", {"BANKA": {"player_port": free_port()}})


def run(
    program: str, words: list[str], config: Path, to: str, **env: str
) -> subprocess.CompletedProcess[str]:
    module = [
        sys.executable,
        "-m",
        f"{program}.cli",
        *[word.format(config=config) for word in words],
    ]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {to}', "sh", *module],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=clean_environment(**env),
        check=False,
        errors="replace",
    )


@pytest.mark.parametrize("to", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize(("program", "words"), CASES)
def test_output_that_is_full_or_closed_is_one_sentence(
    program: str, words: list[str], to: str, config: Path
) -> None:
    done = run(program, words, config, to)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"{program}: standard output cannot be written: ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_output_has_no_character_for_is_replaced(encoding: str, config: Path) -> None:
    done = run(
        "player",
        ["check", "--config", "{config}"],
        config,
        "",
        PYTHONIOENCODING=encoding,
        PYTHONUTF8="0",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/dibas.toml: no faults; Banks: BANKA\n")
    assert ("H?he ?" in done.stdout) is (encoding == "ascii")


def test_errors_of_a_command_do_not_go_to_its_output_when_standard_error_is_closed(
    config: Path,
) -> None:
    done = run("player", ["check", "--config", "{config}.none"], config, "2>&-")
    assert done.returncode == 2
    assert done.stdout == ""


def serves_and_ends(bank: Any, process: subprocess.Popen[bytes], calls: int) -> None:
    """Have errors logged; other calls are answered, and the Player ends in time."""
    for _ in range(calls):
        with pytest.raises(RemoteError):
            bank.nap("x")
    assert bank.count() >= 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(ENDS_WITHIN) == 0


def test_a_log_that_nobody_reads_holds_up_no_call_and_not_the_end(config: Path) -> None:
    words = [sys.executable, "-m", "player.cli", "BANKA", "--config", str(config)]
    reader, writer = os.pipe()
    with subprocess.Popen(words, stderr=writer, env=clean_environment(), cwd=ROOT) as process:
        os.close(writer)
        try:
            log = b""
            while b"ready: BANKA at" not in log:
                log += os.read(reader, 65536)
            url = log.decode().rpartition("ready: BANKA at ")[2].split()[0]
            with bank_of(url) as bank:
                serves_and_ends(bank, process, calls=800)  # 200 bytes of the log each
        finally:
            os.close(reader)
            process.kill()


@pytest.mark.parametrize("to", ["2>/dev/full", ">&- 2>&-"])
def test_a_player_whose_log_cannot_be_written_serves_all_the_same(
    to: str, config: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "player.cli", "BANKA", "--config", str(config)]
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" {to}', "sh", *words], env=clean_environment(), cwd=ROOT
    )
    try:
        port = config.read_text(encoding="utf-8").partition("player_port = ")[2].split()[0]
        with bank_of(f"tcp://127.0.0.1:{port}") as bank:

            def answers() -> bool:
                try:
                    return bool(bank.count() >= 0)
                except Exception:
                    return False

            poll(answers, "an answer")
            serves_and_ends(bank, process, calls=1)
    finally:
        process.kill()
        process.wait(10)
