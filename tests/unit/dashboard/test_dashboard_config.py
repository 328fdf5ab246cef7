"""Configuration of the dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config import Array, read_array
from dealer.errors import ConfigurationError
from player.config import load

FILE = """
[instrument]
telescope = "GBT"
keys = true
portmanager = "localhost:31000"

[dashboard]
name = "GBT VEGAS"
colour = "#204a87"
zone = "America/New_York"
longitude = -79.84
hosts = ["vegas.example.org"]

[banks.BANKA]
kind = "support.toy_bank:ToyBank"
hpc_host = "hpc1"

[banks.BANKB]
kind = "support.toy_bank:ToyBank"
hpc_host = "hpc2"
bind = "0.0.0.0"

[hosts.hpc1]
supervisor = "unix:///run/supervisor.sock"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "dibas.toml"
    made.write_text(FILE)
    return made


def test_the_file_tells_of_site_banks_and_hosts(path: Path) -> None:
    array = read_array(path)
    assert list(array.urls) == ["BANKA", "BANKB"]
    assert array.hosts == {"BANKA": "hpc1", "BANKB": "hpc2"}
    assert (array.site.name, array.site.colour) == ("GBT VEGAS", "#204a87")
    assert (array.site.zone, array.site.longitude) == ("America/New_York", -79.84)
    assert (array.telescope, array.portmanager) == ("GBT", "localhost:31000")
    assert array.key_dir == path.parent / "keys"
    assert array.installation is not None
    assert list(array.installation.supervisors) == ["hpc1"]


def test_a_player_accepts_the_table_too(path: Path) -> None:
    assert load(path).dashboard.name == "GBT VEGAS"


def test_a_file_that_says_little_has_defaults(tmp_path: Path) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text('[banks.BANKA]\nhpc_host = "localhost"\n')
    array = read_array(path)
    assert (array.site.name, array.telescope, array.installation) == ("", "", None)
    assert array.site.zone is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('colour = "red"', "dashboard.colour"),
        ('zone = "../x y"', "dashboard.zone"),
        ("longitude = 400", "dashboard.longitude"),
        ('hosts = ["a/b"]', "dashboard.hosts"),
        ('certificate_key = "key.pem"', "name its certificate"),
        ("viewers = 5", "dashboard.viewers"),
        ('origins = ["https://a.example/vegas"]', "without a path"),
        ('origins = ["*"]', "no origin"),
        ('proxies = ["10.0.0.1"]', "no loopback address"),
        ('prefix = "vegas/"', "dashboard.prefix"),
    ],
)
def test_faults_are_named(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text(f'[dashboard]\n{line}\n[banks.BANKA]\nhpc_host = "localhost"\n')
    with pytest.raises(ConfigurationError, match=fault):
        read_array(path)


@pytest.mark.parametrize(
    ("keys", "insecure", "address", "demanded"),
    [
        (False, False, "127.0.0.1", False),
        (True, False, "127.0.0.1", True),
        (False, False, "10.0.0.1", True),
        (False, True, "10.0.0.1", False),
        (False, False, "0.0.0.0", True),
    ],
)
def test_people_log_in_where_players_would_ask_for_keys(
    keys: bool, insecure: bool, address: str, demanded: bool
) -> None:
    array = Array(urls={}, keys=keys, insecure=insecure)
    assert array.demands_keys(address) is demanded


def test_origins_are_as_browsers_send_them(tmp_path: Path) -> None:
    path = tmp_path / "dibas.toml"
    origins = '["https://Vegas.Example.org:443", "http://h:80", "https://h:8443"]'
    path.write_text(
        f'[dashboard]\norigins = {origins}\nproxies = ["::ffff:127.0.0.1"]\n'
        '[banks.BANKA]\nhpc_host = "localhost"\n'
    )
    site = read_array(path).site
    assert site.origins == ["https://vegas.example.org", "http://h", "https://h:8443"]
    assert site.proxies == ["127.0.0.1"]
