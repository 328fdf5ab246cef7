"""Commands of the original's installations: `source dibas.bash`, `python -m player`, `ipython -i -m
player`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.player_run import ROOT, clean_environment
from support.toy_bank import write_configuration

DIBAS_BASH = ROOT / "deploy" / "dibas.bash"
SHOW = """
source "$1"
source "$1"
echo "$DIBAS_DIR"; echo "$DIBAS_DATA"; echo "$PATH"
complete -p dealer player 2> /dev/null | wc -l
"""


def sourced(file: Path, *options: str, **given: str) -> list[str]:
    """DIBAS_DIR, DIBAS_DATA, PATH, and how many of two commands are completed, in a shell that has
    read the file."""
    environment = clean_environment(PATH="/usr/bin:/bin", **given)
    words = ["bash", "--norc", "--noprofile", *options, "-c", SHOW, "bash", str(file)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=600, env=environment, check=True
    )
    return done.stdout.splitlines()


def test_an_installation_is_the_folder_of_the_file_and_its_programs_come_first(
    tmp_path: Path,
) -> None:
    root = tmp_path / "opt dibas"
    for folder in ("bin", "exec/x86_64-linux", "venv"):
        (root / folder).mkdir(parents=True)
    (root / "venv" / "bin").symlink_to(Path(sys.executable).parent)
    shutil.copy(DIBAS_BASH, root)
    directory, data, path, completed = sourced(root / "dibas.bash", "-i")
    assert directory == str(root)
    assert data == "/tmp"
    assert path == f"{root}/bin:{root}/venv/bin:{root}/exec/x86_64-linux:/usr/bin:/bin"
    assert completed == "2"
    assert sourced(root / "dibas.bash")[3] == "0"  # no person, no completion


def test_what_is_set_already_stays(tmp_path: Path) -> None:
    directory, data, path, _ = sourced(DIBAS_BASH, DIBAS_DIR=str(tmp_path), DIBAS_DATA="/data")
    assert (directory, data, path) == (str(tmp_path), "/data", "/usr/bin:/bin")


@pytest.mark.parametrize("program", ["dealer", "player", "portmanager"])
def test_a_package_is_its_command(program: str) -> None:
    words = [sys.executable, "-m", program, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, cwd=ROOT, check=True)
    assert done.stdout.startswith(f"usage: {program} ")


@pytest.mark.parametrize("bank", ["BANKA", "BANKX"])
def test_a_prompt_that_somebody_else_opened_has_the_bank(tmp_path: Path, bank: str) -> None:
    file = write_configuration(tmp_path / "d.toml", {"BANKA": {}})
    done = subprocess.run(
        [sys.executable, "-i", "-m", "player", bank, "--config", str(file)],
        input="print(p.get_bank_name())\nprint(Bank.__module__)\n",
        env=clean_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    if bank == "BANKA":
        assert "p is BANKA of" in done.stdout
        assert done.stdout.split()[-2:] == ["BANKA", "player.interactive"]
    else:
        assert "has no Bank BANKX" in done.stderr
        assert 'Bank("BANKA", config="FILE") opens one' in done.stderr
        assert done.stdout.split() == ["player.interactive"]


def test_all_examples_of_the_original_find_their_names() -> None:
    script = "from dealer import Dealer, SWbits; print(SWbits.SIG, SWbits.REF, SWbits.CALON, SWbits.CALOFF)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == "0 1 1 0\n"
    told = "from ZMQJSONProxy import *; print(ZMQJSONProxyClient, ZMQJSONProxyServer, ZMQJSONProxyException)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "compat" / "dibas")}
    subprocess.run(
        [sys.executable, "-c", told], env=environment, cwd=ROOT, check=True, capture_output=True
    )
