"""Alarms in a browser: seen, acknowledged with a note, shelved, and silent unless somebody wants a
sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.chromium import Watched
from support.dashboards import Peer, serving
from support.publishing_bank import PublishingBank

from dashboard.assets import STATIC
from dashboard.config import Array
from player.testing import HostedBank

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]
ALARMS = [
    {"name": "loud", "key": "level", "above": 5.0, "text": "<b>too loud</b>", "severity": "fault"},
    {"name": "wind", "key": "wind@station", "above": 15.0},
]
WITHIN_MS = 60_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[HostedBank, Peer]]:
    with ExitStack() as stack:
        made = HostedBank(PublishingBank, {"alarms": ALARMS}, folder=tmp_path)
        bank = stack.enter_context(made)
        yield bank, stack.enter_context(serving(Array(urls={"BANKA": bank.url}), STATIC))


def test_an_alarm_is_acknowledged_with_a_note_and_shelved(
    served: tuple[HostedBank, Peer], visit: Visit
) -> None:
    bank, peer = served
    page = visit(peer.url).open("/alarms")
    expect(page.get_by_text("Nothing waits for an acknowledgement.")).to_be_visible(
        timeout=WITHIN_MS
    )
    expect(page.get_by_role("region", name="Cannot be told")).to_contain_text("wind@station")
    bank.proxy.set_level(7.5)
    waiting = page.get_by_role("region", name="Need a look")
    expect(waiting).to_contain_text("<b>too loud</b>", timeout=WITHIN_MS)
    expect(waiting).to_contain_text("level = 7.5")
    expect(page.get_by_role("link", name="1 alarm needs a look")).to_be_visible()
    expect(page.get_by_role("button", name="sound off")).to_be_visible()
    waiting.get_by_role("button", name="acknowledge").click()
    page.get_by_label("note").fill("on my way")
    page.get_by_label("note").press("Enter")
    looked_after = page.get_by_role("region", name="Acknowledged")
    expect(looked_after).to_contain_text("on my way", timeout=WITHIN_MS)
    expect(page.get_by_role("link", name="no alarm needs a look")).to_be_visible()
    looked_after.get_by_role("button", name="shelve").click()
    page.get_by_label("for how long").select_option("15 min")
    page.get_by_role("button", name="Shelve", exact=True).click()
    shelved = page.get_by_role("region", name="Shelved")
    expect(shelved).to_contain_text("until", timeout=WITHIN_MS)
    shelved.get_by_role("button", name="unshelve").click()
    expect(looked_after).to_be_visible(timeout=WITHIN_MS)
