"""Proves that the project installs without a compiler: `make wheels`. Needs the network.

Wheels of everything that the extras bring have to exist for each supported Python; then the
project's own wheel is installed with each extra into an empty environment, and what the extra is
for is run there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
CHECKS = {
    "": [
        ["python", "-c", "import dealer, portmanager, zmqjsonproxy"],
        ["dealer", "--version"],
        ["portmanager", "--help"],
    ],
    "player": [["player", "check", "--config", "conf/dibas.toml"]],
    "instruments": [
        ["python", "-c", "import spectrometer.instruments.roach, spectrometer.instruments.valon"]
    ],
    "fits": [["spectrometer-daq", "--help"], ["python", "-c", "import spectrometer.daq.writer"]],
    "plot": [["python", "-c", "import matplotlib"]],
    "web": [["python", "-c", "import player.endpoints.http.application"]],
    "histogrammer": [
        ["histogrammer", "--version"],
        ["mirror", "--help"],
        [
            "python",
            "-c",
            "import numba, boost_histogram, histogrammer.bank, histogrammer.rest.endpoint, "
            "histogrammer.mirror.endpoint",
        ],
    ],
    "root": [["python", "-c", "import uproot, histogrammer.events.roottrees"]],
    "cluster": [["python", "-c", "import distributed, histogrammer.cluster.command"]],
    "hdf5": [["python", "-c", "import h5py, histogrammer.spectrumfiles.formats"]],
    "fast": [["python", "-c", "import orjson, dealer"]],
    "archive": [["python", "-c", "import duckdb, dealer.historyfiles"]],
    "all": [["player", "check", "--config", "conf/dibas.toml"], ["spectrometer-daq", "--help"]],
}


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """Run a command; ends this program with its words if it fails."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def runtime_extras() -> list[str]:
    """Extras that a user installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    return [name for name in extras if name not in ("dev", "docs", "demo")]


def main() -> None:
    """Prove it; prints a line for each step."""
    extras = runtime_extras()
    missing = [name for name in extras if name not in CHECKS]
    if missing:
        sys.exit(f"tools/check_wheels.py has no check of the extras {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="dealer-player-wheels-") as folder:
        base = Path(folder)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", base / "own")
        (wheel,) = (base / "own").glob("*.whl")
        for python in PYTHONS:
            target = base / python
            run(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--dest",
                target,
                "--only-binary",
                ":all:",
                "--python-version",
                python,
                f"{wheel}[all]",
            )
            print(
                f"Python {python}: wheels of all {len(list(target.iterdir())) - 1} dependencies exist",
                flush=True,
            )
        for extra in ("", *extras):
            venv = base / f"venv-{extra or 'core'}"
            run(sys.executable, "-m", "venv", venv)
            what = f"{wheel}[{extra}]" if extra else str(wheel)
            run(
                venv / "bin" / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                what,
            )
            for program, *words in CHECKS[extra]:
                words = [str(ROOT / word) if word == "conf/dibas.toml" else word for word in words]
                run(venv / "bin" / program, *words, cwd=base)
            print(f"[{extra or 'core'}]: installs and runs from the wheel alone", flush=True)


if __name__ == "__main__":
    main()
