"""A distribution that `player new-bank` wrote: its own tests pass, and it is clean and complete."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.player_run import ROOT, clean_environment

from player.newbank import MAX_NAME_CHARACTERS, BankNames, write_distribution


@pytest.fixture(scope="module")
def mast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_distribution(BankNames.read("weather-mast"), tmp_path_factory.mktemp("new"))


def run(folder: Path, *words: str, python_path: str = str(ROOT)) -> str:
    """Run a module of Python in a folder; its output. It has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=clean_environment(PYTHONPATH=python_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def register(folder: Path, site: Path) -> None:
    """Write what the installation of a distribution would tell of its entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups: Mapping[str, Mapping[str, str]] = project["entry-points"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in groups.items()
        )
    )


def test_its_tests_pass_at_once(mast: Path) -> None:
    assert " passed" in run(mast, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")


def test_its_configuration_has_no_faults(mast: Path, tmp_path: Path) -> None:
    register(mast, tmp_path)
    path = f"{ROOT}:{mast}:{tmp_path}"
    told = run(mast, "player", "check", "--config", "weather-mast.toml", python_path=path)
    assert told == "weather-mast.toml: no faults; Banks: WEATHER_MAST\n"


def test_its_code_is_clean_even_with_the_longest_name(tmp_path: Path) -> None:
    longest = ("abcdefghij-" * 9)[:MAX_NAME_CHARACTERS].strip("-")
    folder = write_distribution(BankNames.read(longest), tmp_path)
    run(folder, "ruff", "check", "--no-cache", ".")
    run(folder, "ruff", "format", "--check", "--no-cache", ".")
