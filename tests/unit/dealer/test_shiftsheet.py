"""The hand-over sheet: scans and deeds out of records, as Markdown and HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from dealer.sheettext import html_sheet, markdown_sheet
from dealer.shiftsheet import DEEDS, Deed, ShiftScan, ShiftSheet, deeds_of, scans_of

SINCE, UNTIL = 1_000_000.0, 1_028_800.0
HOSTILE = '<img src=x onerror=alert(1)> | [a](http://x) \x1b[31m "q" & \u202e'


def points(begun: float, number: int, *more: tuple[float, str, object]) -> list[dict[str, Any]]:
    told = [(begun, "scan.scan", number), (begun, "scan.outcome", "waiting"), *more]
    return [{"time": time, "key": key, "value": value} for time, key, value in told]


def entry(method: str, outcome: str = "done", **more: Any) -> dict[str, Any]:
    return {
        "time": SINCE + 10,
        "method": method,
        "outcome": outcome,
        "error": "",
        "text": "",
        **more,
    }


def sheet(**more: Any) -> ShiftSheet:
    given: dict[str, Any] = {name: [] for name in ("scans", *DEEDS)}
    given |= {"title": "GBT VEGAS", "since": SINCE, "until": UNTIL, "standing": {}, "silent": {}}
    return ShiftSheet(**(given | more))


def test_a_scan_of_several_banks_is_one_with_the_outcome_of_each() -> None:
    begun = SINCE + 100
    done = points(begun, 12, (begun + 60, "scan.outcome", "done"))
    cut = points(
        begun + 1,
        12,
        (begun + 3, "scan.file", "b.fits"),
        (begun + 50, "scan.dropped", 3),
        (begun + 50, "scan.warning", "3 blocks lost"),
        (begun + 61, "scan.outcome", "incomplete"),
    )
    runs = points(begun + 200, 13, (begun + 201, "scan.outcome", "running"))
    first, second = scans_of({"BANKA": done + runs, "BANKB": cut}, SINCE)
    assert (first.number, first.begun, first.ended) == (12, begun, begun + 61)
    assert first.outcomes == {"BANKA": "done", "BANKB": "incomplete"}
    assert (first.dropped, first.notes) == ({"BANKB": 3}, {"BANKB": "3 blocks lost"})
    assert (first.files, first.is_well) == ({"BANKB": "b.fits"}, False)
    assert (second.number, second.ended, second.is_well) == (13, None, True)


def test_scans_that_were_over_before_the_shift_are_left_out_and_one_that_ran_into_it_stays() -> (
    None
):
    over = points(SINCE - 900, 10, (SINCE - 800, "scan.outcome", "done"))
    into = points(SINCE - 30, 11, (SINCE + 30, "scan.outcome", "done"))
    assert [scan.number for scan in scans_of({"BANKA": over + into}, SINCE)] == [11]


def test_a_scan_in_which_a_player_ended_is_cut_off_and_one_before_its_end_stays_done() -> None:
    killed = points(
        SINCE + 1,
        3,
        (SINCE + 2, "scan.outcome", "running"),
        (SINCE + 9, "scan.scan", None),
        (SINCE + 9, "scan.outcome", "none"),
    )
    well = points(
        SINCE + 1,
        *(3, (SINCE + 8, "scan.outcome", "done"), (SINCE + 9, "scan.outcome", "none")),
    )
    (scan,) = scans_of({"BANKA": well, "BANKB": killed}, SINCE)
    assert scan.outcomes == {"BANKA": "done", "BANKB": "cut off"}
    assert scan.notes == {"BANKB": "its Player ended in the scan"}
    assert (scan.ended, scan.is_well) == (SINCE + 9, False)


def test_a_number_that_comes_again_later_is_another_scan() -> None:
    again = points(SINCE + 1, 1) + points(SINCE + 500, 1)
    assert len(scans_of({"BANKA": again, "BANKB": points(SINCE + 2, 1)}, SINCE)) == 2


def test_the_source_is_that_of_the_scan() -> None:
    source = {"time": SINCE, "key": "status.SRC_NAME", "value": "3C286"}
    later = {"time": SINCE + 900, "key": "status.SRC_NAME", "value": "M31"}
    over = points(SINCE + 1, 1, (SINCE + 60, "scan.outcome", "done"))
    (scan,) = scans_of({"BANKA": [source, *over, later]}, SINCE)
    assert scan.source == "3C286"


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (entry("bank.set_param"), "changes"),
        (entry("bank.prepare"), None),
        (entry("bank.start", "failed"), "faults"),
        (entry("bank.set_mode", "refused"), "faults"),
        (entry("control.take"), "control"),
        (entry("control.renew"), None),
        (entry("alarms.acknowledge"), "acknowledgements"),
        (entry("journal", "remark", text="alarm disk raised: it is full"), "faults"),
        (entry("journal", "remark", text="the Player begins"), "remarks"),
    ],
)
def test_each_deed_stands_in_its_part(told: dict[str, Any], place: str | None) -> None:
    found = deeds_of([("BANKA", told, ("observer1", "call()"))])
    assert [name for name, some in found.items() if some] == ([] if place is None else [place])


def test_deeds_that_are_alike_are_one_with_its_banks_and_count() -> None:
    told = [
        (bank, entry("bank.set_param", time=SINCE + at), ("observer1", "set_param(exposure=1.0)"))
        for at, bank in enumerate(["BANKB", "BANKA", "BANKB"])
    ]
    (deed,) = deeds_of(told)["changes"]
    assert (deed.banks, deed.count, deed.first, deed.last) == (
        ["BANKA", "BANKB"],
        3,
        SINCE,
        SINCE + 2,
    )


SHEET = sheet(
    standing={"BANKA": "ready", "BANKC": "not ready <- no Player answers"},
    scans=[ShiftScan(number=12, begun=SINCE, ended=SINCE + 60, outcomes={"BANKA": "done"})],
    faults=[
        Deed(who="o", call="start()", outcome="refused", text=HOSTILE, first=SINCE, last=SINCE)
    ],
    silent={"BANKB": "no server"},
)


class Reader(HTMLParser):
    """Tags, addresses and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.told = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.told += data


