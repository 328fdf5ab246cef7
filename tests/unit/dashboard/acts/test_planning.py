"""Plans of scans: what the script of a request does, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.full_disk import room_for

from dashboard.acts.planning import BankSetting, Planner, read_plan

ROOT = Path(__file__).resolve().parents[4]


def test_a_plan_tells_what_is_asked_for_from_where_the_banks_are() -> None:
    settings = {
        bank: BankSetting(
            mode="MODE1", parameters={"exposure": 0.5, "scan_length": 2.0, "source": ""}, scan=12
        )
        for bank in ("BANKA", "BANKB")
    }
    wanted = {"parameters": {"scan_length": 3.0}, "prepare": True, "at": int(time.time()) + 600}
    plan = asyncio.run(Planner(ROOT / "conf" / "dibas.toml").plan(settings, wanted))
    assert (plan["error"], plan["faults"]) == ("", 0)
    assert [row["call"].partition("(")[0] for row in plan["rows"]] == [
        "set_param",
        "prepare",
        "start",
    ]
    start = plan["rows"][-1]
    assert start["banks"] == ["BANKA", "BANKB"]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(wanted["at"]))
    assert start["text"].startswith(f"scan 13 from {when}")
    assert 0 <= plan["rows"][0]["at"] < 5
    assert 600 < plan["seconds"] < 620


def test_there_is_no_plan_without_a_file_or_a_model() -> None:
    setting = {"BANKA": BankSetting(mode="", parameters={}, scan=None)}
    wanted = {"parameters": {}, "prepare": False, "at": None}
    assert "no configuration file" in asyncio.run(Planner(None).plan(setting, wanted))["error"]


def test_a_full_disk_is_the_reason_why_there_is_no_plan() -> None:
    setting = {"BANKA": BankSetting(mode="", parameters={}, scan=None)}
    wanted = {"parameters": {}, "prepare": False, "at": None}
    planner = Planner(ROOT / "conf" / "dibas.toml")
    with room_for(0):
        error = asyncio.run(planner.plan(setting, wanted))["error"]
    assert "cannot be run here" in error


def test_a_state_that_cannot_be_rehearsed_is_the_reason_why_there_is_no_plan() -> None:
    told = {
        "start": 100.0,
        "seconds": 900.0,
        "rows": [
            {
                "at": 0.0,
                "line": 4,
                "banks": ["B"],
                "call": "set_mode('X')",
                "fault": "no X",
                "doubts": [],
            },
            {
                "at": 0.0,
                "line": 5,
                "banks": ["B"],
                "call": "set_param(a=1)",
                "fault": "a",
                "doubts": [],
            },
        ],
    }
    plan = read_plan(told, 40, 1000.0)
    assert (plan["rows"], plan["faults"]) == ([], 0)
    assert "no X" in plan["error"]
