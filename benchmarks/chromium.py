"""Chromium of the distribution, without a window and with no way to any host but this one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

__all__ = ["FRAMES", "PROGRAM", "chromium", "in_browser", "open_page", "wait_live", "why_not"]

PROGRAM = "/usr/bin/chromium"
SWITCHES = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

WITHIN_MS = 60_000
LONG_MS = 180_000
SCRIPT = """
const Shared = window.SharedWorker;
window.bench = {beat: 0, late: [], batches: 0};
window.SharedWorker = class extends Shared {
  constructor(...given) {
    super(...given);
    this.port.addEventListener("message", ({data}) => {
      if (data.event === "heartbeat") bench.beat = performance.now();
    });
  }
};
bench.until = test => new Promise((done, fail) => {
  const begun = performance.now();
  const look = () => {
    const now = performance.now();
    if (test()) done(now);
    else if (now - begun > WITHIN_MS) fail(new Error(`not within ${now - begun} ms: ${test}`));
    else requestAnimationFrame(look);
  };
  look();
});
bench.isUsable = count => document.querySelector(".pulse")?.textContent.startsWith("LIVE") &&
  document.querySelectorAll('[data-row][data-state="live"]').length >= count;
""".replace("WITHIN_MS", str(LONG_MS))
"""Script that pages find before their own scripts run."""
USABLE = "bench.usable = bench.until(() => bench.isUsable(COUNT));"
FRAMES = """ms => new Promise(done => {
  const begun = performance.now();
  let count = 0;
  const look = () => {
    const passed = performance.now() - begun;
    if (passed >= ms) done(count * 1000 / passed);
    else requestAnimationFrame(look);
    count += 1;
  };
  requestAnimationFrame(look);
})"""
"""Pictures in a second, of some ms."""


def why_not() -> str:
    """Say why there is no browser; empty: there is one."""
    try:
        import playwright.sync_api  # noqa: F401  # its presence is the question
    except ImportError:
        return "playwright is not installed: pip install 'dealer-player[dev-web]'"
    return "" if shutil.which(PROGRAM) else f"{PROGRAM} is not there: install Chromium"


@contextmanager
def chromium() -> Iterator[Any]:
    """Run a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=PROGRAM, args=SWITCHES, chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


def in_browser(name: str, measure: Callable[[Any, Effort], list[Row]]) -> Part:
    """Return a part, of a module of this name, that has a browser; without one it has no rows, and
    says why."""

    def part(effort: Effort, /) -> list[Row]:
        if why := why_not():
            print(f"{name}: pages are not measured: {why}", file=sys.stderr)
            return []
        with chromium() as browser:
            return measure(browser, effort)

    return part


@contextmanager
def open_page(browser: Any, usable_with: int = 0, height: int = 720) -> Iterator[Any]:
    """Open a page by a new profile; it takes the time when so many Banks are live on it."""
    context = browser.new_context(viewport={"width": 1280, "height": height})
    try:
        context.set_default_timeout(WITHIN_MS)
        watch = USABLE.replace("COUNT", str(usable_with)) if usable_with else ""
        context.add_init_script(SCRIPT + watch)
        yield context.new_page()
    finally:
        context.close()


def wait_live(page: Any, count: int) -> None:
    """Wait until so many Banks are live."""
    page.locator('[data-row][data-state="live"]').nth(count - 1).wait_for(state="attached")
    page.locator(".pulse", has_text="LIVE").wait_for()
