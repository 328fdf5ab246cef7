"""Every fault of the simulated board and synthesizer, and what an observer is told: as a table.

`python tools/simulator_faults.py` prints it. One Bank in this process on a simulated board; each
fault is switched on, something is called, and the fault is switched off again.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from player import Bank

ROOT = Path(__file__).resolve().parents[1]
MODE = "MODE4"


@dataclass(frozen=True)
class Case:
    """A fault, and a call that meets it.

    Attributes:
        fault: As `?sim-fault` takes it.
        call: In words.
        run: The call.
    """

    fault: tuple[str, ...]
    call: str
    run: Callable[[Bank], object]


def _set_mode(bank: Bank) -> object:
    return bank.set_mode(MODE, force=True)


CASES = (
    Case(("refuse", "progdev"), f'set_mode("{MODE}")', _set_mode),
    Case(("refuse", "valon-set-frequency"), f'set_mode("{MODE}")', _set_mode),
    Case(("refuse", "tap-start"), f'set_mode("{MODE}")', _set_mode),
    Case(("refuse", "i2c-write"), "prepare()", lambda bank: bank.prepare()),
    Case(("drop", "write"), f'set_mode("{MODE}")', _set_mode),
    Case(("drop", "read"), 'roach.read_int("gain")', lambda bank: bank.roach.read_int("gain")),
    Case(("slow", "5"), 'roach.read_int("gain")', lambda bank: bank.roach.read_int("gain")),
    Case(("garbage", "read"), 'roach.read_int("gain")', lambda bank: bank.roach.read_int("gain")),
    Case(("readback", "ssg_length"), "prepare()", lambda bank: bank.prepare()),
    Case(("unprogrammed",), "arm_roach()", lambda bank: bank.arm_roach()),
    Case(("unlocked",), f'set_mode("{MODE}")', _set_mode),
)


def _configuration(folder: Path) -> Path:
    key = 0x5E000000 | os.getpid() & 0xFFFFFF
    own = f'status_memory = {{ key = {key}, semaphore = "/simulator_faults_{key:x}" }}\n'
    text = (ROOT / "conf" / "dibas.toml").read_text(encoding="utf-8")
    text = text.replace("[banks.BANKA]\n", f"[banks.BANKA]\n{own}", 1).replace(
        "timeout_s = 30.0", "timeout_s = 0.5"
    )
    path = folder / "dibas.toml"
    path.write_text(
        text.replace("[dealer]", "[spectrometer]\ntime_scale = 0.001\n\n[dealer]", 1),
        encoding="utf-8",
    )
    return path


def rows() -> list[tuple[str, str, str]]:
    """(fault, call, what the observer is told) of each; the simulated board's port is shown as that
    of a real one."""
    found = []
    with tempfile.TemporaryDirectory(prefix="dealer-player-") as folder:
        path = _configuration(Path(folder))
        with Bank("BANKA", config=path, simulate=True, environment={"DIBAS_DATA": folder}) as bank:
            for case in CASES:
                bank.set_mode(MODE, force=True)
                bank.roach.request("sim-fault", list(case.fault))
                try:
                    answer = f"answered: {case.run(bank)}"
                except Exception as error:
                    answer = f"{type(error).__name__}: {error}"
                bank.roach.request("sim-fault", ["none"])
                board = re.sub(r"127\.0\.0\.1:\d+", "dibasr2-1:7147", answer)
                found.append((" ".join(case.fault), case.call, board))
    return found


def table(found: list[tuple[str, str, str]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| fault | call | what the observer is told |", "|---|---|---|"]
    lines += [f"| `{fault}` | `{call}` | {told} |" for fault, call, told in found]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(rows()))
