"""The configuration: every fault at once, each with its line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dealer.players import players_of_file
from player.config import data_root, dibas_dir, find_file, load, state_dir
from player.effective import Flags, settings_of
from player.errors import ConfigError
from player.tables import Config

TOY = 'kind = "support.toy_bank:ToyBank"\n'


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "dibas.toml"
    path.write_text(text)
    return load(path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as found:
        read(tmp_path, text)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in found.value.faults]


def test_all_faults_are_listed_with_their_lines(tmp_path: Path) -> None:
    text = """\
[instrument]
player_port = 70000
telescop = "SHAO"
switching_master = "BANKX"
bind = "two words"

[dealer]
players = ["BANKA", "BANKZ"]

[banks.BANKA]
kind = "support.toy_bank:ToyBank"

[banks.banka]
kind = "support.toy_bank:ToyBank"
hpc_host = ""
player_port = "6667"

[banks.CHECK]
kind = "support.toy_bank:ToyBank"
hpc_host = "c"

[banks.BANKC]
kind = "no_such_kind"
hpc_host = "d"

[dishes]
"""
    assert faults(tmp_path, text) == [
        "dibas.toml:2: instrument.player_port: input should be less than or equal to 65535; found 70000",
        "dibas.toml:3: instrument.telescop: unknown key; did you mean telescope?",
        "dibas.toml:4: instrument.switching_master: BANKX is no Bank of this file",
        "dibas.toml:5: instrument.bind: 'two words' is no address; write one as 127.0.0.1, "
        "or 0.0.0.0 for all of this host",
        "dibas.toml:8: dealer.players[1]: BANKZ is no Bank of this file",
        "dibas.toml:10: banks.BANKA.hpc_host: missing",
        "dibas.toml:13: banks.banka: a Bank's name is upper case: A-Z, 0-9 and _",
        "dibas.toml:15: banks.banka.hpc_host: string should have at least 1 character; found ''",
        "dibas.toml:16: banks.banka.player_port: input should be a valid integer; found '6667'",
        "dibas.toml:18: banks.CHECK: check is a command of `player`, not a Bank's name",
        "dibas.toml:23: banks.BANKC.kind: kind 'no_such_kind': no such kind of Bank; there are difx, "
        "histogrammer, spectrometer",
        "dibas.toml:26: dishes: unknown table or key",
    ]


def test_a_kind_checks_its_own_keys_tables_and_rules(tmp_path: Path) -> None:
    kind = 'kind = "support.toy_bank:CheckedBank"\nhpc_host = "a"\n'
    good = read(tmp_path, f"[gains]\nlimit = 3\n[banks.BANKA]\n{kind}gain = 3\n")
    assert good.sections == {"gains": {"limit": 3}}
    assert faults(tmp_path, f"[gains]\nlimit = 3\n[banks.BANKA]\n{kind}gain = 4\n") == [
        "dibas.toml:6: banks.BANKA.gain: 4 is above the limit of 3"
    ]
    assert faults(tmp_path, f'[gains]\nlimit = "x"\n[banks.BANKA]\n{kind}gain = 4\n') == [
        "dibas.toml:2: gains.limit: input should be a valid integer, unable to parse string as an integer; found 'x'"
    ]
    assert faults(tmp_path, f"[banks.BANKA]\n{kind}gains = 4\n") == [
        "dibas.toml:4: banks.BANKA.gains: unknown key; did you mean gain?"
    ]


def test_areas_are_those_of_the_bank_then_of_the_instrument(tmp_path: Path) -> None:
    text = f"""\
[instrument.files]
DATA = "${{WHERE:-/data}}"
LOGS = "logs"
[banks.BANKA]
{TOY}hpc_host = "a"
files = {{ MINE = "~/mine", LOGS = "/var/log" }}
[banks.BANKB]
{TOY}hpc_host = "b"
"""
    config = read(tmp_path, text)
    assert list(config.areas("BANKA").items()) == [
        ("MINE", Path("~/mine").expanduser()),
        ("LOGS", Path("/var/log")),
        ("DATA", Path("/data")),
    ]
    assert config.areas("BANKB") == {"DATA": Path("/data"), "LOGS": tmp_path / "logs"}
    assert read(tmp_path, f'[banks.BANKA]\n{TOY}hpc_host = "a"\n').areas("BANKA") == {}


def test_areas_are_checked_with_line_and_key(tmp_path: Path) -> None:
    text = f"""\
[instrument.files]
"a/b" = "/x"
DATA = "${{NO_SUCH_VARIABLE}}"
[banks.BANKA]
{TOY}hpc_host = "a"
files = {{ "" = "x", MINE = 3, OTHER = "" }}
"""
    found = faults(tmp_path, text)
    assert found[0].startswith(
        "dibas.toml:2: instrument.files.a/b: 'a/b' is no name of an area; write"
    )
    assert found[1].startswith(
        "dibas.toml:3: instrument.files.DATA: the variable NO_SUCH_VARIABLE is not set"
    )
    assert [each.partition(": ")[0] for each in found[2:]] == ["dibas.toml:7"] * 3
    assert found[3].endswith("banks.BANKA.files.MINE: input should be a valid string; found 3")


def test_a_switching_master_and_ports_are_checked_across_tables(tmp_path: Path) -> None:
    text = f"""\
