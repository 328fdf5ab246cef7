"""Every capability of RMIF, by its row of the table in docs/explanation/channels.md, at one Player."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from support.free_ports import range_with_its_first_taken
from support.player_run import poll
from support.toy_bank import ToyBank

from dealer import Dealer
from player.endpoints.rpc import RpcEndpoint
from player.ports import address_of_device, port_of
from player.tables import RemoteConfig
from player.testing import HostedBank
from zmqjsonproxy import command
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.channels import LinkSettings, message, pipe, published
from zmqjsonproxy.controllog import CONTROL
from zmqjsonproxy.errors import RefusedError

WITHIN = 30.0
POINTS = 2048


class Radio(ToyBank):
    """A Bank with one property of each kind."""

    freq = published(100.0, unit="MHz", writable=True)
    note = published("", writable=True)
    tripped = message(doc="It was switched off.")
    wave = pipe(unit="V")

    @freq.checked_by
    def _check_freq(self, value: float) -> float:
        if value < 0:
            raise RefusedError("freq: below 0")
        return round(value)

    @command
    def emit(self, number: int) -> None:
        """Publish a frame with one peak."""
        frame = np.zeros(POINTS, np.int16)
        frame[number] = 1000
        self.wave(frame)

    @command
    def trip(self, client: str) -> None:
        """Publish a message for all, or for one client."""
        self.tripped(to="all") if not client else self.tripped.to(client, to=client)

    @command
    def trip_me(self) -> None:
        """Publish a message for whoever calls."""
        self.tripped.to(current_caller(), to="caller")


@pytest.fixture(scope="module")
def radio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedBank]:
    folder = tmp_path_factory.mktemp("radio")
    (folder / "world.prm").write_bytes(bytes(range(256)) * 40)
    endpoints = {"http": {"port": 0, "areas": ["DAT"]}}
    tables = {"files": {"DAT": str(folder)}, "endpoints": endpoints}
    with HostedBank(Radio, tables) as hosted:
        yield hosted


@pytest.fixture
def d(radio: HostedBank) -> Iterator[Dealer]:
    with Dealer(radio.players) as made:
        yield made


def test_row_1_four_kinds_are_exported(radio: HostedBank) -> None:
    kinds = {each["name"]: each["kind"] for each in radio.proxy.list_properties()}
    wanted = {"freq": "result", "tripped": "message", "wave": "pipe"}
    assert wanted.items() <= kinds.items()
    with Dealer(radio.players) as d:
        assert [area["name"] for area in d.BANKA.files.areas()] == ["DAT"]


def test_row_2_results_are_read_and_written_without_a_subscription(radio: HostedBank) -> None:
    assert radio.proxy.set_properties(freq=7.0, note="a") == {"freq": 7, "note": "a"}
    assert radio.proxy.get_properties("freq", "note") == {"freq": 7, "note": "a"}
    with pytest.raises(RefusedError):
        radio.proxy.set_properties(note="b", freq=-1.0)
    assert radio.proxy.get_properties("note") == {"note": "a"}


def test_row_3_what_is_exported_is_listed(radio: HostedBank) -> None:
    told = {each["name"]: each for each in radio.proxy.list_properties()}
    assert (told["freq"]["unit"], told["freq"]["writable"]) == ("MHz", True)


def test_row_4_a_channel_has_the_present_value_then_changes_and_every_acknowledgement(
    d: Dealer, radio: HostedBank
) -> None:
    radio.proxy.set_properties(freq=1.0)
    with d.subscribe("freq") as sub:
        assert sub.next(WITHIN).value == 1
        radio.proxy.set_properties(freq=1.0)  # nothing changes, and it is acknowledged
        update = sub.next(WITHIN)
        assert (update.value, update.lost) == (1, 0)
        sub.modify("note")
        sub.wait_for(lambda u: u.name == "note", WITHIN)


def test_row_5_many_remotes_write_into_one_pipe(radio: HostedBank) -> None:
    with HostedBank(Radio, name="OTHER") as other:
        each = {"properties": ["freq", "wave"], "into": "all"}
        remotes = {hosted.name: {"url": hosted.url, **each} for hosted in (radio, other)}
        with HostedBank(Radio, {"remotes": remotes}, name="BOTH") as both:
            with Dealer(both.players) as d, d.subscribe(["freq@all", "wave@all"]) as sub:
                sub.wait_for(lambda u: u.name == "freq@all" and u.number >= 2, WITHIN)
                for hosted in (radio, other):
                    hosted.proxy.emit(5)
                    sub.wait_for(
                        lambda u, name=hosted.name: u.kind == "pipe" and u.value["remote"] == name,
                        WITHIN,
                    )


def test_row_6_connections_are_opened_and_closed_by_hand_at_once(d: Dealer) -> None:
    for _ in range(3):
        with d.subscribe("freq") as sub:
            sub.next(WITHIN)
            assert [event.kind for event in sub.events] == ["opened"]


def test_row_7_a_permanent_connection_is_made_anew(radio: HostedBank) -> None:
    wire = radio.wire()
    remotes = {"radio": {"url": wire.url, "properties": ["freq"]}}
    with HostedBank(Radio, {"remotes": remotes}, name="FOLLOWS") as follows:
        with Dealer(follows.players) as d, d.subscribe("@radio") as sub:
            sub.wait_for(lambda u: not u.value["stale"], WITHIN)
            wire.cut()
            sub.wait_for(lambda u: not u.value["stale"] and u.value["reopened"], WITHIN)


def test_row_8_a_peer_that_says_nothing_is_stale_until_it_answers(radio: HostedBank) -> None:
    wire, watch = radio.wire(), LinkSettings(ping_every=0.05, timeout=0.2)
    with Dealer({"BANKA": wire.url}, watch=watch) as d, d.subscribe("freq") as sub:
        sub.next(WITHIN)
        wire.stop()
        poll(lambda: sub.is_stale, "silence")
        wire.up()
        poll(lambda: not sub.is_stale, "answers")


def test_row_9_control_messages_are_acknowledged_and_of_any_size(radio: HostedBank) -> None:
    text = "x" * 200_000  # six packets of RMIF
    assert radio.proxy.set_properties(note=text) == {"note": text}
    radio.proxy.set_properties(note="")


def test_row_10_each_connection_has_settings_of_its_own() -> None:
    table = {"url": "tcp://h:1", "properties": ["x"], "ping_every": 3.0, "drop_after": 60.0}
    settings = RemoteConfig.model_validate(table).link_settings("BANKA")
    assert settings == LinkSettings(ping_every=3.0, drop_after=60.0, name="BANKA")


def test_row_11_a_free_port_is_searched_and_told() -> None:
    with zmq.Context() as context, range_with_its_first_taken(3) as port:
        url = f"tcp://127.0.0.1:{port}-{port + 2}"
        endpoint = RpcEndpoint(context, url, name="BANKA", on_end=lambda _reason: None)
        assert port < port_of(endpoint.url) <= port + 2
        endpoint.close()


def test_row_12_plots_get_no_more_points_than_they_show_and_every_peak(
    d: Dealer, radio: HostedBank
) -> None:
    with d.subscribe("wave", width=300) as sub:
        radio.proxy.emit(1234)
        frame = sub.wait_for(lambda u: max(u.value["upper"]) == 1000, WITHIN).value
        assert len(frame["lower"]) == len(frame["upper"]) == 300
        sub.modify(window=(1200, 1300))
        frame = sub.wait_for(lambda u: "data" in u.value, WITHIN).value
        assert (len(frame["data"]), int(np.argmax(frame["data"]))) == (100, 34)


def test_row_13_files_are_transferred_whole_by_range_and_paced(d: Dealer, tmp_path: Path) -> None:
    whole = d.BANKA.fetch("DAT/world.prm", tmp_path / "whole", rate=1e8)
    part = d.BANKA.fetch("DAT/world.prm", tmp_path / "part", part=(256, 511))
    assert whole.path.read_bytes()[256:512] == part.path.read_bytes() == bytes(range(256))


def test_row_14_a_browser_has_controls_query_and_files(radio: HostedBank) -> None:
    def page(path: str) -> bytes:
        with urllib.request.urlopen(radio.endpoints["http"] + path, timeout=WITHIN) as answer:
            return bytes(answer.read())

    assert b"freq" in page("Controls")
    assert b"freq" in page("Query?pattern=f*")
    assert len(page("Files/DAT/world.prm")) == 256 * 40
    told = json.loads(page("api/properties"))
    assert "freq" in json.dumps(told)


def test_row_15_clients_have_names_and_messages_reach_one_of_them(radio: HostedBank) -> None:
    patterns, named = ["freq", "tripped"], LinkSettings(name="left")
    with Dealer(radio.players, watch=named) as one, Dealer(radio.players) as other:
        with one.subscribe(patterns) as left, other.subscribe(patterns) as right:
            for sub in (left, right):
                assert sub.next(WITHIN).name == "freq"  # and with it the message is subscribed to
            radio.proxy.trip("left")
            radio.proxy.trip_me()  # a subscriber without a name has that of its process
            radio.proxy.trip("")
            assert [left.next(WITHIN).value["to"] for _ in range(2)] == ["left", "all"]
            assert [right.next(WITHIN).value["to"] for _ in range(2)] == ["caller", "all"]
            assert left.lost == right.lost == 0
            with pytest.raises(RefusedError, match=r"no client 'lift' .* did you mean left"):
                radio.proxy.trip("lift")


def test_row_16_a_handler_changes_what_is_acknowledged_and_names_are_given(
    radio: HostedBank,
) -> None:
    assert radio.proxy.set_properties(freq=9.6) == {"freq": 10}
    remotes = {"radio": {"url": radio.url, "properties": ["sky=freq"]}}
    with HostedBank(Radio, {"remotes": remotes}, name="NAMED") as named:
        with Dealer(named.players) as d, d.subscribe("sky@radio") as sub:
            assert sub.wait_for(lambda u: u.value == 10, WITHIN).name == "sky@radio"


def test_row_17_activity_is_logged_and_connections_are_counted(
    d: Dealer, radio: HostedBank, caplog: pytest.LogCaptureFixture
) -> None:
    radio.proxy.set_log_level("debug", CONTROL)
    try:
        with d.subscribe("subscribers") as sub:
            assert sub.next(WITHIN).value >= 1
            radio.proxy.set_properties(freq=3.0)
        poll(lambda: "unsubscribes from" in caplog.text, "the end of a subscription")
    finally:
        logging.getLogger(CONTROL).setLevel(logging.NOTSET)
    for said in ("hello of ", "subscribes to [['bank', 'subscribers'", "sets {'freq': 3}"):
        assert said in caplog.text


def test_row_18_an_interface_stands_for_its_address() -> None:
    assert address_of_device("lo") == "127.0.0.1"
    with zmq.Context() as context:
        endpoint = RpcEndpoint(context, "tcp://lo:*", name="BANKA", on_end=lambda _reason: None)
        assert endpoint.url.startswith("tcp://127.0.0.1:")
        endpoint.close()


def test_row_19_a_subscription_stays_the_same_over_a_reconnection(radio: HostedBank) -> None:
    wire = radio.wire()
    with Dealer({"BANKA": wire.url}) as d, d.subscribe("note") as sub:
        sub.next(WITHIN)
        wire.cut()
        poll(lambda: sub.reopened == 1, "the connection")
        radio.proxy.set_properties(note="again")
        assert sub.wait_for(lambda u: u.value == "again", WITHIN).lost == 0


def test_every_row_of_the_table_has_a_test() -> None:
    rows = sorted(int(name.split("_")[2]) for name in globals() if name.startswith("test_row_"))
    assert rows == list(range(1, 20))
