"""Exports of journal and history in a browser, read back by another program."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.chromium import Watched
from support.dashboards import Peer, serving
from support.player_run import poll
from support.publishing_bank import PublishingBank

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig
from player.testing import HostedBank

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]
LEVELS = [1.25, -7.0, 1e-9, 12345.678]
TEXTS = ["Grüße", "two\nlines", "=1+1", '=1, "quoted"\nü']


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder: Path = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        bank = HostedBank(PublishingBank, folder=folder, state_dir=folder / "state")
        stack.enter_context(bank)
        array = Array(urls={"BANKA": bank.url}, site=DashboardConfig(name="TEST SITE"))
        peer = stack.enter_context(serving(array, STATIC))
        poll(
            lambda: peer.get("/api/overview")["rows"]["BANKA"]["link"]["state"] == "live",
            "BANKA is live",
        )
        for level, text in zip(LEVELS, TEXTS, strict=True):
            bank.proxy.set_level(level)
            bank.proxy.set_label(text)
        yield peer


def exported(page: Any, site: str) -> tuple[list[str], list[dict[str, str]]]:
    """Press CSV, and return the comments and the rows of what is saved."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    with open(saved.value.path(), newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    about = [row[0] for row in rows if row[0].startswith("# ")]
    assert about[0].startswith(f"# {site}")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", about[0])
    assert about[1] == f"# {page.url}"
    head, *lines = rows[len(about) :]
    return about, [dict(zip(head, line, strict=True)) for line in lines]


def test_the_exported_journal_has_each_call_as_it_was(peer: Peer, visit: Visit) -> None:
    seen = visit(peer.url, timezone_id="Asia/Kolkata", accept_downloads=True)
    page = seen.open("/journal?bank=BANKA&method=bank.set_l*")
    expect(page.locator("tbody tr")).to_have_count(2 * len(LEVELS))
    about, rows = exported(page, "TEST SITE journal")
    assert len(about) == 2
    kept = peer.get("/api/journal?bank=BANKA&method=bank.set_l*")["entries"]
    assert [json.loads(row["arguments"])["args"] for row in rows[::-1]] == [
        [each] for pair in zip(LEVELS, TEXTS, strict=True) for each in pair
    ]
    for row, entry in zip(rows[::-1], kept, strict=True):
        assert (row["bank"], row["method"], row["outcome"]) == ("BANKA", entry["method"], "done")
        assert float(row["duration [s]"]) == entry["duration_s"]


def test_the_exported_history_has_each_value_with_its_unit(peer: Peer, visit: Visit) -> None:
    seen = visit(peer.url, timezone_id="Asia/Kolkata", accept_downloads=True)
    page = seen.open("/history?keys=BANKA.level,BANKA.label&last=3600")
    expect(page.get_by_role("button", name="CSV")).to_be_enabled()
    _, rows = exported(page, "TEST SITE history")
    series = {
        each["key"]: each["points"]
        for each in peer.get("/api/history?key=BANKA.level&key=BANKA.label")["series"]
    }
    levels = [row for row in rows if row["key"] == "level"]
    assert {row["unit"] for row in levels} == {"dB"}
    assert [[float(row["time [s]"]), float(row["value"])] for row in levels] == series["level"]
    assert float(levels[-1]["value"]) == LEVELS[-1]
    labels = [row for row in rows if row["key"] == "label"]
    kept = [[time, f"'{text}" if text[0] == "=" else text] for time, text in series["label"]]
    assert [[float(row["time [s]"]), row["value"]] for row in labels] == kept
    assert labels[-1]["value"] == f"'{TEXTS[-1]}"