[instrument]
switching_master = "BANKX"
[dealer]
players = ["BANKA", "BANKA"]
[banks.BANKA]
{TOY}hpc_host = "h"
[banks.BANKB]
{TOY}hpc_host = "h"
player_port = 6667
"""
    assert faults(tmp_path, text) == [
        "dibas.toml:2: instrument.switching_master: BANKX is no Bank of this file",
        "dibas.toml:4: dealer.players: a Player is named twice",
        "dibas.toml:11: banks.BANKB.player_port: port 6667 of host h is BANKA's already",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "dibas.toml: banks: no Bank is configured: [banks.<NAME>] is missing"),
        ("banks = 3", "dibas.toml:1: banks: not a table but 3"),
        ("[banks]\nBANKA = 3", "dibas.toml:2: banks.BANKA"),
        ("[banks.BANKA\n", "dibas.toml:1: not TOML: "),
        ("a = 1\na = 2\n", "dibas.toml:2: a: is there twice; first in line 1"),
    ],
)
def test_what_is_no_configuration_is_one_fault(text: str, fault: str, tmp_path: Path) -> None:
    found = faults(tmp_path, text)
    assert found[0].startswith(fault), found


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    for path, text in [
        (tmp_path / "none", "cannot be read: No such file or directory"),
        (tmp_path, r"a directory without any \*.toml; expected at least one"),
    ]:
        with pytest.raises(ConfigError, match=text):
            load(path)
    (tmp_path / "latin").write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(ConfigError, match="latin:2: not UTF-8 text"):
        load(tmp_path / "latin")


def test_all_paths_are_absolute_however_they_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("etc").mkdir()
    file = Path("etc/dibas.toml")
    file.write_text(
        '[instrument]\ndata_root = "data"\nfile_roots = ["pars"]\n[banks.BANKA]\nhpc_host = "h"\n'
        + TOY
    )
    for given in (file, Path("etc/../etc/dibas.toml"), Path("etc")):
        config = load(given)
        root = data_root(config, {})
        paths = [config.path, config.directory, root, *config.file_roots(root)]
        assert all(path.is_absolute() and ".." not in path.parts for path in paths), paths
    assert (root, config.file_roots(root)) == (
        tmp_path / "etc" / "data",
        (tmp_path / "etc" / "pars",),
    )
    assert data_root(config, {"DIBAS_DATA": "d"}) == tmp_path / "d"
    assert dibas_dir({"DIBAS_DIR": "inst"}) == tmp_path / "inst"
    assert state_dir({"XDG_STATE_HOME": "s"}) == tmp_path / "s" / "dealer-player"
    assert state_dir({"STATE_DIRECTORY": "s:t"}) == tmp_path / "s"
    shown = {
        one.key: one.value for one in settings_of(config, "BANKA", Flags(), {"DIBAS_DIR": "inst"})
    }
    assert (shown["config"], shown["data_root"], shown["dibas_dir"]) == (
        str(tmp_path / "etc"),
        str(tmp_path / "etc" / "data"),
        str(tmp_path / "inst"),
    )


def test_banks_of_a_host_share_a_range_in_which_no_other_port_is(tmp_path: Path) -> None:
    text = f"""\
[instrument]
player_port = "7000-7010"
[banks.BANKA]
{TOY}hpc_host = "h"
[banks.BANKB]
{TOY}hpc_host = "h"
[banks.BANKC]
{TOY}hpc_host = "other"
player_port = 7003
"""
    config = read(tmp_path, text)
    assert config.url("BANKA") == config.url("BANKB") == "tcp://127.0.0.1:7000-7010"
    assert config.url("BANKB", "::1") == "tcp://[::1]:7000-7010"
    (fault,) = faults(tmp_path, text.replace("other", "h"))
    told = "banks.BANKC.player_port: the Player of BANKA may take port 7003 of host h"
    assert told in fault
    (fault,) = faults(tmp_path, text.replace("7010", "8000"))
    assert "at most 100 ports" in fault


REMOTE = 'url = "tcp://weather:6667"\nproperties = ["wind"]\n'


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('properties = ["wind"]', ': say which Player: bank = "BANKB", or url = "tcp://HOST:PORT"'),
        (REMOTE + 'bank = "BANKB"', ': say which Player: bank = "BANKB", or url'),
        (
            REMOTE.replace("6667", "*"),
            ".url: 'tcp://weather:*': a port to connect to is a number from 1",
        ),
        (REMOTE.replace("tcp", "http"), ".url: 'http://weather:6667' is not tcp://HOST:PORT"),
        (
            REMOTE.replace("wind", "w@b"),
            ".properties[0]: 'w@b': what a Player publishes of others is not followed",
        ),
        (REMOTE.replace('"wind"', ""), ".properties: list should have at least 1 item"),
        (REMOTE + "timeout = 0", ": timeout: 0.0 is no time above 0, s"),
        (REMOTE + "rate = 1e9", ": rate: 1000000000.0 is not within 0.001..1000"),
        (REMOTE + "ratte = 1", ".ratte: unknown key; did you mean rate?"),
        (
            'bank = "BANKX"\nproperties = ["wind"]',
            ".bank: BANKX is no Bank of this file; did you mean BANKB?",
        ),
        ('bank = "BANKA"\nproperties = ["wind"]', ".bank: BANKA is this Bank itself"),
    ],
)
def test_a_bad_table_of_a_remote_is_told(tmp_path: Path, table: str, told: str) -> None:
    text = f"""\