def test_the_sheet_links_moments_and_shows_texts_of_strangers_as_texts() -> None:
    read = Reader(html_sheet(SHEET, "https://vegas.example.org/"))
    assert "<img src=x onerror=alert(1)>" in read.told
    assert not read.tags & {"img", "script", "link", "iframe"}
    assert "\x1b" not in read.told
    assert "\u202e" not in read.told
    assert all(link.startswith("https://vegas.example.org/") for link in read.links)
    assert "https://vegas.example.org/bank/BANKA" in read.links
    assert Reader(html_sheet(SHEET)).links == []


def test_in_markdown_each_row_stays_one_row() -> None:
    text = markdown_sheet(SHEET, "http://x")
    assert "1970-01-12 13:46:40 to 1970-01-12 21:46:40 UTC" in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "refused" in line]
    (row,) = rows
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert "\\<img" in row
    assert "\\[a\\](http://x)" in row
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles[:3] == ["As it stands", "Scans", "Faults and alarms"]
    assert titles[-1] == "Not in this sheet"


def test_of_very_many_rows_the_newest_are_shown_and_the_rest_counted() -> None:
    many = [
        Deed(who="o", call=f"call{n}()", outcome="done", text="", first=SINCE, last=SINCE)
        for n in range(400)
    ]
    text = markdown_sheet(sheet(changes=many))
    assert "call399()" in text
    assert "call99()" not in text
    assert "100 older ones are left out." in text


def test_the_sheet_as_json_has_all_its_parts() -> None:
    told = SHEET.describe()
    assert told.keys() >= {"title", "since", "until", "standing", "scans", "silent", *DEEDS}
    assert told["scans"][0]["outcomes"] == {"BANKA": "done"}
    assert told["faults"][0]["text"] == HOSTILE
