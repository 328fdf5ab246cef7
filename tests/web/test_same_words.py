"""The terminal and the page tell the same of the same state: both are asked, the page's modules in
node."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.snapshots import NOW, row, running

from dashboard.terminal import groups, scans, states, texts

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")
HANG_S = 300
ASK = """
import { readFileSync } from "node:fs";
const { bankState, conditionSeverity, levelSeverity, outcomeSeverity } = await import(`${FOLDER}/states.js`);
const { differences, furtherCells, runningScans, scanCells } = await import(`${FOLDER}/banks.js`);
const { groupsOf } = await import(`${FOLDER}/groups.js`);
const { number, percent, scaled, sidereal, span, utc } = await import(`${FOLDER}/format.js`);
const asked = JSON.parse(readFileSync(0, "utf8"));
const plain = (text) => text.replaceAll("\\u00a0", " ");
console.log(JSON.stringify({
  states: asked.rows.map((row) => bankState(row, asked.now)),
  cells: asked.rows.map(scanCells),
  further: asked.rows.map((row) => furtherCells(row)),
  differences: asked.arrays.map((rows) => differences(rows).map((each) => each.name)),
  scans: asked.arrays.map(runningScans),
  groups: groupsOf(Object.keys(asked.values), (key) => asked.values[key]),
  words: asked.words.map((each) => [conditionSeverity(each), levelSeverity(each), outcomeSeverity(each)]),
  numbers: asked.numbers.map((each) => [
    number(each), span(each), plain(scaled(each, "B")), percent(each), utc(each, 1), sidereal(each, -79.84),
  ]),
}));
"""
LINKS = ("live", "connecting", "stale", "lost", "refused")
SCANS: tuple[Any, ...] = (
    None,
    running(),
    running(dropped=3, lost_s=0.5, packets_lost=7),
    running(dropped=3, warning="the disk is slow"),
    {"state": "failed", "is_over": True, "error": "no data"},
    {"state": "", "is_over": False, "scan": 13, "fraction": 0.999},
)
OVERVIEWS: tuple[dict[str, Any], ...] = (
    {},
    {"mode": "MODE1", "SCANNUM": 12, "SCANREM": 21.5},
    {"mode": None, "RUN": 47, "EVENTS": 84000.5, "running": True},
    {"DAQSTATE": "stopped", "NETSTAT": "waiting", "state": None},
)
FINDINGS = ([], [{"text": "disk is full"}, {"text": "clock is off"}])
VALUES = {
    "level": 3,
    "host_load": {"load": 1.0, "cores": 2},
    "scan": {"state": "running"},
    "status.SCANNUM": 12,
    "status.SCANREM": 21.0,
    "status.SCANLEN": 60.0,
    "status.NETDROP": 0,
    "status._REG_01": 1,
    "valon.f1": [1, 2],
    "table": {"left_out": True, "characters": 9},
}
NUMBERS = [0, 0.04, 9.95, 59.5, 83, 3599.6, 11400, 266400, 0.1 + 0.2, 1234567.8, 412e6, NOW]
WORDS = ["ready", "crash loop", "INFO", "error", "refused", "done", "never heard of"]


def rows() -> list[dict[str, Any]]:
    return [
        row(state=link, scan=scan, overview=overview, findings=list(findings))
        for link, scan, overview, findings in product(LINKS, SCANS, OVERVIEWS, FINDINGS)
    ]


def arrays() -> list[list[dict[str, Any]]]:
    known = [{**each, "bank": f"BANK{at}"} for at, each in enumerate(rows())]
    return [known[at : at + 7] for at in range(0, len(known), 7)]


@pytest.mark.skipif(NODE is None, reason="node is not installed: it runs the page's modules")
def test_the_terminal_says_what_the_page_says() -> None:
    asked = {"now": NOW, "rows": rows(), "arrays": arrays(), "values": VALUES}
    asked |= {"words": WORDS, "numbers": NUMBERS}
    folder = json.dumps((ROOT / "dashboard" / "static" / "text").as_uri())
    hooks = ROOT / "tests" / "web" / "unit" / "importmap.mjs"
    assert NODE is not None
    told = subprocess.run(
        [NODE, "--import", hooks, "--input-type=module", "-e", f"const FOLDER = {folder};{ASK}"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    page = json.loads(told.stdout)
    assert [asdict(states.bank_state(each, NOW)) for each in rows()] == page["states"]
    assert [asdict(scans.ScanCells.of(each)) for each in rows()] == page["cells"]
    assert [[list(each) for each in scans.further(one)] for one in rows()] == page["further"]
    assert [[each.name for each in scans.differences(some)] for some in arrays()] == page[
        "differences"
    ]
    assert [list(map(asdict, scans.running_scans(some))) for some in arrays()] == page["scans"]
    assert list(map(asdict, groups.groups_of(VALUES))) == page["groups"]
    severities = (states.condition_severity, states.level_severity, states.outcome_severity)
    assert [[of(each) for of in severities] for each in WORDS] == page["words"]
    assert [
        [
            texts.number_text(each),
            texts.span(each),
            texts.scaled(each, "B"),
            texts.percent(each),
            texts.utc(each, 1),
            texts.sidereal(each, -79.84) if each else "",
        ]
        for each in NUMBERS
    ] == page["numbers"]
