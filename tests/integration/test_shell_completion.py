"""The files that `dealer completion` writes, in the shells that they are for."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.native_player import NativePlayer
from support.own_kinds import Supply
from support.player_run import ROOT, clean_environment, python

from dealer.cli import main
from player.testing import HostedBank

BIN = Path(sys.executable).parent
ASK = """
source "$1"
shift
for COMP_LINE; do
    COMP_POINT=${#COMP_LINE} COMPREPLY=()
    read -r command _ <<< "$COMP_LINE"
    "$(complete -p "$command" | sed 's/.*-F \\([^ ]*\\).*/\\1/')" 2>&1
    echo "${COMPREPLY[*]}"
done
"""


def environment(config: Path) -> dict[str, str]:
    return clean_environment(
        DIBAS_CONFIG=str(config), PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Shell -> its file."""
    folder = tmp_path_factory.mktemp("completion")
    done = python("-m", "dealer.cli", "completion", "bash")
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "_bash").write_text(done.stdout)
    for shell in ("zsh", "fish"):  # in this process: one of its own takes two seconds
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["completion", shell]) == 0
        (folder / f"_{shell}").write_text(out.getvalue())
    return {shell: folder / f"_{shell}" for shell in ("bash", "zsh", "fish")}


def complete(file: Path, config: Path, *lines: str) -> list[list[str]]:
    """Offers of bash for each line, with the cursor at its end."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(file), *lines],
        cwd=ROOT,
        env=environment(config),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def test_bash_completes_commands_options_banks_and_files(
    files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text('[banks.NORTH]\nhpc_host = "localhost"\n')
    other = tmp_path / "b.toml"
    other.write_text(
        '[banks.EAST]\nhpc_host = "localhost"\n[banks.WEST]\nhpc_host = "localhost"\nplayer_port = 6668\n'
    )
    expected = {
        "dealer st": "status stubs",
        "dealer scan --b": "--banks",
        "dealer call ": "NORTH all",
        f"dealer --config {other} call W": "WEST",
        f"dealer call --timeout 3 --config={other} EAST,": "EAST,EAST EAST,WEST EAST,all",
        f"dealer scan --config {other} --banks E": "EAST",
        "dealer scan --timeout ": "",
        "dealer status --config REA": "README.md",
        "dealer completion z": "zsh",
        "player s": "supervisor-config systemd-unit shell",
        "player m": "migrate",
        "player config s": "show schema",
        "dealer hosts st": "status start stop",
        "dealer keys new --ro": "--role",
        "player migrate --r": "--resolve",
        "player N": "NORTH",
        "player shell ": "NORTH",
        "player shell --log-level w": "warning",
        "player NORTH --log-level=d": "debug",
        "player supervisor-config --log-dir docs/how": "docs/howto",
        "spectrometer-daq --on": "--once",
        f"dealer --config {tmp_path}/none call ": "all",
    }
    found = complete(files["bash"], tmp_path / "a.toml", *expected)
    assert dict(zip(expected, found, strict=True)) == {
        line: words.split() for line, words in expected.items()
    }


def test_bash_completes_the_methods_that_a_live_bank_has(
    files: dict[str, Path], tmp_path: Path
) -> None:
    with NativePlayer(mode="MODE1") as player:
        config = tmp_path / "a.toml"
        port = player.url.rpartition(":")[2]
        config.write_text(f'[banks.BANKA]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n')
        assert complete(
            files["bash"], config, "dealer call BANKA set_m", "dealer call BANKA,BANKA swe"
        ) == [
            ["set_mode"],
            ["sweep"],
        ]


def test_bash_completes_properties_and_runs_nothing_that_a_bank_calls_one(
    files: dict[str, Path], tmp_path: Path
) -> None:
    with HostedBank(Supply, name="SUPPLY") as hosted:
        hosted.bank.publish(f"$(touch${{IFS}}{tmp_path}/run)", 1)  # type: ignore[attr-defined]
        hosted.bank.publish("status.SCAN", 1)  # type: ignore[attr-defined]
        config = tmp_path / "a.toml"
        port = hosted.url.rpartition(":")[2]
        config.write_text(f'[banks.SUPPLY]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n')
        assert complete(
            files["bash"], config, "dealer get SUPPLY.la", "dealer watch SUPPLY.limit SUPPLY.st"
        ) == [["SUPPLY.label"], ["SUPPLY.status.SCAN"]]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_file_is_one_that_its_shell_reads(files: dict[str, Path], shell: str) -> None:
    """With the shell itself where it is installed; everywhere: each command and its function are
    there."""
    text = files[shell].read_text()
    assert f"made by `dealer completion {shell}`" in text
    for name in ("dealer", "player", "spectrometer-daq"):
        handed_over = {
            "bash": f"complete -F _{name.replace('-', '_')} {name}\n",
            "zsh": f"    {name}) _",
            "fish": f"complete -c {name} -f\n",
        }
        assert handed_over[shell] in text
    assert text.count("'") % 2 == 0
    found = shutil.which(shell)
    if found is not None:
        done = subprocess.run(
            [found, "-n", files[shell]], capture_output=True, text=True, timeout=600, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
