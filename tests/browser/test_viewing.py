"""The dashboard in a browser: what it shows, in whatever window, zone and theme, and by which keys."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from support.chromium import Watched
from support.dashboards import Peer
from support.player_run import poll
from support.website import WebSite

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]

PAGES = (
    "/",
    "/bank/BANKA",
    "/bank/BANKZ",
    "/run",
    "/spectra",
    "/jobs",
    "/alarms",
    "/log",
    "/journal",
    "/why?bank=BANKA",
    "/diff",
    "/handover",
    "/history",
    "/files",
)
SIZES = [(390, 844), (1280, 720), (3840, 2160), (640, 360)]
"""The last is the second at 200 %."""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MAX_SHIFT = 0.02
SHIFTS = """window.shifts = 0;
new PerformanceObserver(list => { for (const each of list.getEntries()) window.shifts += each.value; })
  .observe({type: "layout-shift", buffered: true});"""
HOSTILE = '<img src=x onerror="document.title=1">\u202e"\'&amp;\0'
SHOWN = '<img src=x onerror="document.title=1">\\u{202e}"\'&amp;\\u{0000}'


class Shown:
    """The array and its dashboard."""

    def __init__(self, made: WebSite, peer: Peer) -> None:
        self.made, self.peer, self.origin = made, peer, peer.url
        self.bank = made.banks["BANKA"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with ExitStack() as stack:
        made = WebSite(tmp_path_factory.mktemp("site"), stack, hosted=2)
        peer = made.serve(stack)
        for bank in made.urls:
            poll(
                lambda bank=bank: (
                    peer.get("/api/overview")["rows"][bank]["link"]["state"] == "live"
                ),  # type: ignore[misc]
                f"{bank} is live",
            )
        yield Shown(made, peer)


def live(page: Any) -> None:
    """Wait until a page is live."""
    expect(page.locator(".pulse")).to_contain_text("LIVE")


def test_all_pages_are_whole_without_a_way_to_any_other_host(shown: Shown, visit: Visit) -> None:
    seen = visit(shown.origin)
    page = seen.open()
    for path in PAGES:
        page.goto(shown.origin.rstrip("/") + path)
        live(page)
        expect(page.locator("main h1")).to_be_visible()
        assert page.evaluate("document.fonts.status") == "loaded"


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_scrolls_sideways(shown: Shown, visit: Visit, width: int, height: int) -> None:
    shown.bank.proxy.draw(1000)
    page = visit(shown.origin, viewport={"width": width, "height": height}).open()
    wide = {}
    for path in PAGES:
        page.goto(shown.origin.rstrip("/") + path)
        live(page)
        expect(page.locator("main h1")).to_be_visible()
        wide[path] = page.evaluate(SIDEWAYS)
    assert not {path: by for path, by in wide.items() if by > 0}


def test_targets_of_a_phone_are_large_enough_for_a_finger(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin, viewport={"width": 390, "height": 844}, has_touch=True).open()
    live(page)
    expect(page.locator("tr.bank")).to_have_count(3)
    page.get_by_text("Menu").click()
    links = page.locator("details.menu nav a")
    heights = links.evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert heights
    assert min(heights) >= 44
    links.filter(has_text="Log").click()
    expect(page.locator("main h1")).to_have_text("Log")


def test_texts_of_strangers_are_shown_as_texts(shown: Shown, visit: Visit) -> None:
    bank = shown.bank
    (shown.made.data["BANKA"] / HOSTILE.replace("\0", "").replace("/", "")).write_text("x")
    bank.proxy.ring(HOSTILE)
    bank.proxy.set_label(HOSTILE)
    page = visit(shown.origin).open("/bank/BANKA")
    expect(page.locator('tr[data-row="label"] .told')).to_have_text(SHOWN)
    page.goto(f"{shown.origin}files?bank=BANKA")
    expect(page.get_by_text(SHOWN.replace("\\u{0000}", ""))).to_be_visible()
    bank.proxy.flood(1, 1_000_000)
    page.goto(f"{shown.origin}bank/BANKA")
    length = len("0" + "x" * 1_000_000)
    expect(page.locator('tr[data-row="label"] .told')).to_contain_text(f"x [{length - 300} more]")
    page.goto(f"{shown.origin}bank/%3Cimg%20src=x%3E?q=%3Cb%3E&x=nonsense&fold=%7C%7C&only=%27")
    expect(page.locator("main")).to_contain_text("<img src=x>")
    assert page.title() != "1"
    assert page.locator("main img, main b img").count() == 0


def test_a_player_of_the_original_is_marked_and_outlives_all_pages(
    shown: Shown, visit: Visit
) -> None:
    page = visit(shown.origin).open()
    row = page.locator('tr[data-row="BANKZ"]')
    expect(row).to_contain_text("polled")
    row.get_by_role("link").click()
    expect(page.locator(".page-head")).to_contain_text("polled")
    expect(page.locator("section[aria-label=status] tbody tr").first).to_be_visible()
    assert shown.made.original is not None
    assert shown.made.original.is_alive


def test_utc_is_right_whatever_zone_the_browser_has(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin, timezone_id="Asia/Kolkata").open()
    live(page)
    bar = page.locator("header.bar .facts")
    expect(bar).to_contain_text(re.compile(r"\(\d\d:\d\d E[SD]T, LST \d\d:\d\d\)"))
    read = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", bar.inner_text())
    assert read is not None
    away = datetime.fromisoformat(read[1]).replace(tzinfo=UTC).timestamp() - time.time()
    assert abs(away) < 600
    days = [
        "2028-02-29T23:59:59",
        "2026-03-08T07:00:00",
        "2026-03-08T06:59:59",
        "2026-11-01T06:00:00",
    ]
    times = [datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in days]
    told = page.evaluate(
        """async times => {
          const { utc, siteTime } = await import("/static/text/format.js");
          return times.map(time => [utc(time), siteTime(time, "America/New_York")]);
        }""",
        times,
    )
    assert told == [
        ["2028-02-29 23:59:59", "18:59 EST"],
        ["2026-03-08 07:00:00", "03:00 EDT"],
        ["2026-03-08 06:59:59", "01:59 EST"],
        ["2026-11-01 06:00:00", "01:00 EST"],
    ]


def test_ages_are_right_when_the_clock_of_the_browser_is_not(shown: Shown, visit: Visit) -> None:
    seen = visit(shown.origin)
    seen.context.clock.install(time=datetime.fromtimestamp(time.time() + 3600, UTC))
    page = seen.open("/bank/BANKA")
    live(page)
    shown.bank.proxy.set_level(time.time() % 1000)
    cell = page.locator('tr[data-row="level"] .age')
    expect(cell).to_have_text(re.compile(r"^\d+(\.\d)? s$"))
    read = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", page.locator(".facts").inner_text())
    assert read is not None
    away = datetime.fromisoformat(read[1]).replace(tzinfo=UTC).timestamp() - time.time()
    assert abs(away) < 600


def frames_shown(page: Any) -> int:
    """Return the number of frames that a page has had of the trace."""
    found = re.search(r"received (\d+)", page.locator(".proof").first.inner_text())
    return int(found[1]) if found else 0


def test_a_zoom_stays_while_data_come_and_the_link_has_it(shown: Shown, visit: Visit) -> None:
    seen = visit(shown.origin)
    page = seen.open("/bank/BANKA")
    live(page)
    bank = shown.bank
    bank.proxy.draw(3000)
    while frames_shown(page) < 2:  # the first of another length has axes of its own
        bank.proxy.draw(3000)
    page.locator(".plot").scroll_into_view_if_needed()
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 80, steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="whole range")).to_be_visible()
    found = re.search(r"x=(\d+)-(\d+)", page.url)
    assert found is not None
    first, end = map(int, found.groups())
    assert abs(first - 750) < 30
    assert abs(end - 1500) < 30
    zoomed, had = page.url, frames_shown(page)
    for points in range(100):
        bank.proxy.draw(3000 + points % 2)
    while frames_shown(page) < had + 3:
        bank.proxy.draw(3000)
    assert page.url == zoomed
    with page.expect_navigation():
        page.reload()
    live(page)
    assert page.url == zoomed
    other = visit(shown.origin).open(zoomed.removeprefix(shown.origin.rstrip("/")))
    expect(other.get_by_role("button", name="whole range")).to_be_visible()
    other.get_by_role("button", name="whole range").click()
    expect(other).not_to_have_url(re.compile("x="))


def test_a_spectrum_is_saved_whole_with_its_units_in_utc(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin, timezone_id="Asia/Kolkata", accept_downloads=True).open(
        "/bank/BANKA"
    )
    live(page)
    points = 5000  # more than there are pixels
    shown.bank.proxy.draw(points)
    while frames_shown(page) < 2:
        shown.bank.proxy.draw(points)
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").first.click()
    with open(saved.value.path(), newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    told = [row[0] for row in rows if row[0].startswith("# ")]
    head, *lines = rows[len(told) :]
    assert "TEST SITE" in told[0]
    assert "BANKA" in told[0]
    assert told[1] == f"# {page.url}"
    read = re.fullmatch(r"# frame of (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC", told[2])
    assert read is not None
    away = datetime.fromisoformat(read[1]).replace(tzinfo=UTC).timestamp() - time.time()
    assert abs(away) < 600
    assert ("ks" in head[0], head[1].endswith("[V]")) == (True, True), head  # 2,500 s of them
    assert [float(line[1]) for line in lines] == list(range(points))
    assert [float(line[0]) for line in lines] == pytest.approx([i / 2000 for i in range(points)])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_pages_are_printed_on_white(shown: Shown, visit: Visit, scheme: str) -> None:
    page = visit(shown.origin, color_scheme=scheme).open()
    live(page)
    page.emulate_media(media="print", color_scheme=scheme)
    for path in ("/", "/bank/BANKA", "/log"):
        page.goto(shown.origin.rstrip("/") + path)
        expect(page.locator("main h1")).to_be_visible()
        grounds = "[document.documentElement, document.body].map(e => getComputedStyle(e).backgroundColor)"
        assert set(page.evaluate(grounds)) <= {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}


CONTROLS = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "slider",
    "spinbutton",
}


def test_all_controls_have_a_role_and_a_name(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin).open()
    protocol = page.context.new_cdp_session(page)
    nameless: dict[str, list[str]] = {}
    for path in PAGES:
        page.goto(shown.origin.rstrip("/") + path)
        live(page)
        expect(page.locator("main h1")).to_be_visible()
        nodes = protocol.send("Accessibility.getFullAXTree")["nodes"]
        roles = [
            (each.get("role", {}).get("value"), each.get("name", {}).get("value"))
            for each in nodes
            if not each["ignored"]
        ]
        assert {"banner", "main", "heading"} <= {role for role, _ in roles}, path
        if found := [str(role) for role, name in roles if role in CONTROLS and not name]:
            nameless[path] = found
    assert not nameless


def test_pages_of_others_neither_frame_nor_change_it(shown: Shown, browser: Any) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        address = shown.origin.rstrip("/")
        page.set_content(f'<iframe src="{address}/"></iframe>')
        framed = page.frames[1]
        poll(lambda: framed.url.startswith("chrome-error:"), "the frame is refused")
        page.set_content(
            f'<form method="post" action="{address}/api/views" enctype="text/plain">'
            '<input name=\'{"name": "theirs", "address": "/", "x": "\' value=\'"}\'>'
            "<button>send</button></form>"
        )
        with page.expect_navigation() as gone:
            page.get_by_role("button").click()
        assert gone.value.status == 403
        assert shown.peer.get("/api/views")["views"] == []
    finally:
        context.close()


def test_keys_lead_through_the_pages_but_not_while_one_types(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin).open()
    live(page)
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.locator("main h1")).to_have_text("Log")
    page.keyboard.press("/")
    page.keyboard.type("g o ?")
    expect(page.locator("main h1")).to_have_text("Log")
    expect(page.locator("input[type=search]")).to_have_value("g o ?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.locator("main h1")).to_have_text("Overview")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text("BANKA")
    page.go_back()
    expect(page.locator("main h1")).to_have_text("Overview")


def test_a_theme_follows_the_system_and_is_remembered(shown: Shown, visit: Visit) -> None:
    seen = visit(shown.origin, color_scheme="dark")
    page = seen.open()
    live(page)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) != dark
    page.get_by_label("theme").select_option("red")
    red = page.evaluate(ground)
    again = seen.open("/log")
    live(again)
    assert again.evaluate(ground) == red == "rgb(0, 0, 0)"


def test_the_bar_stays_where_it_is(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin).open("/bank/BANKA")
    live(page)
    expect(page.locator('tr[data-row="level"]')).to_be_visible()
    bar = page.locator("header.bar")
    before = bar.bounding_box()
    page.evaluate("scrollTo(0, 10000)")
    assert bar.bounding_box() == before
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.locator("main h1")).to_have_text("Log")
    assert bar.bounding_box() == before


@pytest.mark.parametrize("path", ["/", "/bank/BANKA", "/log"])
def test_the_layout_is_there_before_the_data(shown: Shown, visit: Visit, path: str) -> None:
    seen = visit(shown.origin)
    seen.context.add_init_script(SHIFTS)
    page = seen.open(path)
    live(page)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("LST")
    assert page.evaluate("window.shifts") < MAX_SHIFT


def test_scrolling_up_in_the_log_stops_following_and_says_so(shown: Shown, visit: Visit) -> None:
    proxy = shown.bank.proxy
    for _ in range(60):
        proxy.set_log_level("info")
        proxy.set_log_level("debug")
    page = visit(shown.origin).open("/log")
    expect(page.get_by_role("button", name="following")).to_be_visible()
    lines = page.locator(".lines")
    expect(lines).to_contain_text("level")
    lines.hover()
    page.mouse.wheel(0, -600)
    expect(page.get_by_role("button", name="follow", exact=True)).to_be_visible()
    place = lines.evaluate("each => each.scrollTop")
    for _ in range(5):
        proxy.set_log_level("info")
        proxy.set_log_level("debug")
    expect(page.get_by_text(re.compile(r"\d+ new lines below"))).to_be_visible()
    assert lines.evaluate("each => each.scrollTop") == place
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="following")).to_be_visible()


FILL = """async lines => {
  const { takeLines, knownLines } = await import("/static/state/loglines.js");
  const first = (knownLines().at(-1)?.number ?? 0) + 1;
  const made = Array.from({ length: lines }, (_, index) => ({
    number: first + index, bank: "BANKA", host: "here", time: 1.79e9 + index / 200, level: "info",
    logger: "test", text: `line ${index}`, scan: null }));
  takeLines({ event: "lines", topic: "log", from: 1, to: first + lines, lost: 0, lines: made });
}"""
"""Makes so many lines of the log, as if they had come."""


def test_what_is_read_in_a_long_log_stays_while_lines_rain(shown: Shown, visit: Visit) -> None:
    page = visit(shown.origin).open("/log")
    live(page)
    box = page.locator(".lines")
    page.evaluate(FILL, 5_000)
    expect(box.locator(".line").last).to_contain_text("line 4999")
    box.hover()
    page.mouse.wheel(0, -3000)
    expect(page.get_by_role("button", name="follow", exact=True)).to_be_visible()
    row = box.locator(".line").filter(has=page.get_by_text("line 4860", exact=True))
    expect(row).to_be_visible()
    row.evaluate("each => { window.row = each; }")
    row.locator(".text").select_text()
    before = row.bounding_box()
    for _ in range(19):
        page.evaluate(FILL, 5_000)
    for _ in range(20):
        page.evaluate(FILL, 10)
    expect(page.get_by_text("95200 new lines below")).to_be_visible()
    assert row.bounding_box() == before
    assert page.evaluate("getSelection().toString()") == "line 4860"
    assert page.evaluate("window.row.isConnected")
    page.get_by_label("search text").fill("line 4860")
    expect(page.locator(".page-head")).to_contain_text(re.compile(r"^Log20 of 100000 lines"))


TIMES = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?(\.\d+)?|[\d.,:]+\s?(s|ms|min|h|d|kB/s|B/s|/s|Hz)\b"
)
SCREEN = """main => [main.innerText, ...[...main.querySelectorAll("input, select")].map(each =>
  `${each.getAttribute("aria-label")}: ${each.type === "checkbox" ? each.checked : each.value}`)].join("\\n")"""
LINKS = (
    *PAGES,
    "/bank/BANKA?fold=status",
    "/log?level=warning&bank=BANKA&q=level",
    "/journal?bank=BANKA&method=set_log_level&last=86400",
    "/history?keys=BANKA.level&last=21600",
    "/diff?banks=BANKA,BANKB",
    "/files?bank=BANKB",
)


def test_each_link_shows_the_same_to_anybody(shown: Shown, visit: Visit) -> None:
    one, other = visit(shown.origin).open(), visit(shown.origin).open()
    asked = set[Any]()
    for page in (one, other):
        page.on("request", lambda request: "/api/" in request.url and asked.add(request))
        for event in ("requestfinished", "requestfailed"):
            page.on(event, lambda request: asked.discard(request))
    for link in LINKS:
        for page in (one, other):
            page.goto(shown.origin.rstrip("/") + link, wait_until="commit")
        for page in (one, other):
            live(page)
            expect(page.locator("main h1")).to_be_visible()

        def screens() -> list[str]:
            return [TIMES.sub("T", page.locator("main").evaluate(SCREEN)) for page in (one, other)]

        poll(
            lambda: len(set(screens())) == 1 and not asked,
            f"the same screen at {link}",
            30,
        )
        assert other.url == one.url
