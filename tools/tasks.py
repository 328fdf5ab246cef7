"""Tasks of the Makefile, in the standard library alone: a bare machine has python3 and nothing
else."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = ".dealer-player-setup"
SUPPORTED = ("3.11", "3.12", "3.13")
VERB_TESTS = (
    "twophasestart",
    "dealer_fanout",
    "dealer_operation_verbs",
    "dealer_scan_verbs",
    "dealer_start",
    "dealer_verbs",
    "scanwait",
)
DAQ_TESTS = ("axis", "blockplaces", "checksum", "dadafile", "guppifile", "psrfits", "rawfile")
CORE_TESTS = [
    "tests/unit/zmqjsonproxy",
    "tests/unit/portmanager",
    "tests/unit/spectrometer/status",
    "tests/unit/histogrammer/events/protocol",
    "tests/unit/histogrammer/rest",
    "tests/unit/gateways/difx/protocol",
    "tests/unit/dashboard/protocol",
    "tests/unit/player/endpoints/http/protocol",
    *(f"tests/unit/dealer/test_{name}.py" for name in VERB_TESTS),
    *(f"tests/unit/spectrometer/daq/test_{name}.py" for name in DAQ_TESTS),
]
"""Of the pure core: quick, and without sockets."""
WAITING = 2
"""Workers of the tests beyond one for each core."""


def environment() -> dict[str, str]:
    """Ours; who wants no compiled files beside the sources gets them in .venv.

    The tests start hundreds of interpreters, and each would compile all that it imports, a second's
    work.
    """
    ours = dict(os.environ)
    if ours.pop("PYTHONDONTWRITEBYTECODE", ""):
        ours["PYTHONPYCACHEPREFIX"] = str(VENV / "pycache")
    return ours


def run(*command: str | Path, check: bool = True) -> int:
    """Run a command from the project's root; end this program with its status if it fails."""
    print("+", " ".join(str(word) for word in command), flush=True)
    status = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env=environment(), check=False
    ).returncode
    if check and status != 0:
        sys.exit(status)
    return status


def set_up(extra: str, venv: Path = VENV, interpreter: str = sys.executable) -> None:
    """Make an environment and install the project with one extra; do nothing if that was done for
    these very files."""
    python, stamp = venv / "bin" / "python", venv / STAMP
    wanted = hashlib.sha256(
        (
            extra + (ROOT / "pyproject.toml").read_text() + (ROOT / "constraints.txt").read_text()
        ).encode()
    ).hexdigest()
    done = stamp.read_text().split() if stamp.exists() else []
    if wanted in done:
        return
    if not python.exists():
        run(interpreter, "-m", "venv", venv)
    options = ["--constraint", "constraints.txt", "--editable", f".[{extra}]"]
    if run(
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv", check=False
    ) == 0 and (
        run(
            venv / "bin" / "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            *options,
            check=False,
        )
        == 0
    ):
        pass
    else:  # uv could not be had or could not resolve here: plain pip is slower and always there
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options)
    stamp.write_text("\n".join([*done, wanted]) + "\n")


