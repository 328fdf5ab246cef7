"""A bad line between browser and dashboard: cut, slow, silent; the page says so, and comes back by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from support.chromium import Watched
from support.player_run import poll
from support.website import WebSite

from player.testing.wire import Wire

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
BYTES_PER_S = 100_000.0
NUMBERS = count(1)


class Far:
    """A page behind a line that may be harmed.

    Attributes:
        wire: The line.
        page: It.
    """

    def __init__(self, folder: Path, stack: ExitStack, visit: Callable[..., Watched]) -> None:
        made = WebSite(folder, stack, has_original=False)
        self.peer, self.bank = made.serve(stack), made.banks["BANKA"]
        poll(self._is_live, "BANKA is live")
        self.wire = stack.enter_context(Wire(int(self.peer.host.rpartition(":")[2])))
        self.seen = visit(self.wire.url.replace("tcp", "http"))
        self.page = self.seen.open("/bank/BANKA")
        self.is_live()
        self.page.evaluate("window.isTheSame = true")

    def _is_live(self) -> bool:
        return bool(self.peer.get("/api/overview")["rows"]["BANKA"]["link"]["state"] == "live")

    def shows_silence(self) -> None:
        """Wait until the page says that there is no contact, and shows its values as old."""
        expect(self.page.locator(".pulse")).to_contain_text("NO CONTACT")
        expect(self.page.get_by_role("alert")).to_contain_text("No contact with the dashboard")
        expect(self.page.locator("section[aria-label=status] .status")).to_have_class(
            re.compile("stale")
        )

    def is_live(self) -> None:
        """Wait until it shows what is now, without a reload."""
        level = next(NUMBERS) + 0.5
        self.bank.proxy.set_level(level)
        shown = self.page.locator('tr[data-row="level"] .told')
        expect(shown).to_have_text(re.compile(rf"^{level}"))
        expect(self.page.locator(".pulse")).to_contain_text("LIVE")
        expect(self.page.get_by_role("alert")).to_have_count(0)
        status = self.page.locator("section[aria-label=status] .status")
        expect(status).not_to_have_class(re.compile("stale"))

    def is_the_same(self) -> None:
        """Check that it was not loaded anew, and forgive what the browser said of the cut line."""
        assert self.page.evaluate("window.isTheSame")
        self.seen.forgive_line()


@pytest.fixture
def far(tmp_path: Path, visit: Callable[..., Watched]) -> Iterator[Far]:
    with ExitStack() as stack:
        yield Far(tmp_path, stack, visit)


def cut(far: Far) -> None:
    """Cut all connections; new ones are possible."""
    far.wire.cut()


def away(far: Far) -> None:
    """Cut all connections, and refuse new ones for a time."""
    far.wire.down()
    far.shows_silence()
    far.wire.up()


def silent(far: Far) -> None:
    """Pass nothing on for a time, with all connections open."""
    far.wire.stop()
    far.shows_silence()
    far.wire.up()


@pytest.mark.parametrize("harm", [cut, away, silent])
def test_a_page_is_live_again_when_its_line_is_mended(
    far: Far, harm: Callable[[Far], None]
) -> None:
    harm(far)
    far.is_live()
    far.is_the_same()


def test_a_line_that_is_late_or_slow_is_no_silence(far: Far) -> None:
    page = far.page
    alerts = page.evaluate(
        """() => {
          window.alerts = 0;
          const look = () => { window.alerts += document.querySelectorAll('main [role=alert]').length; };
          new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
          return window.alerts;
        }"""
    )
    assert alerts == 0
    far.wire.bytes_per_s = BYTES_PER_S
    far.bank.proxy.flood(20, 20_000)
    far.is_live()
    far.wire.delay_s = 2.0
    far.is_live()
    far.wire.delay_s = 0.0
    far.is_live()
    assert page.evaluate("window.alerts") == 0
    far.is_the_same()
