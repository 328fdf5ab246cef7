"""Players that follow others, and publish again what comes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
from support.free_ports import range_with_its_first_taken
from support.toy_bank import ToyBank

from dealer import Dealer
from player.config import load
from player.host import Host
from player.testing import HostedBank
from zmqjsonproxy import command
from zmqjsonproxy.channels import message, pipe, published


class Station(ToyBank):
    """Publishes what others follow."""

    wind = published(1.5, unit="m/s", doc="Ten metres above ground.", writable=True)
    storm = message(doc="It is too strong.")
    trace = pipe(unit="V")

    @command
    def send(self, number: int) -> None:
        """Publish a frame and a message."""
        self.trace(np.arange(number))
        self.storm(number=number)


def following(*stations: HostedBank, **more: object) -> dict[str, object]:
    """Return the tables of a Player that follows others."""
    each = {"properties": ["*", "speed=wind"], "ping_every": 0.2, "timeout": 5.0, **more}
    return {"remotes": {s.name.lower(): {"url": s.url, **each} for s in stations}}


def test_what_a_remote_publishes_has_its_name_unit_and_time_here() -> None:
    with HostedBank(Station, name="BANKW") as station:
        with HostedBank(Station, following(station)) as follower, Dealer(follower.players) as d:
            with d.subscribe(["wind@bankw", "speed@bankw"]) as sub:
                sub.wait_for(lambda u: u.value == 1.5, 30)
                station.proxy.set_properties(wind=9.5)
                got = {sub.wait_for(lambda u: u.value == 9.5, 30).name for _ in range(2)}
                assert got == {"wind@bankw", "speed@bankw"}
            told = {each["name"]: each for each in follower.proxy.list_properties()}
            assert told["wind@bankw"]["unit"] == "m/s"
            (original,) = (p for p in station.proxy.list_properties() if p["name"] == "wind")
            assert told["speed@bankw"]["time"] == original["time"]
            assert follower.proxy.get_properties("wind") == {"wind": 1.5}


def test_many_remotes_write_into_one_pipe_and_frames_say_of_whom() -> None:
    with HostedBank(Station, name="ONE") as one, HostedBank(Station, name="TWO") as two:
        settings = following(one, two, into="site", properties=["wind", "trace", "storm"])
        with HostedBank(Station, settings) as follower, Dealer(follower.players) as d:
            with d.subscribe(["wind@site", "trace@site", "storm@site"]) as sub:
                sub.wait_for(lambda u: u.number == 2, 30)  # both have said all that they had
                one.proxy.send(3)
                frame = sub.wait_for(lambda u: u.kind == "pipe", 30).value
                assert (frame["remote"], list(frame["data"])) == ("one", [0, 1, 2])
                two.proxy.send(4)
                frame = sub.wait_for(lambda u: u.kind == "pipe", 30).value
                assert (frame["remote"], list(frame["data"])) == ("two", [0, 1, 2, 3])
                storm = sub.wait_for(lambda u: u.kind == "message" and u.value["number"] == 4, 30)
                assert storm.value["remote"] == "two"


def test_a_remote_that_is_gone_is_stale_and_comes_back() -> None:
    with HostedBank(Station, name="BANKW") as station:
        wire = station.wire()
        settings = following(station)
        settings["remotes"]["bankw"]["url"] = wire.url
        with HostedBank(Station, settings) as follower, Dealer(follower.players) as d:
            with d.subscribe(["@bankw", "wind@bankw"]) as sub:
                sub.wait_for(lambda u: u.name == "wind@bankw", 30)
                wire.down()
                stale = sub.wait_for(lambda u: u.name == "@bankw" and u.value["stale"], 30)
                assert stale.value["url"] == wire.url
                wire.up()
                back = sub.wait_for(lambda u: u.name == "@bankw" and not u.value["stale"], 30)
                assert back.value["reopened"] == 1


def test_what_was_published_of_a_remote_is_not_followed() -> None:
    with HostedBank(Station, name="BANKW") as station:
        with HostedBank(Station, following(station)) as follower:
            with HostedBank(Station, following(follower), name="BANKV") as third:
                with Dealer(third.players) as d, d.subscribe("wind@banka") as sub:
                    sub.next(30)
                    names = [each["name"] for each in third.proxy.list_properties()]
                    assert not [name for name in names if name.count("@") > 1]
                    assert "wind@bankw" not in names


def test_two_banks_of_a_file_follow_each_other_and_do_not_run_away(tmp_path: Path) -> None:
    tables = """
        [banks.{}]
        kind = "{}:Station"
        hpc_host = "localhost"
        player_port = "{}-{}"
        [banks.{}.remotes.other]
        bank = "{}"
        properties = ["*"]
        """
    with range_with_its_first_taken(5) as port:
        pairs = [("BANKA", "BANKB"), ("BANKB", "BANKA")]
        path = tmp_path / "dibas.toml"
        each = (
            tables.format(one, Station.__module__, port, port + 4, one, other)
            for one, other in pairs
        )
        path.write_text(dedent("".join(each)))
        with Host(load(path), "BANKA") as first, Host(load(path), "BANKB") as second:
            first.open()
            second.open()
            with Dealer(config=path) as d:
                d.add_active_player("BANKA", "BANKB")
                with d.subscribe("wind@other") as sub:
                    assert {sub.next(30).source, sub.next(30).source} == {"BANKA", "BANKB"}
                told = d.list_properties()
        for properties in told.values():
            names = [each["name"] for each in properties]
            assert not [name for name in names if name.count("@") > 1]
            assert {"wind", "wind@other", "@other"} <= set(names)
