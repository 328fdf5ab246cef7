"""A configuration of several files, variables in values, and faults where a value truly stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from player.config import load
from player.errors import ConfigError

TOY = 'kind = "support.toy_bank:ToyBank"\n'


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)


def faults(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as found:
        load(path, environment or {})
    return [
        str(fault).replace(f"{path}/", "").replace(f"{path.parent}/", "")
        for fault in found.value.faults
    ]


def test_files_are_merged_by_name_and_each_value_knows_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=f'[instrument]\ntelescope = "A"\nplayer_port = 7000\n[banks.BANKA]\n{TOY}hpc_host = "a"\n',
        b=f'[banks.BANKB]\n{TOY}hpc_host = "b"\n[instrument]\ntelescope = "B"\n[banks.BANKA]\nplayer_port = 7001\n',
    )
    config = load(tmp_path, {})
    assert (config.instrument.telescope, config.url("BANKA"), config.url("BANKB")) == (
        "B",
        "tcp://127.0.0.1:7001",
        "tcp://127.0.0.1:7000",
    )
    places = {
        key: config.source.place(key)
        for key in [("instrument", "telescope"), ("instrument", "player_port")]
    }
    assert places == {
        ("instrument", "telescope"): (tmp_path / "b.toml", 5),
        ("instrument", "player_port"): (tmp_path / "a.toml", 3),
    }
    assert config.source.place(("banks", "BANKA", "missing")) == (tmp_path / "a.toml", 4)
    assert config.directory == tmp_path


def test_faults_are_named_in_the_file_where_they_are(tmp_path: Path) -> None:
    main = tmp_path / "dibas.toml"
    (tmp_path / "dibas.d").mkdir()
    write(tmp_path, dibas=f'[banks.BANKA]\n{TOY}hpc_host = "h"\n[banks.BANKB]\n{TOY}\n')
    write(
        tmp_path / "dibas.d",
        local='[banks.BANKB]\nhpc_host = "h"\nplayr_port = 6668\n[instrument]\nbind = 3\n',
    )
    assert faults(main) == [
        "dibas.toml:4: banks.BANKB: port 6667 of host h is BANKA's already",
        "dibas.d/local.toml:3: banks.BANKB.playr_port: unknown key; did you mean player_port?",
        "dibas.d/local.toml:5: instrument.bind: input should be a valid string; found 3",
    ]


def test_syntax_is_checked_in_all_files_at_once(tmp_path: Path) -> None:
    write(tmp_path, a="a = 1\na = 2\n", b="b = [\n1,\n", c="[banks.BANKA]\n")
    twice, syntax = faults(tmp_path)
    assert twice == "a.toml:2: a: is there twice; first in line 1"
    assert syntax.startswith("b.toml:2: not TOML: ")


def test_everything_that_stands_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    text = "[a]\nx = 1\ny = [\n 1]\nx = [\n2]\n[b.c]\nz = 1\n[a]\nq = 1\nq = 2\n[b.c]\nz = {d = 1}\nz.d = 5\n[e\n"
    write(tmp_path, a=text)
    found = faults(tmp_path)
    assert found[:-1] == [
        "a.toml:5: a.x: is there twice; first in line 2",
        "a.toml:9: a: is there twice; first in line 1",
        "a.toml:11: a.q: is there twice; first in line 10",
        "a.toml:12: b.c: is there twice; first in line 7",
        "a.toml:14: b.c.z.d: is there twice; first in line 13",
    ]
    assert found[-1].startswith("a.toml:15: not TOML: ")


def test_a_missing_variable_is_a_fault_beside_all_others(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=f'[banks.BANKA]\n{TOY}hpc_host = "${{HPC}}"\nbind = "${{BIND}}"\nplayer_port = 0\n',
    )
    assert faults(tmp_path) == [
        "a.toml:3: banks.BANKA.hpc_host: the variable HPC is not set; set it, or write ${HPC:-default}",
        "a.toml:4: banks.BANKA.bind: the variable BIND is not set; set it, or write ${BIND:-default}",
        "a.toml:5: banks.BANKA.player_port: input should be greater than or equal to 1; found 0",
    ]
    assert faults(tmp_path, {"HPC": "h", "BIND": "no address"}) == [
        "a.toml:4: banks.BANKA.bind: 'no address' is no address; write one as 127.0.0.1, "
        "or 0.0.0.0 for all of this host",
        "a.toml:5: banks.BANKA.player_port: input should be greater than or equal to 1; found 0",
    ]
    write(tmp_path, b="[banks.BANKA]\nplayer_port = 6000\nhpc_host = 'x'\nbind = '127.0.0.1'\n")
    assert (
        load(tmp_path, {}).url("BANKA") == "tcp://127.0.0.1:6000"
    )  # what is replaced needs no variable


def test_a_secret_is_not_shown_with_its_fault(tmp_path: Path) -> None:
    bank = f'[banks.BANKA]\n{TOY}hpc_host = "h"\n'
    write(tmp_path, a=f'{bank}[instrument]\napi_token = "hush"\nbind = {{ secret = 1 }}\n')
    found = faults(tmp_path)
    assert len(found) == 2
    assert "hush" not in "".join(found)
    assert found[1].endswith("instrument.bind: input should be a valid string; found a table")


def test_toml_1_1_is_read_with_a_warning_at_its_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=f'[banks.BANKA]\n{TOY}hpc_host = "h"\n[instrument]\ntelescope = "\\e[0m"\n',
        b="# fine\n",
    )
    (warning,) = load(tmp_path, {}).warnings
    assert str(warning).startswith(
        f"{tmp_path}/a.toml:5: this is TOML 1.1; write TOML 1.0, which every reader knows"
    )
