"""Options and environment of `difx-gateway`, and the configuration that they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateways.difx.cli import main
from gateways.difx.config import DifxBankConfig
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.options import PROGRAM, array_config
from gateways.difx.parsers import build_parser
from groundwork.peers import Peers
from groundwork.roles import Role
from player.errors import ConfigError

FILE = """
[banks.CORR]
kind = "difx"
hpc_host = "localhost"
player_port = 12345
root = "{root}"
base = "/scans"

[banks.CORR.endpoints.clients]
kind = "guiserver"
port = 50300
"""


def tables_of(
    *words: str, environment: dict[str, str] | None = None
) -> tuple[DifxBankConfig, GuiServerEndpointConfig]:
    """Return the tables of the Bank and of its endpoint."""
    options = build_parser().parse_args(words)
    config = array_config(options, environment or {})
    name = PROGRAM.bank_name(options, config.source.tables)
    bank = config.banks[name]
    endpoint = bank.endpoints[PROGRAM.endpoint_name(config.source.tables, name)]
    assert isinstance(bank, DifxBankConfig)
    assert isinstance(endpoint, GuiServerEndpointConfig)
    return bank, endpoint


def test_defaults_are_those_of_the_original_on_this_host_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    bank, endpoint = tables_of()
    assert (bank.base, bank.root) == ("", str(tmp_path))
    assert (endpoint.port, endpoint.bind) == (50200, None)
    assert endpoint.peers == []
    multicast = endpoint.multicast
    assert (multicast.enable, multicast.group, multicast.port) == (False, "224.2.2.1", 50200)


def test_the_environment_gives_ports_group_and_base() -> None:
    environment = {
        "DIFX_BASE": "/usr/local/difx",
        "DIFX_MESSAGE_GROUP": "224.2.2.9",
        "DIFX_MESSAGE_PORT": "50444",
    }
    bank, endpoint = tables_of(environment=environment)
    assert bank.base == "/usr/local/difx"
    assert (endpoint.port, endpoint.multicast.port) == (50444, 50444)
    assert endpoint.multicast.group == "224.2.2.9"
    bank, endpoint = tables_of(
        *("50201", "-b", "/own", "-mg", "224.2.2.3", "-mp", "50202"), environment=environment
    )
    assert (bank.base, endpoint.port) == ("/own", 50201)
    assert (endpoint.multicast.group, endpoint.multicast.port) == ("224.2.2.3", 50202)


@pytest.mark.parametrize(
    "words",
    [
        ("50300",),
        ("1", "2", "50300"),
        ("-mp", "7", "50300"),
        ("50300", "-mp", "7"),
        ("--multicastPort", "7", "1", "50300"),
        ("-b", "/x", "50300", "--base", "/y"),
    ],
)
def test_the_last_number_that_belongs_to_no_option_is_the_port(words: tuple[str, ...]) -> None:
    assert tables_of(*words)[1].port == 50300


@pytest.mark.parametrize("word", ["-h", "-help", "--help"])
def test_help_has_the_forms_of_the_original(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([word])
    assert ended.value.code == 0
    assert "--multicastGroup" in capsys.readouterr().out


def test_the_bridge_peers_and_rights_are_options() -> None:
    _, endpoint = tables_of("--bridge", "lo", "--peers", "10.0.0.0/8", "--service", "difx")
    assert (endpoint.multicast.enable, endpoint.multicast.interface) == (True, "lo")
    assert (endpoint.peers, endpoint.bind, endpoint.port) == (
        ["10.0.0.0/8=observe"],
        "0.0.0.0",
        "service:difx",
    )
    assert tables_of("--peers", "10.0.0.1=operate")[1].peers == ["10.0.0.1/32=operate"]
    read_only = Peers(tables_of("--read-only", "--peers", "10.0.0.1=operate")[1].peers)
    for address in ("10.0.0.1", "127.0.0.1", "127.0.0.2", "::1"):
        assert read_only.role(address) is Role.OBSERVE
    assert tables_of("--capture", "/tmp/packets")[1].capture == "/tmp/packets"


def test_options_win_over_the_file_and_the_file_over_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text(FILE.format(root=tmp_path))
    environment = {"DIFX_BASE": "/other", "DIFX_MESSAGE_PORT": "50444"}
    bank, endpoint = tables_of("--config", str(path), environment=environment)
    assert (bank.base, endpoint.port) == ("/scans", 50300)
    bank, endpoint = tables_of("--config", str(path), "50500", "--root", "/", "-b", "/own")
    assert (bank.root, bank.base, endpoint.port) == ("/", "/own", 50500)


FAULTS: list[tuple[list[str], dict[str, str], str]] = [
    ([], {"DIFX_MESSAGE_PORT": "many"}, "'many' is no port"),
    (["-b", "relative"], {}, "base"),
    (["-mg", "10.0.0.1"], {}, "neither a multicast group"),
    (["--bind", "0.0.0.0"], {}, "other hosts reach 0.0.0.0"),
    (["--root", "/none/such/folder"], {}, "does not exist"),
    (["--config", "/none.toml"], {}, "cannot be read"),
]


@pytest.mark.parametrize(("words", "environment", "told"), FAULTS)
def test_faults_are_lines_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    environment: dict[str, str],
    told: str,
) -> None:
    with pytest.raises(ConfigError) as found:
        tables_of(*words, environment=environment)
    assert told in str(found.value)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("difx-gateway: ")
