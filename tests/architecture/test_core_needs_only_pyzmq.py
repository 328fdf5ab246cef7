"""With pyzmq and the standard library alone, a Dealer is imported and calls a Player."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer

ROOT = Path(__file__).resolve().parents[2]
CORE = ("groundwork", "commandline", "arrayconfig", "zmqjsonproxy", "portmanager", "dealer")

PROGRAM = """
import importlib.metadata, importlib.util, json, sys, time
before = time.process_time()
import dealer
cpu_s = time.process_time() - before
with dealer.Dealer({"BANKA": sys.argv[1], "BANKB": sys.argv[2]}) as d:
    d.add_active_player("BANKB")
    d.set_mode("MODE1")
    answers = [d.get_mode(), d.get_status("BANKNAM"), sorted(set(dir(d)) & {"sweep", "set_mode", "prepare"})]
    mistake = str(d.outcomes("set_mode", "MODE99")["BANKA"].error)
own = {"dealer", "arrayconfig", "commandline", "groundwork", "zmqjsonproxy", "portmanager", "zmq", "__main__"}
print(json.dumps({
    "answers": answers,
    "mistake": mistake,
    "foreign": sorted({m.partition(".")[0] for m in sys.modules} - set(sys.stdlib_module_names) - own),
    "there": [n for n in ("numpy", "orjson", "pydantic", "player", "spectrometer", "yaml", "tomli", "pip")
              if importlib.util.find_spec(n)],
    "distributions": [d.metadata["Name"] for d in importlib.metadata.distributions()],
    "cpu_s": cpu_s,
    "asyncio": "asyncio" in sys.modules,
    "prefix": sys.prefix,
}))
"""


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the installed files of pyzmq, the three core packages, and
    nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    files = importlib.metadata.files("pyzmq") or []
    tops = {
        file.parts[0]: Path(str(file.locate())).parents[len(file.parts) - 2]
        for file in files
        if len(file.parts) > 1
    }
    assert "zmq" in tops
    for name, origin in tops.items():
        if name not in ("..", "__pycache__"):
            (site_packages / name).symlink_to(origin, target_is_directory=True)
    for name in CORE:
        (site_packages / name).symlink_to(ROOT / name, target_is_directory=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def found(bare_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Report of the program in the bare environment."""
    with NativePlayer() as native, OriginalPlayer(bank="BANKB") as original:
        done = subprocess.run(
            [bare_python, "-I", "-W", "error", "-c", PROGRAM, native.url, original.url],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=tmp_path_factory.mktemp("elsewhere"),
        )
        assert original.is_alive
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_environment_is_bare(found: dict[str, Any]) -> None:
    assert found["distributions"] == ["pyzmq"]
    assert found["there"] == []
    assert found["prefix"] != sys.prefix


def test_whole_calls_work_with_players_of_both_generations(found: dict[str, Any]) -> None:
    assert found["answers"] == [
        [True, "MODE1"],
        {"BANKA": "BANKA", "BANKB": "BANKB"},
        ["prepare", "set_mode"],
    ]
    assert "MODE99" in found["mistake"]


def test_nothing_beyond_pyzmq_and_the_standard_library_is_loaded(found: dict[str, Any]) -> None:
    assert [name for name in found["foreign"] if not name.startswith(("_cython", "cython"))] == []


def test_a_dealer_that_waits_loads_no_asyncio(found: dict[str, Any]) -> None:
    assert found["asyncio"] is False


def test_the_distribution_asks_for_pyzmq_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [requirement.partition(">")[0] for requirement in project["dependencies"]] == ["pyzmq"]