[banks.BANKA]
{TOY}hpc_host = "a"
[banks.BANKB]
{TOY}hpc_host = "b"
[banks.BANKA.remotes.weather]
{table}
"""
    (fault,) = faults(tmp_path, text)
    assert f"banks.BANKA.remotes.weather{told}" in fault


def test_a_remote_is_found_as_a_dealer_finds_it(tmp_path: Path) -> None:
    text = f"""\
[instrument]
bind = "0.0.0.0"
[banks.BANKA]
{TOY}hpc_host = "a"
[banks.BANKB]
{TOY}hpc_host = "b"
player_port = "7000-7010"
[banks.BANKC]
{TOY}hpc_host = "c"
player_port = "service:"
[banks.BANKD]
{TOY}hpc_host = "d"
bind = "10.0.0.4"
[banks.BANKD.remotes.weather]
url = "service:WEATHER@hpc9"
properties = ["wind"]
"""
    config = read(tmp_path, text)
    players = players_of_file(tmp_path / "dibas.toml")
    assert {bank: config.reached_at(bank) for bank in players} == players
    assert players["BANKB"] == "ports://b:7000-7010/BANKB"
    assert config.banks["BANKD"].remotes["weather"].url == "service://hpc9:30000/WEATHER"


def test_ports_and_addresses_have_their_precedence(tmp_path: Path) -> None:
    text = f"""\
[instrument]
player_port = 7000
bind = "10.0.0.1"
insecure = true
[banks.BANKA]
{TOY}hpc_host = "a"
[banks.BANKB]
{TOY}hpc_host = "b"
player_port = 7001
bind = "::"
"""
    config = read(tmp_path, text)
    assert config.url("BANKA") == "tcp://10.0.0.1:7000"
    assert config.url("BANKB") == "tcp://[::]:7001"
    assert config.url("BANKB", "127.0.0.1") == "tcp://127.0.0.1:7001"
    assert config.bank_hosts == {"BANKA": "a", "BANKB": "b"}
    assert [str(warning).removeprefix(f"{tmp_path}/") for warning in config.warnings] == [
        "dibas.toml:3: instrument.bind: 10.0.0.1 is open to the network, and nothing asks callers who they are",
        "dibas.toml:12: banks.BANKB.bind: :: is open to the network, and nothing asks callers who they are",
    ]


def test_the_default_is_the_loopback_address_and_the_port_of_the_original(tmp_path: Path) -> None:
    config = read(tmp_path, f'[banks.BANKA]\n{TOY}hpc_host = "a"\n')
    assert config.url("BANKA") == "tcp://127.0.0.1:6667"
    assert config.warnings == ()


def test_toml_that_only_newer_readers_know_is_warned_of(tmp_path: Path) -> None:
    config = read(
        tmp_path, f'[instrument]\ntelescope = "\\e"\n[banks.BANKA]\n{TOY}hpc_host = "a"\n'
    )
    assert "TOML 1.1" in str(config.warnings[0])


FLAG, CONF, DIR = Path("/flag.toml"), {"DIBAS_CONFIG": "/conf.toml"}, {"DIBAS_DIR": "/dibas"}


@pytest.mark.parametrize(
    ("flag", "environment", "path"),
    [
        (FLAG, {**CONF, **DIR}, "/flag.toml"),
        (None, {**CONF, **DIR}, "/conf.toml"),
        (None, DIR, "/dibas/etc/config/dibas.toml"),
        (None, {**DIR, "DIBAS_CONFIG": ""}, "/dibas/etc/config/dibas.toml"),
    ],
)
def test_the_file_is_searched_flag_first(
    flag: Path | None, environment: dict[str, str], path: str
) -> None:
    assert find_file(flag, environment) == Path(path)


def test_no_file_at_all_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="give --config, or set DIBAS_CONFIG or DIBAS_DIR"):
        find_file(None, {})