def interpreter_of(version: str) -> str | None:
    """Return an interpreter of a version that is on the path, or that pyenv has; None: there is
    none."""
    places = [Path(place) / f"python{version}" for place in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for python in [*places, *sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)]:
        try:  # pyenv's shims stand on the path for versions that are switched off, too
            told = subprocess.run(
                [python, "-c", "import venv"], capture_output=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if told.returncode == 0:
            return str(python)
    return None


def lint() -> None:
    run(PYTHON, "-m", "ruff", "check", ".")
    run(PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")
    run(VENV / "bin" / "lint-imports", "--no-cache")
    run(VENV / "bin" / "lint-imports", "--no-cache", "--config", "siblings.toml")
    run(PYTHON, "-m", "mypy")


def demo() -> None:
    """Take two scans with four simulated Players, of a recording and of a synthetic receiver; files
    in demo-run/."""
    set_up("demo")
    run(PYTHON, "examples/demo.py")


def demo_control() -> None:
    """Give keys to three people with three roles, take and break control, revoke a key, and read the
    journal."""
    set_up("demo")
    run(PYTHON, "examples/demo_control.py")


def demo_histogrammer() -> None:
    """Fill spectra of simulated gamma rays with two histogrammers, and find in them what was put in;
    pictures in demo-histogrammer-run/."""
    set_up("demo")
    run(PYTHON, "examples/demo_histogrammer.py")


def demo_mirror() -> None:
    """Copy the spectra of a histogrammer to a second process, and add them up in a third: the sums have to
    be the same."""
    set_up("demo")
    run(PYTHON, "examples/demo_mirror.py")


def demo_difx() -> None:
    """Run correlator jobs through a gateway for DiFX clients, and find the delay that was put in; picture
    and visibilities in demo-difx-run/."""
    set_up("demo")
    run(PYTHON, "examples/demo_difx.py")


def demo_dashboard() -> None:
    """Show four Banks that take scans on a page of the whole array, and after a minute a fault; runs
    until Ctrl-C, or for SECONDS=n."""
    set_up("demo")
    seconds = os.environ.get("SECONDS")
    run(PYTHON, "examples/demo_dashboard.py", *(["--seconds", seconds] if seconds else ()))


def test() -> None:
    """Set up, then linters, types and all tests."""
    set_up("dev")
    lint()
    all_tests(PYTHON)


def all_tests(python: Path, check: bool = True) -> int:
    """Run the unit tests of the pure core, which print how much of its branches they pass (which
    modules, and how much it must be: `tool.coverage` in pyproject.toml), then all others."""
    workers = (os.cpu_count() or 1) + WAITING  # tests with processes wait much
    command = [python, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile"]
    covered = [*CORE_TESTS, "--cov", "--cov-report", "term:skip-covered"]
    apart = [*CORE_TESTS, "tests/browser"]
    others = ["--no-loadscope-reorder", *(f"--ignore={place}" for place in apart)]
    return run(*command, *covered, check=check) or run(*command, *others, check=check)


def test_web() -> None:
    """Run the tests of the dashboard's pages in Chromium, which the distribution has to bring."""
    set_up("dev-web")
    run(PYTHON, "-m", "pytest", "-q", "tests/browser")


def pictures() -> None:
    """Take the documentation's pictures of the dashboard anew, from the demo, in Chromium."""
    set_up("dev-web")
    os.environ["PYTHONPATH"] = "tests"
    run(PYTHON, "-m", "support.pagepictures")


def matrix() -> None:
    """Run all tests with each supported Python that is on this computer, and name those that are
    not."""
    told = {}
    for version in SUPPORTED:
        python = interpreter_of(version)
        if python is None:
            told[version] = "is not on this computer: not tested"
            continue
        venv = ROOT / ".matrix" / version
        set_up("dev", venv, python)
        told[version] = "failed" if all_tests(venv / "bin" / "python", check=False) else "passed"
    for version, outcome in told.items():
        print(f"Python {version} {outcome}")
    if "failed" in told.values():
        sys.exit(1)


def check() -> None:
    """Linters and types only."""
    set_up("dev")
    lint()


def bench() -> None:
    """Measure; prints floor, ours, ratio, must, aim and writes benchmarks/RESULTS.md."""
    set_up("dev")
    run(PYTHON, "-m", "benchmarks", "--write")


def memory() -> None:
    """Take 1000 scans in each kind of mode, in an hour or two; fails if memory of Player or program
    grows."""
    set_up("dev")
    run(PYTHON, "-m", "benchmarks.memory")


def soak() -> None:
    """Take scans with faults at random points of them, for MINUTES=10 with SEED=1, and print what
    became of them; fails if a promise is broken."""
    set_up("dev")
    run(PYTHON, "-m", "tools.soak", *given("minutes", "seed"))


def fuzz() -> None:
    """Give bytes that nobody would send to all readers of bytes, for MINUTES=1 each; needs atheris,
    which is installed for it."""
    set_up("dev")
    run(
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "atheris",
        check=False,
    )
    run(PYTHON, "-m", "tools.fuzz", *given("minutes"))


def given(*names: str) -> list[str]:
    """Return options for what stands behind a target, as `make soak MINUTES=3`."""
    return [f"--{name}={os.environ[name.upper()]}" for name in names if name.upper() in os.environ]


def readers() -> None:
    """Set up programs that this project did not write, let them read its files, and write the
    tables of the docs."""
    set_up("dev")
    run(PYTHON, "-m", "readers", "--set-up", "--write")


def docs() -> None:
    """Build the documentation as a site in build/docs; a warning is an error."""
    set_up("docs")
    run(PYTHON, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", "build/docs")
    print("build/docs/index.html")


def wheels() -> None:
    """Prove that wheels exist for each supported Python, and that each extra installs and runs;
    needs the network."""
    set_up("dev")
    run(PYTHON, "tools/check_wheels.py")


def clean() -> None:
    """Remove what the other targets made."""
    caches = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    runs = ("demo-run", "demo-histogrammer-run", "demo-difx-run")
    for name in (".venv", ".matrix", ".readers", *runs, "build", *caches):
        shutil.rmtree(ROOT / name, ignore_errors=True)


def help_() -> None:
    """Print this list."""
    for name, task in TASKS.items():
        print(f"make {name:17} {' '.join((task.__doc__ or '').partition(chr(10) * 2)[0].split())}")


TASKS: dict[str, Callable[[], None]] = {
    "demo": demo,
    "demo-control": demo_control,
    "demo-histogrammer": demo_histogrammer,
    "demo-mirror": demo_mirror,
    "demo-difx": demo_difx,
    "demo-dashboard": demo_dashboard,
    "test": test,
    "test-web": test_web,
    "check": check,
    "bench": bench,
    "memory": memory,
    "soak": soak,
    "fuzz": fuzz,
    "readers": readers,
    "docs": docs,
    "pictures": pictures,
    "wheels": wheels,
    "matrix": matrix,
    "clean": clean,
    "help": help_,
}

if __name__ == "__main__":
    os.chdir(ROOT)
    if len(sys.argv) != 2 or sys.argv[1] not in TASKS:
        help_()
        sys.exit(2)
    TASKS[sys.argv[1]]()
