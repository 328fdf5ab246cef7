"""Contracts of imports, as pyproject.toml has them: held, and shown to bite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["root_packages"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache"],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_rich_is_imported_by_the_renderer_of_commands_and_the_drawing_of_the_terminal_alone() -> (
    None
):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [
        each
        for each in settings["tool"]["importlinter"]["contracts"]
        if each.get("forbidden_modules") == ["rich"]
    ]
    assert sorted(contract["source_modules"]) == sorted(PACKAGES)
    assert contract["ignore_imports"] == [
        "commandline.richterminal -> rich",
        "dashboard.terminal.drawing -> rich",
        "dashboard.terminal.linewidget -> rich",
    ]


def test_every_package_of_the_repository_is_under_contract() -> None:
    there = {folder.name for folder in ROOT.iterdir() if (folder / "py.typed").exists()}
    assert there == set(PACKAGES)


def test_every_folder_of_modules_is_a_package_of_its_own() -> None:
    folders = {module.parent for package in PACKAGES for module in (ROOT / package).rglob("*.py")}
    assert (
        sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()) == []
    )


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("dealer/dealer.py", "import numpy", "the core needs only pyzmq"),
        ("dealer/dealer.py", "import player.config", "packages are layered"),
        ("zmqjsonproxy/rpc/hub.py", "import dealer.errors", "packages are layered"),
        ("portmanager/client.py", "import psutil", "the core needs only pyzmq"),
        (
            "player/host.py",
            "import rich.table",
            "few modules import rich",
        ),
        ("portmanager/protocol/pool.py", "import socket", "protocol and calculation folders"),
        ("zmqjsonproxy/rpc/protocol/jsonrpc.py", "import time", "protocol and calculation folders"),
        ("spectrometer/status/protocol/cards.py", "import os", "protocol and calculation folders"),
        ("spectrometer/derive/vegas.py", "import threading", "protocol and calculation folders"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    module: str, line: str, contract: str, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    target = tmp_path / module
    target.write_text(f"{target.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(row.startswith(contract) and "BROKEN" in row for row in done.stdout.splitlines())
