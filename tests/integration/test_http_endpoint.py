"""The HTTP endpoint of a Player, asked by clients of other makers, and by hostile ones."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import struct
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.event_stream import Events
from support.player_run import PlayerRun, bank_of, poll
from support.publishing_bank import PublishingBank
from support.toy_bank import write_configuration
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from player.endpoints.http import connections
from player.errors import EndpointError
from player.testing import HostedBank

WITHIN = 30.0
CONTENT = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedBank]:
    folder = tmp_path_factory.mktemp("http")
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("<p>our site")
    (folder / "secret").write_text("secret")
    (folder / "site" / "leak").symlink_to(folder / "secret")
    (folder / "data" / "night1").mkdir(parents=True)
    (folder / "data" / "night1" / "scan.fits").write_bytes(CONTENT)
    endpoint = {
        "areas": ["DATA"],
        "home": "site",
        "hosts": ["vegas.example.org"],
        "ping_every": 0.2,
    }
    table = {"endpoints": {"http": endpoint}, "files": {"DATA": "data", "LOGS": "/var/log"}}
    with HostedBank(PublishingBank, table, folder=folder) as made:
        yield made


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, dict(response.headers)
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def detail(self) -> str:
        return str(self.json["detail"])


def port_of(hosted: HostedBank) -> int:
    return int(hosted.endpoints["http"].rstrip("/").rpartition(":")[2])


def ask(hosted: HostedBank, path: str, method: str = "GET", **headers: str) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port_of(hosted), timeout=WITHIN)) as peer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        peer.request(method, path, headers=named)
        return Answer(peer.getresponse())


def value_of(hosted: HostedBank, name: str, wanted: Any) -> Any:
    """Return what is told of a property, if it has a value: answers are kept for half a second."""
    told = ask(hosted, f"/api/properties/{name}").json
    return told if told["value"] == wanted else None


def events_of(hosted: HostedBank, query: str) -> Events:
    return Events(f"{hosted.endpoints['http']}events?{query}")


def web_socket(hosted: HostedBank, query: str) -> ClientConnection:
    port = port_of(hosted)
    return connect(
        f"ws://127.0.0.1:{port}/ws?{query}",
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]  # a NewType of str
        legacy=False,
        proxy=None,
    )


def viewers(hosted: HostedBank) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(hosted, "/api/status").json["viewers"]
    return found


def test_the_home_page_links_to_what_is_offered_and_all_is_there(hosted: HostedBank) -> None:
    home = ask(hosted, "/")
    links = [link for link in re.findall(r'href="([^"]+)"', home.text) if "events" not in link]
    assert "/metrics" in links
    for link in links:
        answer = ask(hosted, link)
        assert answer.status == 200, link
        named = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        assert all(re.match(r"/(?!/)", one) for one in named), link  # of no other host
    assert "SIMULATED" in home.text
    assert hosted.proxy.get_bank_name() in home.text


def test_every_answer_has_the_headers_that_keep_others_out(hosted: HostedBank) -> None:
    for path in ("/", "/api/properties", "/nosuch", "/static/live.js", "/home/", "/api/x/../.."):
        headers = {name.lower(): value for name, value in ask(hosted, path).headers.items()}
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control")]
        assert "server" not in headers


def test_pages_show_values_of_strangers_as_text(hosted: HostedBank) -> None:
    controls = ask(hosted, "/Controls").text
    assert "&lt;b&gt;x&lt;/b&gt;\\u{202e}" in controls
    assert "What was set &lt;last&gt;." in controls
    assert ">9007199254740993<" in controls
    query = ask(hosted, "/Query?pattern=t*&object=bank.dial").text
    assert (">turns<" in query, ">level<" in query) == (True, False)
    assert "&lt;script&gt;" in ask(hosted, "/Query?pattern=%3Cscript%3E").text


def test_properties_are_told_as_json(hosted: HostedBank) -> None:
    hosted.proxy.set_level(2.5)
    hosted.proxy.draw(3)
    assert [one["name"] for one in ask(hosted, "/api/properties?pattern=l[ae]*").json] == [
        "label",
        "level",
    ]
    level = poll(lambda: value_of(hosted, "level", 2.5), "the level")
    assert (level["unit"], level["age"] >= 0) == ("dB", True)
    assert ask(hosted, "/api/properties/odd").json["value"] == "NaN"
    assert ask(hosted, "/api/properties/counter").json["value"] == str(2**53 + 1)
    ramp = {"data": [0, 1, 2], "x_start": 0.0, "x_delta": 0.5}
    poll(lambda: value_of(hosted, "trace", ramp), "the frame")
    assert ask(hosted, "/api/properties/turns?object=bank.dial").json["value"] == 0
    missing = ask(hosted, "/api/properties/levl")
    assert (missing.status, "did you mean level" in missing.detail) == (404, True)
    assert "there are: bank" in ask(hosted, "/api/properties?object=x").detail


def test_status_health_and_where_it_is_are_told(hosted: HostedBank) -> None:
    status = ask(hosted, "/api/status").json
    assert (status["bank"], status["simulated"], status["url"]) == ("BANKA", True, hosted.url)
    assert status["endpoints"] == hosted.endpoints
    assert ask(hosted, "/healthz").json["status"] == "ok"
    assert ask(hosted, "/healthz", "HEAD").text == ""


def test_metrics_are_prometheus_text(hosted: HostedBank) -> None:
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(ask(hosted, "/metrics").text)
        for sample in family.samples
    }
    assert found["dealer_player_up", "BANKA"] == 1
    assert found["dealer_player_property", "BANKA", "bank", "s", "seven"] == 7
    assert found["dealer_player_http_viewers", "BANKA", "events"] == 0
    assert all(name.startswith("dealer_player_") for name, *_ in found)


def test_nothing_can_be_changed(hosted: HostedBank) -> None:
    described = ask(hosted, "/openapi.json").json["paths"]
    assert described.keys() > {"/events", "/api/properties/{name}", "/metrics"}
    assert {method for path in described.values() for method in path} == {"get"}
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        answer = ask(hosted, "/api/properties/level", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert "only reads" in answer.detail
    assert ask(hosted, "/events?pattern=*", "HEAD").status == 405


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Host": "evil.example.org"}, "`hosts`"),
        ({"Host": ""}, "`hosts`"),
        ({"Origin": "http://evil.example.org"}, "open it from there"),
        ({"Origin": "http://127.0.0.1:1"}, "open it from there"),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, "open it from there"),
    ],
)
def test_strangers_are_refused(hosted: HostedBank, headers: dict[str, str], says: str) -> None:
    for path in ("/", "/api/properties", "/events?pattern=*", "/nosuch", "/home/"):
        answer = ask(hosted, path, **headers)
        assert (answer.status, says in answer.detail) == (403, True)


def test_the_host_has_the_names_that_the_file_gives_it(hosted: HostedBank) -> None:
    for name in ("vegas.example.org:80", "localhost:9000", socket.gethostname()):
        assert ask(hosted, "/healthz", Host=name).status == 200


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/events", 400, "pattern"),
        ("/events?pattern=*&rate=-1", 400, "rate: -1.0 is not within"),
        ("/events?pattern=*&rate=nan", 400, "rate"),
        ("/events?pattern=*&rate=fast", 400, "rate"),
        ("/events?" + "&".join(["pattern=*"] * 65), 400, "pattern"),
        ("/Query?pattern=" + "x" * 501, 400, "pattern"),
        ("/Query?pattern=" + "x" * 5000, 414, "4096"),
        ("/nosuch", 404, "/ names those"),
        ("/docs", 404, ""),
        ("//example.org/..", 404, ""),
        ("/home/../secret", 404, ""),
        ("/home/%2e%2e/secret", 404, ""),
        ("/home/leak", 404, ""),
        ("/api/properties/", 400, ""),
    ],
)
def test_misuse_is_told_with_a_sentence(
    hosted: HostedBank, path: str, status: int, says: str
) -> None:
    answer = ask(hosted, path)
    assert answer.status == status, answer.text
    assert says in answer.detail


def test_files_of_areas_are_listed_and_fetched_by_ranges(hosted: HostedBank) -> None:
    path = "/Files/DATA/night1/scan.fits"
    assert 'href="/Files/DATA/"' in ask(hosted, "/Files/").text
    assert 'href="/Files/DATA/night1/"' in ask(hosted, "/Files/DATA/").text
    assert f'href="{path}"' in ask(hosted, "/Files/DATA/night1/").text
    (entry,) = ask(hosted, "/api/files/DATA?pattern=night1/*.fits").json["entries"]
    assert (entry["name"], entry["size"]) == ("DATA/night1/scan.fits", len(CONTENT))
    head = ask(hosted, path, "HEAD")
    assert (head.headers["content-length"], head.text) == (str(len(CONTENT)), "")
    with urllib.request.urlopen(hosted.endpoints["http"] + path[1:]) as whole:
        assert whole.read() == CONTENT
        assert whole.headers["content-disposition"].startswith("attachment")
    part = ask(hosted, path, Range="bytes=65-67")
    assert (part.status, part.text) == (206, "ABC")
    assert part.headers["content-range"] == f"bytes 65-67/{len(CONTENT)}"
    assert "\r\n\r\nABC\r\n" in ask(hosted, path, Range="bytes=65-67,97-99").text
    replaced = ask(hosted, path, "HEAD", Range="bytes=65-67", If_Range='"another"')
    assert replaced.status == 200
    assert ask(hosted, path, Range="bytes=999999999-").status == 416


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/Files/LOGS/", "there are DATA"),
        ("/Files/LOGS/syslog", "there are DATA"),
        ("/Files/DATA/night1", "no regular file"),
        ("/Files/DATA/%2e%2e/secret", ".. in it"),
        ("/Files//etc/passwd", "absolute"),
        ("/Files/nosuch.fits", "in DATA: No such file"),
        ("/Files/DATA/%00", "NUL"),
        ("/api/files/NONE", "there are DATA"),
    ],
)
def test_what_is_in_no_area_is_not_served(hosted: HostedBank, path: str, says: str) -> None:
    answer = ask(hosted, path)
    assert (answer.status, says in answer.detail) == (404, True), answer.detail


def test_many_ranges_are_refused(hosted: HostedBank) -> None:
    ranges = ",".join(f"{n}-{n}" for n in range(17))
    assert ask(hosted, "/home/index.html", Range="bytes=0-2").text == "<p>"
    assert "at most 16" in ask(hosted, "/home/index.html", Range=f"bytes={ranges}").detail


def test_events_begin_with_what_is_there_and_go_on(hosted: HostedBank) -> None:
    with closing(events_of(hosted, "pattern=*&object=bank")) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.next("update", name="counter")["value"] == str(2**53 + 1)
        before = events.next("update", name="odd")
        assert before["value"] == "NaN"
        first = events.next("heartbeat")
        assert (first["lost"], first["dropped"]) == (0, 0)
        hosted.proxy.ring("<smoke>")
        assert events.next("update", name="alarm")["value"] == {"text": "<smoke>"}
        second = events.next("heartbeat")
        assert second["number"] > first["number"]
        (seen,) = viewers(hosted)
        assert (seen["way"], seen["patterns"]) == ("events", ["*"])
        assert "127.0.0.1" in ask(hosted, "/connections").text
    poll(lambda: not viewers(hosted), "a viewer that closed is gone")


def test_the_last_of_a_burst_always_comes(hosted: HostedBank) -> None:
    with closing(events_of(hosted, "pattern=level")) as events:
        events.next("update")
        hosted.proxy.set_level(1000.0, 500)
        last = events.next("update", value=1499.0)
        assert last["lost"] == 0  # of those that the Player chose to send


def test_a_web_socket_has_values_as_text_and_frames_as_bytes(hosted: HostedBank) -> None:
    with web_socket(hosted, "pattern=level&pattern=trace&width=10&rate=0") as viewer:
        hosted.proxy.draw(1000)
        frame = next(each for each in viewer if isinstance(each, bytes) and b'"lower"' in each)
        (length,) = struct.unpack_from("<I", frame)
        header, begin = json.loads(frame[4 : 4 + length]), 4 + length
        lower, upper = (
            np.frombuffer(frame, told["dtype"], told["shape"][0], begin + told["offset"])
            for told in header["arrays"]
        )
        assert (header["name"], header["x_delta"], header["points"]) == ("trace", 0.5, 1000)
        assert [lower[0], upper[0], lower[-1], upper[-1]] == [0, 99, 900, 999]
        texts = (json.loads(each) for each in viewer if isinstance(each, str))
        assert next(told for told in texts if told["event"] == "heartbeat")["dropped"] == 0
        hosted.proxy.set_level(-7.0)
        assert next(told for told in texts if told.get("value") == -7.0)["name"] == "level"


def test_a_web_socket_without_an_origin_is_refused(
    hosted: HostedBank, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"ws://127.0.0.1:{port_of(hosted)}/ws?pattern=*"
    for headers in ({}, {"Origin": "http://evil.example.org"}):
        with pytest.raises(InvalidStatus) as refused:
            connect(url, additional_headers=headers, legacy=False, proxy=None).__enter__()
        assert refused.value.response.status_code == 403
        assert b"open it from there" in refused.value.response.body or not headers
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_a_web_socket_that_says_anything_is_closed(hosted: HostedBank) -> None:
    with web_socket(hosted, "pattern=level") as viewer:
        viewer.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(1000):
                viewer.recv(WITHIN)
        assert closed.value.rcvd is not None
        assert "nothing is asked" in closed.value.rcvd.reason
    with pytest.raises(InvalidStatus) as refused:
        web_socket(hosted, "pattern=level&width=-1").__enter__()
    assert b"width" in refused.value.response.body


def test_a_viewer_too_many_is_told_so_and_calls_go_on() -> None:
    with (
        HostedBank(PublishingBank, {"endpoints": {"http": {"viewers": 2}}}) as hosted,
        closing(events_of(hosted, "pattern=*")),
        web_socket(hosted, "pattern=*"),
    ):
        full = ask(hosted, "/events?pattern=level")
        assert (full.status, full.headers["retry-after"]) == (503, "5")
        assert "`viewers`" in full.detail
        with pytest.raises(InvalidStatus) as refused:
            web_socket(hosted, "pattern=*").__enter__()
        assert b"`viewers`" in refused.value.response.body
        assert ask(hosted, "/healthz").status == 200


def test_a_viewer_that_takes_nothing_is_ended_and_others_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "TAKES_NOTHING_S", 1.0)
    monkeypatch.setattr(connections, "ASKS_NOTHING_S", 1.0)
    with HostedBank(PublishingBank, {"endpoints": {"http": {}}}) as hosted, ExitStack() as stack:
        for text in (
            b"GET /events?pattern=label&rate=0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GE",
        ):
            frozen = stack.enter_context(socket.socket())
            frozen.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            frozen.connect(("127.0.0.1", port_of(hosted)))
            frozen.sendall(text)
        events = stack.enter_context(
            closing(events_of(hosted, "pattern=label&pattern=alarm&rate=0"))
        )
        poll(lambda: len(viewers(hosted)) == 2, "both look")
        hosted.proxy.flood(200, 10_000)
        hosted.proxy.ring("done")
        assert events.next("update", name="alarm")["lost"] == 0
        poll(lambda: [each["patterns"] for each in viewers(hosted)] == [["alarm", "label"]], "gone")
        ended = re.compile(r'http_ended_total{bank="BANKA"} [12]')  # the kernel may be the first
        poll(lambda: ended.search(ask(hosted, "/metrics").text), "the silent one is gone")


def test_a_player_ends_in_time_with_viewers_that_take_nothing(tmp_path: Path) -> None:
    kind = "support.publishing_bank:PublishingBank"
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {"kind": kind}})
    path.write_text(path.read_text() + "[banks.BANKA.endpoints.http]\n")
    words = ("BANKA", "tcp://127.0.0.1:*", "simulate", "--config", path)
    with PlayerRun(*words, log=tmp_path / "player.log") as run, ExitStack() as stack:
        with bank_of(run.wait_ready()) as bank:
            found = re.search(r"http of BANKA is at http://127.0.0.1:(\d+)/", run.text)
            assert found is not None
            address = ("127.0.0.1", int(found[1]))
            for query in ["pattern=*&rate=0"] * 10 + ["pattern=level"] * 10:
                viewer = stack.enter_context(socket.create_connection(address, WITHIN))
                viewer.sendall(f"GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert viewer.recv(15) == b"HTTP/1.1 200 OK"
            bank.flood(100, 100_000)  # half of them are stuck in it
        assert run.end()[0] == 0, run.text  # 1: it had to be ended by force
    assert "Traceback" not in run.text


def test_a_taken_port_is_a_sentence_before_the_bank_is_touched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        table = {"endpoints": {"http": {"port": taken.getsockname()[1]}}}
        with (
            pytest.raises(EndpointError, match=r"endpoint http of BANKA .*port .* is taken"),
            HostedBank(PublishingBank, table),
        ):
            pass


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"home": "nosuch"}, "nosuch is no folder; make it"),
        (
            {"areas": ["NONE"]},
            r"BANKA has no area NONE; there are none: add it to \[banks.BANKA.files",
        ),
    ],
)
def test_a_folder_that_is_not_there_is_a_sentence(table: dict[str, Any], says: str) -> None:
    with (
        pytest.raises(EndpointError, match=says),
        HostedBank(PublishingBank, {"endpoints": {"http": table}}),
    ):
        pass


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("application", "streams"):
        monkeypatch.delitem(sys.modules, f"player.endpoints.http.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(EndpointError) as told:
        HostedBank(PublishingBank, {"endpoints": {"http": {}}}).__enter__()
    assert str(told.value) == (
        "endpoint http of BANKA cannot be opened: fastapi is not installed: "
        "pip install 'dealer-player[web]'"
    )


def test_signals_are_left_to_the_player(hosted: HostedBank) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("size", ["5", "0"])
def test_a_request_with_two_lengths_is_refused_and_its_connection_ends(
    hosted: HostedBank, size: str
) -> None:
    request = (
        f"GET /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port_of(hosted)), WITHIN) as line:
        line.sendall(request.encode())
        answer = b""
        while part := line.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1
