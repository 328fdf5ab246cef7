"""Silence in a browser: of a Player, of the dashboard, of the page; each is told apart, and ends by itself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.chromium import Watched
from support.dashboards import Peer
from support.player_run import ROOT, clean_environment, poll
from support.website import RunBank, WebSite

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]


class Served:
    """Eight Banks, of which the last may be killed, and a dashboard that may be frozen."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        made = WebSite(folder, stack, hosted=7, has_original=False)
        self.banks = made.banks
        self.last = RunBank("BANKH", folder)
        stack.callback(self.last.close)
        urls = {**made.urls, "BANKH": self.last.url}
        config = folder / "array.toml"
        config.write_text(
            "".join(
                f'[banks.{bank}]\nkind = "support.publishing_bank:PublishingBank"\nhpc_host = "localhost"\n'
                f"player_port = {url.rpartition(':')[2]}\n"
                for bank, url in urls.items()
            )
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "--config", config, "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=clean_environment(),
        )
        stack.enter_context(self.process)
        stack.callback(self._end)
        assert self.process.stdout is not None
        self.origin = self.process.stdout.readline().removeprefix("ready: ").strip()
        self.peer = Peer(self.origin)

    def _end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()

    def viewers(self, way: str) -> int:
        """Return how many streams of a way are open."""
        text = self.peer.ask("/metrics").body.decode()
        found = re.search(rf'dashboard_viewers{{way="{way}"}} (\d+)', text)
        return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as stack:
        yield Served(tmp_path_factory.mktemp("served"), stack)


def pulse(page: Any) -> Any:
    return page.locator(".pulse")


def all_live(page: Any) -> None:
    expect(page.locator('tr.bank[data-state="live"]')).to_have_count(8)


def test_a_player_that_is_killed_looks_stale_and_comes_back_without_a_reload(
    served: Served, visit: Visit
) -> None:
    page = visit(served.origin).open()
    all_live(page)
    page.evaluate("window.isTheSame = true")
    row = page.locator('tr[data-row="BANKH"]')
    served.last.kill()
    try:
        expect(row).to_have_class(re.compile("stale"))
        expect(row.locator(".chip")).to_have_text(re.compile("STALE|NO ANSWER"))
        expect(row).to_contain_text("NO ANSWER")
        expect(row).to_contain_text("since")
        expect(page.locator("main")).not_to_have_class(re.compile("silent"))
        assert page.locator("tr.stale").count() == 1
    finally:
        served.last.start()
    all_live(page)
    expect(row).not_to_have_class(re.compile("stale"))
    assert page.evaluate("window.isTheSame")


def test_a_frozen_player_and_a_frozen_dashboard_are_told_apart(
    served: Served, visit: Visit
) -> None:
    page = visit(served.origin).open("/bank/BANKH")
    status = page.locator("section[aria-label=status] .status")
    expect(status.locator("tr").first).to_be_visible()
    served.last.run.process.send_signal(signal.SIGSTOP)
    try:
        expect(status).to_have_class(re.compile("stale"))
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(pulse(page)).to_contain_text("LIVE")
    finally:
        served.last.run.process.send_signal(signal.SIGCONT)
    expect(status).not_to_have_class(re.compile("stale"))
    served.process.send_signal(signal.SIGSTOP)
    try:
        expect(pulse(page)).to_contain_text("NO CONTACT")
        expect(page.get_by_role("alert")).to_contain_text("No contact with the dashboard")
        expect(status).to_have_class(re.compile("stale"))
    finally:
        served.process.send_signal(signal.SIGCONT)
    expect(pulse(page)).to_contain_text("LIVE")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(status).not_to_have_class(re.compile("stale"))


def test_nine_tabs_live_on_one_stream(served: Served, visit: Visit) -> None:
    seen = visit(served.origin)
    pages = [seen.open() for _ in range(9)]
    for page in pages:
        page.bring_to_front()
        all_live(page)
    assert served.viewers("events") == 1
    for page in pages[1:]:
        page.close()
    pages[0].bring_to_front()
    all_live(pages[0])
    expect(pulse(pages[0])).to_contain_text("LIVE")
    poll(lambda: served.viewers("events") == 1, "one stream")


def test_a_page_that_slept_shows_what_is_now(served: Served, visit: Visit) -> None:
    seen = visit(served.origin)
    seen.context.add_init_script("delete window.SharedWorker")  # so that its timers sleep, too
    seen.context.clock.install()
    page = seen.open("/bank/BANKA")
    cell = page.locator('tr[data-row="level"] .told')
    served.banks["BANKA"].proxy.set_level(1.5)
    expect(cell).to_have_text(re.compile(r"^1\.5"))
    for value in range(100):
        served.banks["BANKA"].proxy.set_level(float(value))
    page.clock.fast_forward("10:00")
    served.banks["BANKA"].proxy.set_level(2.5)
    expect(cell).to_have_text(re.compile(r"^2\.5"))
    expect(pulse(page)).to_contain_text("LIVE")
    expect(page.get_by_role("alert")).to_have_count(0)
