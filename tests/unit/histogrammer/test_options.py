"""Options and environment of `histogrammer`, and the configuration that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from histogrammer.cli import main
from histogrammer.config import HistogrammerBankConfig
from histogrammer.options import PROGRAM, array_config
from histogrammer.parsers import build_parser
from histogrammer.rest.endpoint import SpecTclEndpointConfig
from player.errors import ConfigError
from player.tables import Config

FILE = """
[instrument]
portmanager = "localhost:31999"
[banks.GAMMAS]
kind = "histogrammer"
hpc_host = "localhost"
player_port = 12345
shm_mbytes = 64
roots = ["data"]
"""


def config_of(*words: str, environment: dict[str, str] | None = None) -> tuple[Config, str, Any]:
    """Return configuration, name of the Bank, and URL."""
    options = build_parser().parse_args(words)
    config = array_config(options, environment or {})
    bank = PROGRAM.bank_name(options, config.source.tables)
    return config, bank, PROGRAM.served_url(options, config, bank)


def bank_of(
    *words: str, environment: dict[str, str] | None = None
) -> tuple[HistogrammerBankConfig, SpecTclEndpointConfig]:
    """Return the tables of the Bank and of its endpoint."""
    config, name, _ = config_of(*words, environment=environment)
    bank = config.banks[name]
    endpoint = bank.endpoints["spectcl"]
    assert isinstance(bank, HistogrammerBankConfig)
    assert isinstance(endpoint, SpecTclEndpointConfig)
    return bank, endpoint


def test_defaults_are_those_of_rustogramer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    bank, endpoint = bank_of()
    assert (bank.shm_mbytes, endpoint.port, bank.flavor) == (32, 8000, "rustogramer")
    assert (bank.home, bank.roots) == ("~", ["~", str(tmp_path)])
    assert (endpoint.peers, endpoint.bind) == ([], None)
    config, name, url = config_of()
    assert (name, url, config.bind(name)) == ("HISTOGRAMMER", "tcp://127.0.0.1:*", "127.0.0.1")


@pytest.mark.parametrize(
    "words", [["-s64"], ["-s", "64"], ["--shm-mbytes", "64"], ["--shm-mbytes=64"], ["--shm=64"]]
)
def test_an_option_has_all_its_forms(words: list[str]) -> None:
    assert bank_of(*words)[0].shm_mbytes == 64


def test_a_service_wins_over_a_port() -> None:
    assert bank_of("-r", "9100")[1].port == 9100
    assert bank_of("-r0")[1].port == 0
    assert bank_of("-r", "9100", "--rest-service", "RG REST")[1].port == "service:RG REST"


def test_address_and_peers_open_the_rest_server() -> None:
    loopback = {"ROCKET_ADDRESS": "127.0.0.2"}
    assert bank_of(environment=loopback)[1].bind == "127.0.0.2"
    endpoint = bank_of("--peers", "10.0.0.0/8", "--peers", "::1=admin")[1]
    assert (endpoint.peers, endpoint.bind) == (["10.0.0.0/8=observe", "::1/128=admin"], "0.0.0.0")
    assert bank_of("--peers", "10.1.2.3", environment=loopback)[1].bind == "127.0.0.2"


def test_options_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text(FILE)
    bank, endpoint = bank_of("--config", str(path))
    assert (bank.shm_mbytes, bank.roots, endpoint.port) == (64, ["data"], 8000)
    bank, endpoint = bank_of("--config", str(path), "-s", "1", "-r", "1", "--root", "/data")
    assert (bank.shm_mbytes, bank.roots, endpoint.port) == (1, ["/data"], 1)
    config, name, url = config_of("--config", str(path))
    assert (name, url) == ("GAMMAS", "tcp://127.0.0.1:12345")
    assert (config.manager.port, config.directory) == (31999, tmp_path)
    assert config_of("--config", str(path), "--bank", "other")[1] == "OTHER"
    address = config_of("--config", str(path), "--url", "service:")[2]
    assert address == "service://localhost:31999/GAMMAS"


def test_endpoint_of_another_name_is_the_one_that_options_speak_of(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text(FILE + '[banks.GAMMAS.endpoints.rest]\nkind = "spectcl"\nport = 9000\n')
    config, _, _ = config_of("--config", str(path), "--peers", "10.0.0.1")
    endpoints = config.banks["GAMMAS"].endpoints
    assert list(endpoints) == ["rest"]
    assert endpoints["rest"].model_dump(exclude={"hosts"}) | {"peers": 0} == {
        "kind": "spectcl",
        "port": 9000,
        "bind": "0.0.0.0",
        "peers": 0,
    }


def mirror_of(*words: str, environment: dict[str, str] | None = None) -> Any:
    """Return the table of the endpoint for mirrors; None: there is none."""
    config, name, _ = config_of(*words, environment=environment)
    return config.banks[name].endpoints.get("mirror")


def test_the_mirror_server_is_at_its_port_or_found_by_its_name() -> None:
    assert mirror_of().port == 8001
    assert (mirror_of().peers, mirror_of().bind) == ([], None)
    assert mirror_of("--mirror-port", "9101").port == 9101
    words = ["--mirror-port", "9101", "--mirror-service", "RG_MIRROR"]
    assert mirror_of(*words).port == "service:RG_MIRROR"
    assert bank_of(*words)[1].port == 8000
    opened = mirror_of("--peers", "10.0.0.0/8")
    assert (opened.peers, opened.bind) == (["10.0.0.0/8=observe"], "0.0.0.0")
    assert mirror_of(environment={"ROCKET_ADDRESS": "127.0.0.2"}).bind == "127.0.0.2"


def test_a_bank_of_a_file_has_a_mirror_server_if_file_or_options_say_so(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text(FILE)
    assert mirror_of("--config", str(path), "--peers", "10.0.0.1") is None
    assert mirror_of("--config", str(path), "--mirror-port", "0").port == 0
    path.write_text(FILE + '[banks.GAMMAS.endpoints.copies]\nkind = "mirror"\nport = 9001\n')
    config, _, _ = config_of("--config", str(path), "--peers", "10.0.0.1", "--mirror-port", "9002")
    endpoints = config.banks["GAMMAS"].endpoints
    assert sorted(endpoints) == ["copies", "spectcl"]
    assert endpoints["copies"].model_dump()["port"] == 9002
    assert endpoints["copies"].model_dump()["peers"] == ["10.0.0.1/32=observe"]


def test_the_display_memory_is_a_file_or_a_segment() -> None:
    assert bank_of()[0].shm_kind == "file"
    assert bank_of("--memory-kind", "sysv")[0].shm_kind == "sysv"


def test_of_several_histogrammers_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    second = '[banks.B]\nkind = "histogrammer"\nhpc_host = "localhost"\n'
    path.write_text(FILE + second)
    with pytest.raises(ConfigError, match=r"several histogrammers, GAMMAS, B: name one, --bank"):
        config_of("--config", str(path))
    assert config_of("--config", str(path), "--bank", "b")[1] == "B"


FAULTS = [
    (["--flavor", "root"], "flavor: 'root' is not there; there are rustogramer, spectcl"),
    (["--url", "http://x"], "'http://x' is not tcp://HOST:PORT"),
    (["--url", "tcp://0.0.0.0:1"], "can be reached from other hosts: say which may connect"),
    (["--config", "/none.toml"], "/none.toml: cannot be read: No such file"),
    (["--rest-service", "a@b"], "is not service:NAME"),
]


@pytest.mark.parametrize(("words", "told"), FAULTS)
def test_faults_are_lines_and_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(ConfigError) as found:
        config_of(*words)
    assert told in str(found.value)
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("histogrammer: ")


@pytest.mark.parametrize(
    "words",
    [
        ["--none"],
        ["-r"],
        ["-r", "65536"],
        ["-s", "many"],
        ["-s", "0"],
        ["-s", "16385"],
        ["--memory-kind", "posix"],
        ["--mirror-port", "65536"],
        ["--peers", "x"],
        ["word"],
        ["sort", "only.toml"],
        ["sort", "a.toml", "f", "--format", "binary"],
    ],
)
def test_usage_that_is_wrong_is_told_with_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as found:
        main(words)
    assert found.value.code == 2
    told = capsys.readouterr()
    assert told.err.startswith("usage: histogrammer")
    assert not told.out


@pytest.mark.parametrize("word", ["-h", "--help", "-V", "--version"])
def test_help_and_version_go_to_standard_output(
    capsys: pytest.CaptureFixture[str], word: str
) -> None:
    with pytest.raises(SystemExit) as found:
        main([word])
    assert found.value.code == 0
    assert "histogrammer " in capsys.readouterr().out


def test_sort_without_its_files_is_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["sort", str(tmp_path / "none.toml"), "f"]) == 2
    (tmp_path / "empty.toml").write_text("")
    missing = str(tmp_path / "none.evt")
    assert main(["sort", str(tmp_path / "empty.toml"), missing]) == 1
    assert f"histogrammer sort: {missing}: No such file or directory" in capsys.readouterr().err
