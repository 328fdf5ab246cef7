"""Jobs of a DiFX gateway in a browser: run, failed, stopped by a hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.chromium import Watched
from support.dashboards import serving
from support.difx_gateway import gateway, program

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]
RUN = """import sys, time
if "bad" in sys.argv[1]:
    sys.exit("station HN: no data")
print("progress 0.54 weights 0.97 0.00", flush=True)
time.sleep(600)
"""


def test_jobs_are_started_and_stopped_by_a_hold_and_stand_by_experiment(
    tmp_path: Path, visit: Visit
) -> None:
    with ExitStack() as stack:
        runner = {"DEVEL": {"run": [*program(RUN), "{input}"]}}
        served = stack.enter_context(gateway(tmp_path, runner=runner))
        folder = served.root / "v21x" / "prod"
        folder.mkdir(parents=True)
        for name in ("v21x_02_bad", "v21x_03"):
            (folder / f"{name}.input").touch()
        array = Array(urls={"DIFX": served.hosted.url}, site=DashboardConfig(name="TEST"))
        peer = stack.enter_context(serving(array, STATIC, control=True))
        page = visit(peer.url).open("/jobs")
        table = page.get_by_label("jobs of DIFX")
        table.get_by_text("start a job", exact=True).click()
        for name, state in (("v21x_02_bad", "failed"), ("v21x_03", "running")):
            page.get_by_label("input file", exact=True).fill(f"/v21x/prod/{name}.input")
            start = page.get_by_role("button", name=re.compile("^Start"))
            expect(start).not_to_have_attribute("aria-disabled", "true")
            start.click()
            expect(page.get_by_text("nothing was done: hold it for 1 s")).to_be_visible()
            start.focus()
            page.keyboard.down("Enter")
            row = table.locator("tr").filter(has_text=name)
            expect(row).to_contain_text(state)
            page.keyboard.up("Enter")
        expect(table.locator(".group")).to_have_text("v21x / prod")
        expect(table.locator("td.mono")).to_have_text(["v21x_03", "v21x_02_bad"])
        expect(table.locator("tr").filter(has_text="v21x_03")).to_contain_text("54 %")
        weights = table.get_by_role("progressbar", name=re.compile("^weight of "))
        expect(weights).to_have_count(2)
        table.get_by_role("button", name="messages of v21x_02_bad").click()
        messages = table.get_by_role("region", name="messages of v21x_02_bad")
        messages.get_by_role("combobox").select_option("error")
        expect(messages.locator("li").first).to_contain_text("ERROR station HN: no data")
        stop = table.get_by_role("button", name=re.compile("^Stop v21x_03"))
        stop.focus()
        page.keyboard.down("Enter")
        expect(table.locator("tr").filter(has_text="v21x_03")).to_contain_text("stopped")
        page.keyboard.up("Enter")
