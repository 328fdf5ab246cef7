"""Programs that are interrupted before they have begun, or while they run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from groundwork.launch import INTERRUPTED, Entry

ROOT = Path(__file__).resolve().parents[3]
STARTED = "import sys; from groundwork.launch import Entry; sys.exit(Entry('{}')())"
PROGRAMS = {
    "loading": "try:\n    signal.raise_signal(signal.SIGINT)\nexcept BaseException:\n    print('hidden')\n",
    "running": "def main(argv):\n    signal.raise_signal(signal.SIGINT)\n",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_ends_a_program_without_a_word(program: str, tmp_path: Path) -> None:
    (tmp_path / f"{program}.py").write_text(f"import signal\n{PROGRAMS[program]}")
    done = subprocess.run(
        [sys.executable, "-c", STARTED.format(program)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")


def test_a_program_that_is_run_as_a_module_loads_its_entry_point_first() -> None:
    packages = sorted(path.parent.relative_to(ROOT) for path in ROOT.glob("*/**/__main__.py"))
    ours = [".".join(path.parts) for path in packages if _is_launched(ROOT / path)]
    assert {"dealer", "portmanager", "gateways.difx"} < set(ours)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(ours)}; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    tops = {name.partition(".")[0] for name in ours} - {"groundwork"}
    loaded = {name for name in done.stdout.split() if name.partition(".")[0] in tops}
    assert loaded - {"gateways", "zmqjsonproxy.errors"} == set(ours)  # errors import nothing
    assert "zmq" not in done.stdout.split()


def _is_launched(package: Path) -> bool:
    return "groundwork.launch" in (package / "__main__.py").read_text()


def test_what_is_done_about_ctrl_c_is_left_to_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "telling.py").write_text(
        "import signal\ndef main(argv):\n    return signal.getsignal(signal.SIGINT) is argv[0]\n"
    )
    before = signal.getsignal(signal.SIGINT)
    try:
        for handling in (signal.SIG_IGN, signal.default_int_handler):
            signal.signal(signal.SIGINT, handling)
            assert Entry("telling")([handling]) == 1  # type: ignore[list-item]
    finally:
        signal.signal(signal.SIGINT, before)
