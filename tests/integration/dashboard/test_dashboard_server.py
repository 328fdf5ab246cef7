"""The dashboard over real sockets: a Player of ours, one of the original, and one that is not
there, seen by clients of other makers."""

from __future__ import annotations

import gzip
import json
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.dashboards import make_page, serving
from support.free_ports import bound
from support.original_server import OriginalPlayer
from support.player_run import poll
from support.publishing_bank import PublishingBank
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard.config import Array
from player.testing import HostedBank

CONTENT = bytes(range(256)) * 8000


class Site:
    """An array of three Banks and its dashboard."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.record = folder / "requests"
        (folder / "data").mkdir()
        (folder / "data" / "scan.fits").write_bytes(CONTENT)
        files = {"files": {"DATA": "data"}}
        bank = HostedBank(PublishingBank, files, folder=folder, state_dir=folder / "state")
        self.bank = stack.enter_context(bank)
        self.original = stack.enter_context(OriginalPlayer(record=self.record))
        self.absent = stack.enter_context(bound(0))
        urls = {
            "BANKA": self.bank.url,
            "BANKB": self.original.url,
            "BANKC": f"tcp://127.0.0.1:{self.absent}",
        }
        page = make_page(folder / "page")
        self.peer = stack.enter_context(serving(Array(urls=urls), page))

    def row(self, bank: str) -> dict[str, Any]:
        row: dict[str, Any] = self.peer.get("/api/overview")["rows"][bank]
        return row

    def wait_until(self, bank: str, state: str) -> dict[str, Any]:
        """Wait until the link to a Bank is in a state; its row."""
        poll(lambda: self.row(bank)["link"]["state"] == state, f"{bank} is {state}")
        return self.row(bank)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        made = Site(tmp_path_factory.mktemp("dashboard"), stack)
        made.wait_until("BANKA", "live")
        made.wait_until("BANKB", "live")
        poll(lambda: "level" in made.peer.get("/api/banks/BANKA/values")["values"], "values")
        yield made


def test_the_overview_tells_of_each_bank_what_it_is(site: Site) -> None:
    ours, old, absent = (site.row(bank) for bank in ("BANKA", "BANKB", "BANKC"))
    assert (ours["dialect"], old["dialect"], absent["dialect"]) == ("native", "original", "unknown")
    assert ours["kind"] == "support.publishing_bank:PublishingBank"
    assert abs(ours["offset"]) < 60
    assert ours["control"]["owner"] is None
    assert ours["load"]["cores"] >= 1
    assert "SCANNUM" in old["overview"]
    assert absent["link"]["state"] == "connecting"
    assert "refused" in absent["link"]["reason"]


def test_values_and_changes_come_as_events(site: Site) -> None:
    with closing(site.peer.events("values:BANKA", "overview", "values:NOBANK")) as events:
        hello = events.next("hello")
        assert (hello["topics"], hello["unknown"]) == (
            ["values:BANKA", "overview"],
            ["values:NOBANK"],
        )
        first = events.next("changes", topic="values:BANKA")
        assert first["from"] == 0
        assert first["values"]["counter"][0] == str(2**53 + 1)
        assert first["values"]["dial.turns"][0] == 0
        assert "trace" not in first["values"]
        site.bank.proxy.set_level(4.5, 3)
        place, changed = first["to"], {}
        while changed.get("level", [0])[0] != 6.5:
            told = events.next("changes", topic="values:BANKA")
            assert told["from"] == place
            place, changed = told["to"], told["values"]
        beats = [events.next("heartbeat")["number"] for _ in range(2)]
        assert beats[1] == beats[0] + 1


def test_there_is_one_subscription_whatever_the_number_of_viewers(site: Site) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            events = stack.enter_context(closing(site.peer.events("values:BANKA", "log")))
            events.next("changes", topic="values:BANKA")
        told = site.bank.proxy._hub.call(site.bank.url, "rpc", "channels")
    assert told["connections"] == 1
    assert [client["name"] for client in told["clients"]] == ["dashboard"]


def asked_for_status(site: Site) -> int:
    return site.record.read_bytes().count(b"get_status")


def test_a_player_of_the_original_is_asked_once_a_second_for_all(site: Site) -> None:
    with ExitStack() as stack:
        streams = [
            stack.enter_context(closing(site.peer.events("values:BANKB", "overview")))
            for _ in range(8)
        ]
        begun, before = time.monotonic(), asked_for_status(site)
        for stream in streams:
            values = stream.next("changes", topic="values:BANKB")["values"]
            assert any(key.startswith("status.") for key in values)
            stream.next("heartbeat", number=3)
        asked, passed = asked_for_status(site) - before, time.monotonic() - begun
    assert 1 <= asked <= passed + 2


def next_frame(socket: Any) -> tuple[dict[str, Any], bytes]:
    while True:
        message = socket.recv(60)
        if isinstance(message, bytes):
            (length,) = struct.unpack("<I", message[:4])
            return json.loads(message[4 : 4 + length]), message[4 + length :]


def next_text(socket: Any, **wanted: Any) -> dict[str, Any]:
    while True:
        message = socket.recv(60)
        told: dict[str, Any] = json.loads(message) if isinstance(message, str) else {}
        if told.items() >= wanted.items() and told:
            return told


def test_frames_come_over_a_websocket_reduced_as_is_wanted(site: Site) -> None:
    site.bank.proxy.draw(1000)
    frames = [
        {"bank": "BANKA", "name": "trace", "width": 10},
        {"bank": "BANKA", "name": "trace", "window": [100, 104]},
    ]
    with site.peer.web_socket() as socket:
        assert next_text(socket)["event"] == "hello"
        socket.send(json.dumps({"topics": ["log", "nosuch"], "frames": frames}))
        wanted = next_text(socket, event="wanted")
        assert (wanted["topics"], wanted["unknown"]) == (["log"], ["nosuch"])
        assert [frame["rate"] for frame in wanted["frames"]] == [5.0, 5.0]
        next_text(socket, event="lines")
        found = {}
        while len(found) < 2:
            header, arrays = next_frame(socket)
            found["width" in header["wanted"]] = header, arrays
    header, arrays = found[True]
    assert {name: header[name] for name in ("bank", "object", "name", "points")} == {
        "bank": "BANKA",
        "object": "bank",
        "name": "trace",
        "points": 1000,
    }
    assert header["wanted"] == {"rate": 5.0, "width": 10}
    lower, upper = (
        np.frombuffer(arrays, one["dtype"], 10, one["offset"]) for one in header["arrays"]
    )
    assert lower.tolist() == list(range(0, 1000, 100))
    assert upper.tolist() == list(range(99, 1000, 100))
    header, arrays = found[False]
    (data,) = header["arrays"]
    assert np.frombuffer(arrays, data["dtype"], 4).tolist() == [100, 101, 102, 103]


def test_a_websocket_that_wants_nonsense_is_closed_with_a_reason(site: Site) -> None:
    for text, code in (("nonsense", 1008), (b"bytes", 1008), ("x" * 20_000, 1009)):
        with site.peer.web_socket() as socket:
            next_text(socket, event="hello")
            socket.send(text)
            with pytest.raises(ConnectionClosed):
                while True:
                    socket.recv(60)
            assert socket.close_code == code


def test_bandpasses_come_while_somebody_looks(site: Site) -> None:
    site.bank.proxy.draw(6400)
    with closing(site.peer.events("bandpass")) as events:
        told: dict[str, Any] = {}
        while "BANKA" not in told:
            told = events.next("changes", topic="bandpass")["values"]
    shown = told["BANKA"]
    assert (shown["name"], shown["points"], len(shown["lower"])) == ("trace", 6400, 64)
    assert (shown["lower"][1], shown["upper"][1]) == (100, 199)


def test_files_are_listed_and_fetched_whole_and_by_ranges(site: Site) -> None:
    told = site.peer.get("/api/files")
    assert told["areas"]["BANKA"] == [{"name": "DATA", "fault": ""}]
    assert set(told["errors"]) == {"BANKB", "BANKC"}
    listed = site.peer.get("/api/files/BANKA/DATA?pattern=*.fits")["entries"]
    assert [(one["name"], one["size"]) for one in listed] == [("DATA/scan.fits", len(CONTENT))]
    path = "/files/BANKA/DATA/scan.fits"
    whole = site.peer.ask(path)
    assert (whole.status, whole.body) == (200, CONTENT)
    assert whole.headers["content-disposition"] == "attachment; filename*=UTF-8''scan.fits"
    head = site.peer.ask(path, "HEAD")
    assert (head.headers["content-length"], head.body) == (str(len(CONTENT)), b"")
    etag = whole.headers["etag"]
    part = site.peer.ask(path, Range="bytes=1000-1999", If_Range=etag)
    assert (part.status, part.body) == (206, CONTENT[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(CONTENT)}"
    assert site.peer.ask(path, Range="bytes=0-1", If_Range='"other"').status == 200
    beyond = site.peer.ask(path, Range=f"bytes={len(CONTENT)}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")
    assert site.peer.ask("/files/BANKA/DATA/../secret").status == 404
    assert site.peer.ask("/files/BANKA/DATA/nosuch").status == 404


def test_what_banks_offer_is_described(site: Site) -> None:
    told = site.peer.get("/api/banks/BANKA")
    methods = {one["name"]: one for one in told["objects"]["bank"]["methods"]}
    assert methods["set_level"]["signature"].startswith("(value: float")
    properties = {one["name"]: one for one in told["objects"]["bank"]["properties"]}
    assert (properties["level"]["unit"], properties["trace"]["kind"]) == ("dB", "pipe")
    assert "time" not in properties["level"]
    assert told["interface"] == site.row("BANKA")["interface"]
    old = site.peer.get("/api/banks/BANKB")
    assert "set_mode" in [one["name"] for one in old["objects"]["bank"]["methods"]]


def test_lines_of_the_log_are_kept_and_found(site: Site) -> None:
    site.bank.proxy.set_log_level("info")
    site.bank.proxy.set_log_level("debug")  # which is itself logged
    poll(lambda: site.peer.get("/api/log?text=level")["lines"], "a line of the log")
    (line, *_) = site.peer.get("/api/log?bank=BANKA&level=warning&text=LEVEL&most=1")["lines"]
    assert (line["bank"], line["level"]) == ("BANKA", "warning")
    assert site.peer.get(f"/api/log?before={line['number']}&text=nosuch")["lines"] == []


def test_journal_and_history_of_banks_are_read(site: Site) -> None:
    site.bank.proxy.set_level(61.0)
    site.bank.proxy.set_level(62.0)
    told = site.peer.get("/api/journal?bank=BANKA&method=bank.set_level&most=2")
    assert [entry["arguments"]["args"] for entry in told["entries"]] == [[61.0], [62.0]]
    assert {(entry["bank"], entry["outcome"]) for entry in told["entries"]} == {("BANKA", "done")}
    assert told["errors"] == {}
    assert site.row("BANKA")["simulated"] is True  # as its journal says
    kept = site.peer.get("/api/history/keys?bank=BANKA&pattern=*l*")["keys"]["BANKA"]
    assert {"name": "level", "unit": "dB"} in kept
    told = site.peer.get("/api/history?key=BANKA.level&key=BANKA.dial.turns")
    level, turns = told["series"]
    assert (level["unit"], level["points"][-1][1]) == ("dB", 62.0)
    assert turns["points"][-1][1] == 0
    assert site.peer.get("/api/history?key=BANKA.nosuch")["series"][0]["points"] == []


MISUSES = [
    ("/api/banks/NOBANK", 404, "no Bank NOBANK"),
    ("/api/banks/NOBANK/values", 404, "no Bank NOBANK"),
    ("/api/log?level=loud", 400, "level"),
    ("/api/log?most=0", 400, "most"),
    ("/api/journal?bank=NOBANK", 404, "no Bank NOBANK"),
    ("/api/history", 400, "key"),
    ("/api/history?key=nonsense", 400, "BANK.NAME"),
    ("/api/history?key=NOBANK.x", 404, "no Bank NOBANK"),
    ("/events", 400, "topic"),
    ("/nosuch", 404, "nothing is at this address"),
    ("/static/nosuch", 404, "nothing is at this address"),
    ("/docs", 404, "nothing is at this address"),
]


@pytest.mark.parametrize(("path", "status", "text"), MISUSES)
def test_misuse_is_answered_with_a_sentence(site: Site, path: str, status: int, text: str) -> None:
    answer = site.peer.ask(path)
    assert answer.status == status
    assert text in answer.json["detail"]


def test_banks_that_cannot_be_asked_are_named(site: Site) -> None:
    told = site.peer.get("/api/journal")
    assert "BANKC" in told["errors"]
    told = site.peer.get("/api/history?key=BANKC.status.SCANNUM")
    assert "refused" in told["errors"]["BANKC"]
    assert site.peer.get("/api/hosts")["values"]["error"]


def test_pages_and_assets_have_headers_that_keep_others_out(site: Site) -> None:
    peer = site.peer
    for path in ("/", "/bank/BANKA", "/hosts", "/log?follow=1", "/history?keys=x"):
        answer = peer.ask(path)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "'sha256-" in answer.headers["content-security-policy"]
    for path in ("/", "/api/site", "/static/app.js", "/favicon.ico", "/nosuch", "/events"):
        headers = peer.ask(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert not any(name.startswith("access-control") for name in headers)
    asset = peer.ask("/static/app.js")
    assert asset.headers["cache-control"] == "no-cache"
    again = peer.ask("/static/app.js", If_None_Match=asset.headers["etag"])
    assert again.status == 304
    packed = peer.ask("/static/app.js", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == asset.body
    assert peer.get("/api/site")["banks"] == ["BANKA", "BANKB", "BANKC"]
    assert peer.get("/api/session") == {
        "key": "",
        "role": "observe",
        "is_lowered": False,
        "control": False,
        "holds": {},
    }
    assert b"dealer_player_dashboard_bank_live" in peer.ask("/metrics").body


def test_strangers_and_changes_are_refused(site: Site) -> None:
    peer = site.peer
    assert peer.ask("/", Host="evil.example.org").status == 403
    assert peer.ask("/api/site", Origin="http://evil.example.org").status == 403
    other_port = f"http://127.0.0.1:{site.absent}"
    for origin in ("http://evil.example.org", other_port):
        with pytest.raises(InvalidStatus, match="403"), peer.web_socket(origin):
            pass
    paths = peer.get("/openapi.json")["paths"]
    changing = {path for path, methods in paths.items() if set(methods) != {"get"}}
    alarms = {f"/api/alarms/{verb}" for verb in ("acknowledge", "shelve", "unshelve")}
    assert changing == {"/api/views", "/api/views/remove", *alarms}
    for path in ("/", "/api/overview", "/api/banks/BANKA/values", "/events", "/ws"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert peer.ask(path, method, "{}").status == 405, (path, method)


def test_a_frozen_player_looks_stale_and_comes_back(site: Site) -> None:
    with closing(site.peer.events("overview")) as events:
        site.original.suspend()
        try:
            row = site.wait_until("BANKB", "stale")
            assert row["overview"]  # what was known stays
            beat: dict[str, Any] = {}
            while "BANKB" not in beat:
                beat = events.next("heartbeat")["silent"]
            assert beat["BANKB"] >= 1.5
        finally:
            site.original.resume()
        site.wait_until("BANKB", "live")
        states = []
        while "stale" not in states or states[-1] != "live":
            values = events.next("changes", topic="overview")["values"]
            states += [values["BANKB"]["link"]["state"]] if "BANKB" in values else []


def test_a_time_that_is_over_looks_as_it_was_then(site: Site) -> None:
    peer = site.peer
    site.bank.proxy.set_level(21.5)
    poll(lambda: peer.get("/api/banks/BANKA/values")["values"]["level"][0] == 21.5, "the level")
    live, then = peer.get("/api/banks/BANKA/values")["values"], time.time()
    kept_level = f"/api/history?key=BANKA.level&since={then}"  # what holds for less may be missed
    poll(lambda: peer.get(kept_level)["series"][0]["points"][0][1] == 21.5, "the history")
    site.bank.proxy.set_level(22.5)
    poll(lambda: peer.get("/api/banks/BANKA/values")["values"]["level"][0] == 22.5, "the level")
    told = peer.get(f"/api/at?time={then}")
    assert (told["is_live"], told["time"]) == (False, then)
    past = told["values"]["BANKA"]
    kept = ("level", "label", "counter", "dial.turns", "control")
    assert {name: past[name][:2] for name in kept} == {name: live[name][:2] for name in kept}
    row = told["rows"]["BANKA"]
    assert (row["bank"], row["link"]["state"]) == ("BANKA", "live")
    assert row.keys() == site.row("BANKA").keys()
    assert told["rows"]["BANKC"]["link"]["state"] == "connecting"
    assert set(told["errors"]) == {"BANKB", "BANKC"}
    moments = peer.get(f"/api/moments?since={then - 3600}&bank=BANKA")["moments"]
    changes = [each for each in moments if "set_level" in each["text"]]
    assert {each["kind"] for each in changes} == {"change"}
    assert len(changes) >= 2
    early = peer.get("/api/at?time=1000")
    assert early["values"]["BANKA"] == {}
