"""A scan of eight Banks taken from the page alone, one Player of which is killed and comes back: the page
says no more of any Bank than its Player does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.chromium import Watched
from support.dashboards import Peer, serving
from support.player_run import poll
from support.scan_bank import ScanBank
from support.website import RunBank

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig
from player.testing import HostedBank
from zmqjsonproxy import ZMQJSONProxyClient

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
MAX_TABS = 300
NAMES = [f"BANK{letter}" for letter in "ABCDEFGH"]


class Eight:
    """The array, of which BANKH is in a process of its own, and its dashboard."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.urls: dict[str, str] = {}
        for name in NAMES[:-1]:
            (folder / name).mkdir()
            bank = HostedBank(ScanBank, name=name, folder=folder / name)
            self.urls[name] = stack.enter_context(bank).url
        self.last = RunBank("BANKH", folder, "support.scan_bank:ScanBank")
        stack.callback(self.last.close)
        self.urls["BANKH"] = self.last.url
        array = Array(urls=self.urls, site=DashboardConfig(name="TEST SITE"))
        self.peer: Peer = stack.enter_context(serving(array, STATIC, control=True))
        poll(self._is_known, "all Banks are known")

    def _is_known(self) -> bool:
        rows = self.peer.get("/api/overview")["rows"].values()
        return all(row["interface"] and row["link"]["state"] == "live" for row in rows)

    def scanning(self) -> list[str]:
        """Return the Banks of which the Players say that a scan runs."""
        found = []
        for name, url in self.urls.items():
            if name == "BANKH" and self.last.run.process.poll() is not None:
                continue
            with ZMQJSONProxyClient(None, "bank", url) as client:
                found += [name] if client.started() else []
        return found


@pytest.fixture
def eight(tmp_path: Path) -> Iterator[Eight]:
    with ExitStack() as stack:
        yield Eight(tmp_path, stack)


def button(page: Any, verb: str) -> Any:
    return page.locator("button.hold").filter(has=page.locator("b", has_text=re.compile(verb)))


@contextmanager
def held_by_key(page: Any, which: Any) -> Iterator[None]:
    """Reach a button by the keyboard alone, and hold it until what is waited for has come."""
    expect(which).not_to_have_attribute("aria-disabled", "true")
    for _ in range(MAX_TABS):
        if which.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(which).to_be_focused()
    page.keyboard.down("Enter")
    yield
    page.keyboard.up("Enter")


def test_nothing_is_called_done_that_was_not_when_a_player_is_killed(
    eight: Eight, visit: Callable[..., Watched]
) -> None:
    page = visit(eight.peer.url).open("/run")
    scan = page.locator("section[aria-label=scan]")
    start, stop = button(page, "^Start"), button(page, "^Stop")
    expect(start).to_contain_text("a scan on 8 Banks")
    with held_by_key(page, start):
        expect(scan).to_contain_text(re.compile(r"scan 1 .*on BANKA, BANKB, BANKC and 5 more"))
    assert eight.scanning() == NAMES

    eight.last.kill()
    expect(scan).to_contain_text("BANKH: not heard; scan 1 ran when last heard")
    expect(scan).to_contain_text("on BANKA, BANKB, BANKC and 4 more")
    assert eight.scanning() == NAMES[:-1]
    expect(stop).to_have_attribute("aria-disabled", "true")
    expect(scan).to_contain_text("no answer from BANKH: leave it out, or wait")

    eight.last.start()
    expect(scan).not_to_contain_text("not heard")
    assert eight.scanning() == NAMES[:-1]
    expect(scan).to_contain_text("on BANKA, BANKB, BANKC and 4 more")
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(scan).to_contain_text("scan 1 runs on BANKA, BANKB, BANKC and 4 more: wait, or stop it")
    with held_by_key(page, stop):
        expect(scan).to_contain_text("No scan is running on them.")
    assert eight.scanning() == []
    expect(page.locator(".act", has_text="stop()")).to_contain_text("8 of 8")


def test_a_player_killed_in_the_second_of_the_stop_is_told_by_its_name(
    eight: Eight, visit: Callable[..., Watched]
) -> None:
    page = visit(eight.peer.url).open("/run")
    scan = page.locator("section[aria-label=scan]")
    with held_by_key(page, button(page, "^Start")):
        expect(scan).to_contain_text("on BANKA, BANKB, BANKC and 5 more")

    def kill(route: Any) -> None:
        eight.last.kill()
        route.continue_()

    page.route("**/api/scan/stop", kill)
    act = page.locator(".act", has_text="stop()")
    with held_by_key(page, button(page, "^Stop")):
        expect(act).to_contain_text("partly done")
    expect(act).to_contain_text("7 of 8")
    told = act.locator("tr", has=page.get_by_role("rowheader", name="BANKH"))
    expect(told).to_contain_text(re.compile("no server at"))
    expect(told).not_to_contain_text("done")
    expect(scan).to_contain_text("No scan is running on those that are heard.")
    assert eight.scanning() == []
