"""Plans of scans: `dealer plan` of what a request would do, from the state that the Banks have now.

The plan is made by a process of its own, which asks no Player.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.bankstate import WatchedBank
from dashboard.protocol.liveness import LivenessState
from dealer.control import Control
from groundwork.errors import text_of
from groundwork.values import JsonObject

__all__ = ["BankSetting", "Planner", "read_plan", "refusals", "write_script"]

LEAD_S = 900.0
"""Time, virtual, in which the models are brought to where the Banks are."""
LIMIT_S, GRACE_S = 30.0, 10.0
AT_ONCE, MAX_WAITING = 2, 8
_SCRIPT = """\
import json
import time
from datetime import UTC, datetime

import dealer

told = json.loads({text!r})
d = dealer.Dealer()


def let(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception:
        pass


def choose(banks):
    d.remove_active_player(*d.list_active_players())
    d.add_active_player(*banks)


for mode in {{each["mode"] for each in told["banks"].values() if each["mode"]}}:
    choose([bank for bank, each in told["banks"].items() if each["mode"] == mode])
    d.set_mode(mode)
for bank, each in told["banks"].items():
    for name, value in each["parameters"].items():
        let(d[bank].set_param, **{{name: value}})
    if each["scan"] is not None:
        let(d[bank].set_scan_number, each["scan"])
    let(d[bank].prepare)
choose(told["banks"])
time.sleep(max(told["now"] - time.time(), 0.0))
"""
_ASKED = """\
try:
    if told["parameters"]:
        d.set_param(**told["parameters"])
    if told["prepare"]:
        d.prepare()
    d.start(None if told["at"] is None else datetime.fromtimestamp(told["at"], UTC))
    d.wait_for_scan()
except Exception:
    pass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSetting:
    """State of a Bank from which a plan begins.

    Attributes:
        mode: Name; empty: none is set.
        parameters: As `get_param` tells them.
        scan: Number of its scan; None: not known.
    """

    mode: str
    parameters: Mapping[str, Any]
    scan: int | None

    def describe(self) -> JsonObject:
        """Return what the script is told; what was never set is left out."""
        some = {
            name: value
            for name, value in self.parameters.items()
            if isinstance(value, bool | int | float | str)
        }
        return {"mode": self.mode, "parameters": some, "scan": self.scan}


def write_script(
    settings: Mapping[str, BankSetting],
    now: float,
    *,
    parameters: Mapping[str, Any],
    prepare: bool,
    at: float | None,
) -> tuple[str, int]:
    """Return a script of what is asked for, and the line from which on it is that.

    Args:
        settings: Bank -> where it is.
        now: UTC, unix seconds.
        parameters: To be set.
        prepare: Whether `prepare` is called.
        at: Start, UTC, unix seconds; None: as early as possible.
    """
    told = {
        "banks": {bank: each.describe() for bank, each in settings.items()},
        "now": now,
        "parameters": dict(parameters),
        "prepare": prepare,
        "at": at,
    }
    before = _SCRIPT.format(text=json.dumps(told))
    return before + _ASKED, before.count("\n") + 1


def read_plan(plan: Mapping[str, Any], line: int, now: float) -> JsonObject:
    """Return what is told of a plan.

    Args:
        plan: As `dealer plan --json` tells it.
        line: From which on the script is what was asked for.
        now: UTC, unix seconds.
    """
    lead = now - float(plan["start"])
    before = [row for row in plan["rows"] if (row["line"] or 0) < line]
    rows = [
        {
            "at": round(row["at"] - lead, 3) + 0.0,  # never -0.0
            "banks": row["banks"],
            "call": row["call"],
            "text": row.get("fault", row.get("does", "")),
            "is_fault": "fault" in row,
            "doubts": row["doubts"],
        }
        for row in plan["rows"]
        if (row["line"] or 0) >= line
    ]
    faults = [
        row["fault"]
        for row in before
        if "fault" in row and str(row["call"]).startswith(("set_mode", "("))
    ]
    return {
        "rows": rows,
        "seconds": round(max(plan["seconds"] - lead, 0.0), 3),
        "faults": sum(row["is_fault"] for row in rows),
        "doubts": sum(len(row["doubts"]) for row in rows),
        "error": f"the Banks as they are cannot be rehearsed: {faults[0]}" if faults else "",
    }


def refusals(
    states: Mapping[str, WatchedBank], banks: Sequence[str], holds: Mapping[str, int]
) -> dict[str, str]:
    """Return Bank -> why its Player would refuse commands as things stand.

    Args:
        states: Bank -> what is known of it.
        banks: Those that are meant.
        holds: Banks whose control whoever asks has, with its number.
    """
    found = {}
    for bank in banks:
        link, told = states[bank].liveness, states[bank].control
        if link.state is not LivenessState.LIVE:
            found[bank] = f"it is {link.state}" + (f": {link.reason}" if link.reason else "")
        elif isinstance(told, Mapping):
            control = Control.read(bank, dict(told))
            is_mine = control.number is not None and holds.get(bank) == control.number
            if (control.owner is not None or control.required) and not is_mine:
                found[bank] = f"control: {control}"
    return found


class Planner:
    """Makes plans.

    Args:
        config: Of the array; None: it has no file.
    """

    def __init__(self, config: Path | None) -> None:
        self._config, self._free, self._wanted = config, asyncio.Semaphore(AT_ONCE), 0

    async def plan(
        self, settings: Mapping[str, BankSetting], wanted: Mapping[str, Any]
    ) -> JsonObject:
        """Return the plan of a scan; `error` says why there is none.

        Args:
            settings: Bank -> where it is.
            wanted: Further arguments of `write_script`.
        """
        if self._config is None:
            return _no_plan("the array has no configuration file here, which models are made of")
        if self._wanted >= MAX_WAITING:
            return _no_plan("too many plans are asked for at once: try again in some seconds")
        self._wanted += 1
        try:
            return await self._plan(self._config, settings, wanted)
        finally:
            self._wanted -= 1

    async def _plan(
        self, config: Path, settings: Mapping[str, BankSetting], wanted: Mapping[str, Any]
    ) -> JsonObject:
        async with self._free:
            now = float(math.ceil(time.time()))
            script, line = write_script(settings, now, **wanted)
            try:
                status, told, why = await _run(config, script, now - LEAD_S)
            except OSError as error:
                return _no_plan(f"`dealer plan` cannot be run here: {text_of(error)}")
        try:
            plan = json.loads(told)
            return _no_plan(plan["error"]) if "error" in plan else read_plan(plan, line, now)
        except (ValueError, KeyError, TypeError):
            last = why.strip().splitlines()[-1:] or [f"`dealer plan` ended with status {status}"]
            return _no_plan(last[0])


def _no_plan(error: str) -> JsonObject:
    return {"rows": [], "seconds": 0.0, "faults": 0, "doubts": 0, "error": error}


async def _run(config: Path, script: str, begin: float) -> tuple[int, str, str]:
    """Run `dealer plan`: its exit status, and what it wrote on both streams."""
    with tempfile.TemporaryDirectory(prefix="dashboard-plan-") as folder:
        file = Path(folder) / "page.py"
        file.write_text(script, encoding="utf-8")
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin))
        line = [sys.executable, "-m", "dealer", "plan", str(file), "--json"]
        line += ["--config", str(config), "--begin", when, "--limit", f"{LIMIT_S:g}"]
        process = await asyncio.create_subprocess_exec(
            *line,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
        try:
            async with asyncio.timeout(LIMIT_S + GRACE_S):
                told, why = await process.communicate()
        except TimeoutError:
            told, why = b"", b"the plan took too long"
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    return process.returncode or 0, told.decode(errors="replace"), why.decode(errors="replace")
