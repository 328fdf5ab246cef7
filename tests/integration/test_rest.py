"""The REST server of a histogrammer over real sockets: the requests that its clients are known to
send, byte by byte, and those of strangers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.publishing_bank import PublishingBank
from support.rest_client import schema_errors

from histogrammer.engine import Engine
from histogrammer.rest.protocol.requests import ROUTES
from player.errors import BankStartError, ConfigError, EndpointError
from player.testing import HostedBank

WITHIN = 30.0


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedBank]:
    folder = tmp_path_factory.mktemp("rest")
    table = {
        "home": str(folder),
        "shm_mbytes": 1,
        "roots": [str(folder)],
        "threads": 1,
        "endpoints": {"rest": {"kind": "spectcl", "port": 0, "hosts": ["daq.example.org"]}},
    }
    with HostedBank("histogrammer", table, folder=folder) as made:
        yield made


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def port_of(hosted: HostedBank) -> int:
    return int(hosted.endpoints["rest"].rstrip("/").rpartition(":")[2])


def send(hosted: HostedBank, raw: bytes) -> Answer:
    """Send bytes over a new connection, and read until it ends."""
    with socket.create_connection(("127.0.0.1", port_of(hosted)), WITHIN) as peer:
        peer.sendall(raw)
        received = b"".join(iter(lambda: peer.recv(1 << 16), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def get(hosted: HostedBank, target: str, method: str = "GET", **headers: str) -> Answer:
    port = port_of(hosted)
    named = {"Host": f"127.0.0.1:{port}", "Accept": "*/*", "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return send(hosted, "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode())


def detail_of(hosted: HostedBank, target: str) -> Any:
    answer = get(hosted, f"/spectcl/{target}")
    assert (answer.status, answer.json["status"]) == (200, "OK"), answer.body
    return answer.json["detail"]


TCL = "?name=hgd&type=gd&parameters=%7bp1%20p2%7d%20%7bp3%20p4%7d&axes=%7b0%201024%20512%7d%20%7b0%201024%20512%7d"
AXIS = "axes=%7B0.000000+1024.000000+{bins}%7D&chantype=f64"
SENT = [
    *[
        f"/spectcl//parameter/create?name=p{n}&low=0&high=1024&bins=1024&units=mm"
        for n in range(1, 5)
    ],
    "/spectcl/version?",
    "/spectcl//version",
    "/spectcl//parameter/edit?name=p1&bins=512&low=0&high=512&units=cm",
    f"/spectcl/spectrum/create{TCL}",
    "/spectcl/spectrum/create?name=h1&type=1&parameters=p1&" + AXIS.format(bins=1024),
    "/spectcl//spectrum/create?type=s&name=s&parameters=p1+p2&" + AXIS.format(bins=512),
    "/spectcl/spectrum/create?name=hm2&type=m2&parameters=p1+p3+p2+p4&"
    "axes=%7B0.000000+1024.000000+512%7D+%7B0.000000+1024.000000+512%7D&chantype=f64",
    "/spectcl/spectrum/create?name=gs&type=gs&parameters=%7Bp1+p2%7D+%7Bp3%7D+&"
    + AXIS.format(bins=5),
    "/spectcl/spectrum/create?name=h2&type=2&parameters={p1%20p2}&axes={0%208%208}%20{0%208%208}",
    "/spectcl/gate/edit?name=cc&type=c&xparameter=p1&yparameter=p2"
    "&xcoord=1&ycoord=1&xcoord=6&ycoord=1&xcoord=3&ycoord=6",
    "/spectcl/gate/edit?name=or&type=%2B&gate=cc&gate=cc",
    "/spectcl/gate/edit?name=m&type=em&parameter=p1&value=0xff",
    "/spectcl/gate/edit?name=cgs&type=gs&parameter=p1&parameter=p2&low=0&high=1",
    "/spectcl/apply/apply?gate=cc&spectrum=h1&spectrum=h2",
    "/spectcl/fold/apply?gate=cgs&spectrum=hgd",
    "/spectcl/channel/set?spectrum=h1&value=7&xchannel=5",
    "/spectcl//channel/set?spectrum=h1&xchannel=5&ychannel=0&value=7",
    "/spectcl/channel/get?spectrum=h1&xchannel=5&ychannel=0",
    "/spectcl/spectrum/contents?name=h1&compress=0",
    "/spectcl/spectrum/contents?name=h1&xlow=0&xhigh=10&ylow=0&yhigh=0",
    "/spectcl/integrate?spectrum=h2&xcoords=0&xcoords=4&xcoords=0&ycoords=0&ycoords=0&ycoords=4",
    "/spectcl/project?snapshot=0&source=h2&newname=px&direction=x&contour=cc",
    "/spectcl/project?snapshot=True&source=h2&newname=py&direction=Y&contour=&bind=False",
    "/spectcl/swrite?file={folder}/f.json&format=json&spectrum=h1&spectrum=h2",
    "/spectcl/sread?format=json&snapshot=1&replace=0&bind=1&filename={folder}/f.json",
    "/spectcl/sread?snapshot=True&replace=False&filename={folder}/f.json&format=json",
    "/spectcl//ringformat?major=12&minor=0",
    "/spectcl/analyze/size?events=500",
    "/spectcl/sbind/sbind?spectrum=h1&spectrum=h2",
    "/spectcl/unbind/byname?name=h1&name=h2",
    "/spectcl/mirror?pattern=*",
    "/spectcl/spectrum/list?filter=*",
    "/spectcl/gate/list?filter=",
    "/spectcl/sbind/list?filter=&",
    "/spectcl/specstats?filter=x",
    "/spectcl/apply/list?pattern=*",
]


def test_requests_of_existing_clients_are_answered(hosted: HostedBank) -> None:
    folder = hosted.bank.context.data_root
    for target in SENT:
        answer = get(hosted, target.replace("{folder}", str(folder)))
        assert (answer.status, answer.json["status"]) == (200, "OK"), (target, answer.body)
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert answer.headers["content-type"] == "application/json"
    listed = {one["name"]: one for one in detail_of(hosted, "spectrum/list")}
    assert listed["hgd"]["yparameters"] == ["p3", "p4"]
    assert listed["hm2"]["parameters"] == ["p1", "p2", "p3", "p4"]
    assert listed["h1"]["gate"] == "cc"
    assert {one["name"] for one in detail_of(hosted, "gate/list")} >= {"cc", "or", "m", "cgs"}
    assert detail_of(hosted, "parameter/list")[0]["units"] == "cm"
    assert detail_of(hosted, "channel/get?spectrum=h1&xchannel=5") == 7.0


def test_requests_that_rustogramer_does_not_have_are_answered_in_its_style(
    hosted: HostedBank,
) -> None:
    for target in (
        "pman/ls?pattern=*",
        "filter/format?name=f&format=xdr",
        "/filter/list",
        "/treevariable/list?",
        "unbind/byid?id=0",
    ):
        answer = get(hosted, f"/spectcl/{target}")
        assert (answer.status, answer.json.keys()) == (200, {"status", "detail"})


@pytest.mark.parametrize("path", sorted(ROUTES.keys() - {"exit"}))
def test_each_request_is_answered_in_all_spellings_of_its_path(
    hosted: HostedBank, path: str
) -> None:
    """Over one connection, as by a client that keeps it."""
    forms = "/spectcl/{}", "//spectcl//{}/", "/spectcl/{}?", "/spectcl/{}/?&", "/spectcl/{}&"
    port, spellings = port_of(hosted), [form.format(path) for form in forms]
    with (
        socket.create_connection(("127.0.0.1", port), WITHIN) as peer,
        peer.makefile("rb") as lines,
    ):
        answers = set()
        for target in spellings:
            head = f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: application/json"
            peer.sendall(f"{head}\r\n\r\n".encode())
            status = int(lines.readline().split()[1])
            headers = dict(line.split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
            body = json.loads(lines.read(int(headers[b"content-length"])))
            assert not schema_errors(path, status, body)
            answers.add(status)
    assert len(answers) == 1
    assert answers <= {200, 422}


def test_heads_are_answered_without_a_body_and_other_methods_not(hosted: HostedBank) -> None:
    whole = get(hosted, "/spectcl/version")
    head = get(hosted, "/spectcl/version", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = get(hosted, "/spectcl/version", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "target",
    [
        "/spectcl/nosuch",
        "/spectcl/spectrum/clear?filter=",
        "/spectcl/attach/start",
        "/spectcl",
        "/",
        "/version",
        "/spectcl/parameter%2Flist",
        "/spectcl/parameter/list/x",
        "/docs",
    ],
)
def test_unknown_paths_are_told_as_rustogramer_does(hosted: HostedBank, target: str) -> None:
    page = get(hosted, target)
    assert (page.status, page.headers["content-type"][:9]) == (404, "text/html")
    told = get(hosted, target, Accept="application/json")
    assert told.json["error"]["code"] == told.status == 404
    assert told.json["error"]["reason"] == "Not Found"


def test_a_missing_parameter_is_an_error_of_http(hosted: HostedBank) -> None:
    assert get(hosted, "/spectcl/spectrum/contents").status == 422
    told = get(hosted, "/spectcl/channel/get?spectrum=h1&xchannel=x", Accept="application/json")
    assert "xchannel: 'x' is not an integer" in told.json["error"]["description"]


def test_the_document_is_served(hosted: HostedBank) -> None:
    document = get(hosted, "/openapi.json").json
    assert document["paths"].keys() == {f"/spectcl/{path}" for path in ROUTES}
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Host": "evil.example.org"}, "`hosts`"),
        ({"Origin": "http://evil.example.org"}, "may not read"),
        ({"Origin": "null"}, "may not read"),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, "another origin"),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, "another origin"),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"}, "another origin"),
    ],
)
def test_pages_of_strangers_change_nothing(
    hosted: HostedBank, headers: dict[str, str], says: str
) -> None:
    answer = get(hosted, "/spectcl/parameter/create?name=stranger", **headers)
    assert (answer.status, says in answer.json["error"]["description"]) == (403, True)
    assert detail_of(hosted, "parameter/list?filter=stranger") == []


def test_who_calls_the_host_by_a_name_of_its_own_is_answered(hosted: HostedBank) -> None:
    for name in ("daq.example.org:80", "localhost", socket.gethostname()):
        assert get(hosted, "/spectcl/version", Host=name).status == 200
    own = get(hosted, "/spectcl/version", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors")
    assert own.status == 200


def test_bytes_that_are_no_request_end_no_more_than_their_connection(hosted: HostedBank) -> None:
    assert send(hosted, b"\x00\xff\r\n\r\n").status == 400
    for target in (b"*", b"http://localhost/spectcl/x", b"/spectcl/\xff", b"/spectcl/%ff", b"x"):
        raw = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert send(hosted, raw).status in (400, 404), target
    endless = b"GET /spectcl/version?" + b"x" * (3 << 20)
    try:
        assert send(hosted, endless).status >= 400
    except (ConnectionError, IndexError):  # cut while we send
        pass
    assert get(hosted, "/spectcl/parameter/list?filter=" + "x" * (1 << 20)).status == 422
    assert get(hosted, "/spectcl/version").status == 200


def test_a_query_may_name_thousands_of_spectra(hosted: HostedBank) -> None:
    names = "&".join(f"spectrum={'n' * 90}{n}" for n in range(5000))
    answer = get(hosted, f"/spectcl/apply/apply?gate=none&{names}#&spectrum=no")
    assert len(answer.json["detail"]) == 5000


def test_a_handler_that_fails_is_answered_and_the_server_lives(
    hosted: HostedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_engine: Engine, _pattern: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Engine, "clear_spectra", fail)
    told = get(hosted, "/spectcl/spectrum/zero", Accept="application/json")
    assert told.json["error"]["code"] == told.status == 500
    assert get(hosted, "/spectcl/version").status == 200


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"bind": "0.0.0.0"}, r"endpoints\.spectcl: bind: other hosts reach 0\.0\.0\.0.*peers"),
        ({"peers": ["10.0.0.0/33"]}, "no network"),
        ({"peers": ["daq1"]}, "no network"),
    ],
)
def test_a_server_for_all_the_world_is_refused(
    tmp_path: Path, endpoint: dict[str, Any], says: str
) -> None:
    table = {"home": str(tmp_path), "endpoints": {"spectcl": {"port": 0, **endpoint}}}
    with pytest.raises((ConfigError, EndpointError), match=says):
        with HostedBank("histogrammer", table, folder=tmp_path):
            pass


def test_another_kind_of_bank_has_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(BankStartError, match="is no histogrammer"):
        with HostedBank(PublishingBank, {"endpoints": {"spectcl": {"port": 0}}}, folder=tmp_path):
            pass


def test_a_bank_that_others_call_serves_requests_to_its_own_host_only(tmp_path: Path) -> None:
    for peers, address in ([], "127.0.0.1"), (["192.168.0.0/16"], "0.0.0.0"):
        table = {
            "home": str(tmp_path),
            "bind": "0.0.0.0",
            "endpoints": {"spectcl": {"port": 0, "peers": peers}},
        }
        with HostedBank("histogrammer", table, folder=tmp_path) as hosted:
            assert hosted.endpoints["spectcl"].startswith(f"http://{address}:")


def test_a_request_ends_the_program_after_its_answer(tmp_path: Path) -> None:
    table = {"home": str(tmp_path), "endpoints": {"rest": {"kind": "spectcl", "port": 0}}}
    with HostedBank("histogrammer", table, folder=tmp_path) as hosted:
        answer = get(hosted, "/spectcl//exit")
        assert answer.json == {"status": "OK", "detail": ""}
        assert hosted.host.wait()  # as for who is asked to end, not as for who failed
    assert not list(tmp_path.glob(".tmp*"))


def test_a_bank_with_the_flavor_of_spectcl_is_one_for_its_clients_and_draws(tmp_path: Path) -> None:
    table = {
        "home": str(tmp_path),
        "shm_mbytes": 1,
        "roots": [str(tmp_path)],
        "threads": 1,
        "flavor": "spectcl",
        "endpoints": {"rest": {"kind": "spectcl", "port": 0}},
    }
    with HostedBank("histogrammer", table, folder=tmp_path) as spectcl:
        assert detail_of(spectcl, "version")["program_name"] == "SpecTcl"
        detail_of(spectcl, "/parameter/create?name=p1&low=0&high=1024&bins=1024&units=mm")
        told = get(spectcl, "/spectcl/parameter/create?name=p2&low=0")
        assert (told.status, told.json) == (
            200,
            {"status": "missing parameter", "detail": "high"},
        )
        twice = "pseudo=twice&parameter=p1&computation=2*$p1"
        assert detail_of(spectcl, f"pseudo/create?{twice}") == ""
        assert [one["name"] for one in detail_of(spectcl, "pseudo/list")] == ["twice"]
        paths = get(spectcl, "/openapi.json").json["paths"]
        assert paths["/spectcl/pseudo/create"]["get"]["summary"].startswith("Create a parameter")
        axes = "axes={0%201024%2064}"
        assert detail_of(spectcl, f"spectrum/create?name=h&type=1&parameters=twice&{axes}") == ""
        pytest.importorskip("matplotlib")
        answer = get(spectcl, "/pictures/spectrum?name=h&width=200&height=100")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        assert answer.body.startswith(b"\x89PNG")
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert get(spectcl, "/spectcl/pictures/spectrum?name=h").status == 404
        assert get(spectcl, "/pictures/spectrum?name=no").status == 404
