"""Time of a plan of 100 scans: `dealer plan` of a script on the eight Banks of the shipped
configuration.

Counted is the run of the script from making its Dealer to its end; the configuration is read and
the models are made before, as every Player does once, and are a row of their own.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from dealer.plan import plan_script

ROOT = Path(__file__).resolve().parents[1]
SCANS = 100
BEGIN = "import dealer\nd = dealer.Dealer()\nd.add_active_player(*d.list_available_players())\nd.set_mode('MODE1')\n"
EACH = (
    "for n in range(SCANS):\n    d.set_param(exposure=0.5, scan_length=30.0, source=f'S{n}')\n    d.prepare()\n"
    "    d.start()\n    d.wait_for_scan()\n"
)
REPEATS = 3


def _seconds(script: Path, text: str) -> float:
    script.write_text(text)
    begun = time.perf_counter()
    plan = plan_script(script, (), ROOT / "conf" / "dibas.toml")
    taken = time.perf_counter() - begun
    if plan.faults:
        raise RuntimeError(f"the plan has faults: {plan.faults}")
    return taken


def _measure(effort: Effort) -> list[Row]:
    models, scans = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        _seconds(script, BEGIN)  # imports
        for _ in range(REPEATS):
            models.append(_seconds(script, "import dealer\ndealer.Dealer()\n"))
            scans.append(_seconds(script, BEGIN + EACH.replace("SCANS", str(SCANS))))
            effort.pass_on()
    made, planned = min(models), min(scans)
    what = "dealer plan: configuration and models of 8 Banks"
    return [
        Row(what, None, made, None, None, None, "s"),
        Row(f"dealer plan: {SCANS} scans on 8 Banks", None, planned - made, None, 1.0, None, "s"),
    ]


PARTS: dict[str, Part] = {"all": _measure}
