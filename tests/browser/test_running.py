"""The array run from a browser: by people of each role, by pointer, and by keys; never by accident."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from support.chromium import Watched
from support.keyed_dashboard import BANKS, KeyedDashboard
from support.player_run import poll

from dashboard.assets import STATIC

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedDashboard]:
    with ExitStack() as stack:
        yield KeyedDashboard(tmp_path_factory.mktemp("site"), stack, static=STATIC)


@pytest.fixture(autouse=True)
def _as_before(site: KeyedDashboard) -> Iterator[None]:
    """Leave nothing to the next test: no control, no scan, no acts."""
    yield
    for name in ("ann", "ben", "root"):
        if holds := site.get(name, "/api/session")["holds"]:
            site.act(name, "/api/control/release", banks=list(holds))
    site.act("root", "/api/scan/stop", banks=list(BANKS))
    for name in ("ann", "ben", "root"):
        ids = [act["id"] for act in site.get(name, "/api/acts")["acts"] if act["ended"]]
        site.post(name, "/api/acts/dismiss", ids=ids)


def seated(
    site: KeyedDashboard, visit: Visit, name: str, path: str = "/run", **options: Any
) -> Any:
    """Log a person in; their page."""
    seen = visit(site.peer.url, **options)
    page = seen.open(f"/login?to={quote(path)}")
    page.get_by_label("token").fill(site.tokens[name])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".pulse")).to_contain_text("LIVE")
    return page


@contextmanager
def holding(page: Any, button: Any) -> Iterator[None]:
    """Hold a button, once it may be, until what is waited for has come."""
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.scroll_into_view_if_needed()
    button.hover()
    page.mouse.down()
    yield
    page.mouse.up()


TOO_SHORT = """async button => {
  const until = time => new Promise(done => {
    const look = () => (performance.now() >= time ? done() : requestAnimationFrame(look));
    look();
  });
  const point = type => button.dispatchEvent(
    new PointerEvent(type, {bubbles: true, isPrimary: true, button: 0, pointerId: 1}));
  const key = (type, name) => button.dispatchEvent(
    new KeyboardEvent(type, {bubbles: true, cancelable: true, key: name}));
  for (const held of [0, 0, 500]) {
    point("pointerdown");
    await until(performance.now() + held);
    point("pointerup");
    button.click();
  }
  for (const name of ["Enter", " "]) {
    for (const held of [0, 500]) {
      key("keydown", name);
      await until(performance.now() + held);
      key("keyup", name);
    }
  }
}"""
"""Clicks, and holds of half a second, as the page sees them: a busy machine makes none longer."""
LONG = TOO_SHORT.replace("500", "1500")


def held(page: Any, verb: str) -> Any:
    return page.locator("button.hold").filter(
        has=page.locator("b", has_text=re.compile(f"^{verb}"))
    )


def acts(site: KeyedDashboard, name: str) -> list[str]:
    return [act["text"] for act in site.get(name, "/api/acts")["acts"]]


def test_a_scan_is_taken_from_the_page_alone(site: KeyedDashboard, visit: Visit) -> None:
    page = seated(site, visit, "ann")
    page.get_by_label("reason").fill("pointing")
    page.get_by_role("button", name="Take control of 2 Banks").click()
    expect(page.locator("section[aria-label=control]")).to_contain_text("you, pointing, until")
    expect(page.locator("header.bar")).to_contain_text("control: you, pointing")

    row = page.locator('tr[data-parameter="exposure"]')
    row.get_by_label("wanted exposure").fill("11")
    expect(row).to_contain_text("expected more than 0, up to 10")
    expect(page.get_by_role("button", name="Apply to 2 Banks")).to_be_disabled()
    row.get_by_label("wanted exposure").fill("2.5")
    expect(page.get_by_label("what would change")).to_contain_text(
        "exposure 1 \u2192 2.5 s BANKA, BANKB"
    )
    assert site.banks["BANKA"].proxy.get_param("exposure") == 1.0
    page.get_by_role("button", name="Apply to 2 Banks").click()
    expect(row.locator(".actual")).to_have_text("2.5 s")
    page.get_by_role("button", name="Revert the last set").click()
    expect(row.locator(".actual")).to_have_text("1 s")

    page.get_by_label("wanted source").fill("3C48")
    start = held(page, "Start")
    expect(start).to_contain_text(
        "a scan on 2 Banks as early as possible, with source 3C48: BANKA, BANKB"
    )
    scan = page.locator("section[aria-label=scan]")
    with holding(page, start):
        expect(scan).to_contain_text(re.compile(r"scan 1 .*50 % on BANKA, BANKB, ends"))
    expect(start).to_have_attribute("aria-disabled", "true")
    assert site.banks["BANKB"].proxy.prepared()["source"] == "3C48"
    page.reload()
    expect(held(page, "Stop")).to_contain_text(
        "scan 1, 50 % done, on 2 Banks: BANKA, BANKB; the rest of it is not taken"
    )
    with holding(page, held(page, "Stop")):
        expect(scan).to_contain_text("No scan is running")
    done = page.locator("section[aria-label='what was done']")
    expect(done).to_contain_text("stop()")

    page.get_by_role("link", name="Files", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("scan-1.fits")).first).to_be_visible()
    page.get_by_role("link", name="Journal", exact=True).click()
    expect(page.locator("tr", has_text="start").first).to_contain_text("ann through dash")


def test_control_is_seen_by_all_and_whoever_loses_it_is_told(
    site: KeyedDashboard, visit: Visit
) -> None:
    ann, ben, root = (seated(site, visit, name) for name in ("ann", "ben", "root"))
    ann.get_by_label("reason").fill("pointing")
    ann.get_by_role("button", name="Take control of 2 Banks").click()
    for page in (ben, root):
        expect(page.locator("header.bar")).to_contain_text("control: ann")
        expect(page.locator("section[aria-label=control]")).to_contain_text("ann, pointing, until")
    why = "ann has control of BANKA until"
    expect(held(ben, "Start")).to_have_attribute("aria-disabled", "true")
    expect(ben.locator("section[aria-label=scan]")).to_contain_text(why)
    expect(ben.get_by_role("button", name="Take control of 2 Banks")).to_be_disabled()
    expect(held(ben, "Break")).to_have_count(0)

    root.get_by_label("reason").fill("fire")
    with holding(root, held(root, "Break control")):
        expect(ann.locator(".notice.bad").first).to_contain_text(
            re.compile("you have no control any more.*broken by root.*: fire")
        )
    expect(root.locator("section[aria-label='what was done']")).to_contain_text("2 of 2")
    expect(ann.locator("header.bar")).not_to_contain_text("control: you")
    for bank in BANKS:
        assert "fire" in site.journal(bank, "break_lease")[-1]["text"] + str(
            site.journal(bank, "break_lease")[-1]
        )


def test_nothing_shorter_than_a_hold_of_a_second_does_anything(
    site: KeyedDashboard, visit: Visit
) -> None:
    site.act("ben", "/api/control/take", banks=list(BANKS), reason="held for long")
    site.act("ben", "/api/call", banks=["BANKA"], method="slew", args=[600], wait=0)
    page = seated(site, visit, "root")
    page.get_by_label("reason").fill("fire")
    page.get_by_label("method", exact=True).select_option("bank.prepare")
    verbs = ["Start", "Stop", "Abort", "Break control", "Call prepare"]
    for verb in verbs[1:4]:
        expect(held(page, verb)).not_to_have_attribute("aria-disabled", "true")
    for verb in verbs:
        held(page, verb).evaluate(TOO_SHORT)
    assert acts(site, "root") == []
    expect(page.locator(".hold-of", has=held(page, "Stop"))).to_contain_text("nothing was done")
    with holding(page, held(page, "Break control")):
        expect(held(page, "Break control")).to_have_count(0)
    with holding(page, held(page, "Abort")):
        expect(held(page, "Abort")).to_have_count(0)
    with holding(page, held(page, "Stop")):
        expect(page.locator(".act", has_text="stop()")).to_contain_text("done")
    assert len(acts(site, "root")) == 3


def test_an_operation_is_found_again_after_a_reload_and_aborted_by_key(
    site: KeyedDashboard, visit: Visit
) -> None:
    page = seated(site, visit, "ann", "/run?banks=BANKB")
    page.get_by_label("method", exact=True).select_option("bank.slew")
    page.get_by_label("seconds", exact=True).fill("600")
    call = held(page, "Call slew")
    expect(call).to_contain_text("on 1 Bank: BANKB")
    operations = page.locator("section[aria-label=operations]")
    with holding(page, call):
        expect(operations).to_contain_text("50 %")
    page.reload()
    expect(operations).to_contain_text("slewing")
    abort = held(page, "Abort")
    expect(abort).not_to_have_attribute("aria-disabled", "true")
    abort.focus()
    page.keyboard.down("Enter")
    expect(operations).to_have_count(0)
    page.keyboard.up("Enter")
    act = page.locator(".act.bad", has_text="slew")
    expect(act).to_contain_text(re.compile("failed|aborted"))
    act.get_by_role("button", name="dismiss").click()
    expect(act).to_have_count(0)


def test_who_only_looks_is_told_why_nothing_can_be_done(site: KeyedDashboard, visit: Visit) -> None:
    page = seated(site, visit, "olga")
    why = "it takes the role operate; this session has observe"
    for verb in ("Start", "Stop"):
        expect(held(page, verb)).to_have_attribute("aria-disabled", "true")
    expect(page.locator("section[aria-label=scan]")).to_contain_text(why)
    held(page, "Stop").evaluate(LONG)
    assert acts(site, "olga") == []


def test_on_a_phone_what_is_dangerous_is_unlocked_first(site: KeyedDashboard, visit: Visit) -> None:
    size = {"width": 390, "height": 844}
    page = seated(site, visit, "ann", viewport=size, has_touch=True)
    stop = held(page, "Stop")
    expect(stop).to_have_attribute("aria-disabled", "true")
    stop.evaluate(LONG)
    assert acts(site, "ann") == []
    locked = page.locator(".hold-of", has=stop)
    locked.get_by_role("button", name="unlock", exact=True).click()
    with holding(page, stop):
        expect(page.locator(".act", has_text="stop()")).to_contain_text("done")
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(sideways) <= 0


def test_a_saved_view_leads_anybody_to_the_same(site: KeyedDashboard, visit: Visit) -> None:
    ann = seated(site, visit, "ann", "/log?level=error&bank=BANKB")
    ann.get_by_text("Views").click()
    ann.get_by_label("name of this view").fill("errors of B <b>")
    ann.get_by_role("button", name="Save", exact=True).click()
    expect(ann.get_by_role("link", name="errors of B <b>")).to_be_visible()
    olga = seated(site, visit, "olga", "/")
    olga.get_by_text("Views").click()
    expect(olga.get_by_label("remove the view errors of B <b>")).to_have_count(0)
    olga.get_by_role("link", name="errors of B <b>").click()
    expect(olga.locator("main h1")).to_have_text("Log")
    expect(olga.get_by_label("least level")).to_have_value("error")
    expect(olga.locator("main").get_by_label("Bank")).to_have_value("BANKB")
    ann.get_by_label("remove the view errors of B <b>").click()
    expect(ann.get_by_text("No view is saved.")).to_be_visible()


def shown(page: Any) -> dict[str, str]:
    """Return what the list of values shows of the scan."""
    script = """all => Object.fromEntries(all.map(
      each => [each.dataset.row, each.querySelector(".told").textContent]))"""
    told: dict[str, str] = page.locator('tr[data-row^="scan."]').evaluate_all(script)
    return told


def test_the_past_is_what_the_page_showed_and_nothing_can_be_done_in_it(
    site: KeyedDashboard, visit: Visit
) -> None:
    page = seated(site, visit, "ann", "/bank/BANKA")
    site.act("ann", "/api/scan/start", banks=["BANKA"], at=None)
    expect(page.locator('tr[data-row="scan.state"] .told')).to_have_text("running")
    live, moment = shown(page), math.ceil(time.time())
    poll(lambda: time.time() > moment + 0.5, "the second is over")
    site.act("ann", "/api/scan/stop", banks=["BANKA"])
    expect(page.locator('tr[data-row="scan.state"] .told')).to_have_text("stopped")
    path = f"/api/at?time={moment}"
    poll(lambda: site.get("ann", path)["rows"]["BANKA"]["scan"], "it is in the history")

    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
    page.goto(f"{site.peer.url}bank/BANKA?then={quote(text)}")
    expect(page.locator(".pulse")).to_have_text("NOT LIVE")
    expect(page.get_by_label("past", exact=True)).to_contain_text(f"{text} UTC, not live")
    expect(page.locator('tr[data-row="scan.state"] .told')).to_have_text("running")
    past = shown(page)
    assert past == {name: told for name, told in live.items() if name != "scan.start"}  # a list
    page.get_by_role("link", name="Run BANKA").click()
    expect(page).to_have_url(re.compile("/run.*then="))
    expect(held(page, "Stop")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("section[aria-label=scan]")).to_contain_text("the page shows the past")
    page.keyboard.press("[")
    expect(page.locator("header.bar")).not_to_contain_text(text)
    page.get_by_role("button", name="back to live", exact=True).click()
    expect(page.locator(".pulse")).to_contain_text("LIVE 0")
    expect(page.locator("section[aria-label=scan]")).to_contain_text("No scan is running")
    assert "then=" not in page.url
