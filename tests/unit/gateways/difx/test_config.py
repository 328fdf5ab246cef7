"""The table of a gateway: what is valid, and where each fault is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.difx_jobs import config_of, shell

from gateways.difx.config import DifxBankConfig
from gateways.difx.doctor import diagnose
from player.errors import ConfigError
from player.findings import Surroundings

RUN = {"run": shell("exit 0")}


def test_the_table_of_the_reference_is_valid(tmp_path: Path) -> None:
    runner = {
        "check": ["true", "check", "{input}"],
        "run": ["true", "run", "{input}"],
        "prepare": ["true", "prepare", "{file}"],
        "products": ["true", "products", "{input}"],
        "grace": 10.0,
    }
    table = {
        "base": "/",
        "versions": ["DIFX-DEVEL"],
        "environment": ["HOSTNAME", "TZ"],
        "keep_jobs": True,
        "runner": {"DIFX-DEVEL": runner},
        "commands": {"getsmart": {"player": "d*", "call": "smart_report"}},
    }
    bank = config_of(tmp_path, table).banks["DIFX"]
    assert isinstance(bank, DifxBankConfig)
    assert bank.offered == ["DIFX-DEVEL"]
    assert bank.root_folders(tmp_path) == {"": tmp_path / "scans"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"runner": {"A": {}}}, r"runner\.A: .*say how jobs are run"),
        ({"runner": {"A": {**RUN, "player": "DIFX", "method": "x"}}}, "say how jobs are run"),
        ({"runner": {"A": {"player": "DIFX"}}}, "player and method go together"),
        ({"runner": {"A": {"player": "NONE", "method": "x"}}}, r"A\.player: NONE is no Bank"),
        ({"runner": {"A": {**RUN, "banks": ["DIFFX"]}}}, "did you mean DIFX"),
        ({"runner": {"A": {"run": ["true", "{imput}"]}}}, r"\{imput\} stands for nothing"),
        ({"runner": {"A": {"run": ["bin/tool"]}}}, "on the PATH, or its absolute path"),
        ({"runner": {"A": {"run": []}}}, r"runner\.A\.run"),
        ({"runner": {"A": {"run": ["no-such-tool"]}}}, "not on the PATH; install it"),
        ({"runner": {"A": {**RUN, "output": ["../{job}"]}}}, "output is beside the input"),
        ({"runner": {"A": {**RUN, "output": ["*"]}}}, "has to have the name of the job"),
        ({"runner": {"A": {**RUN, "products": ["true"], "banks": ["DIFX"]}}}, "not both"),
        ({"versions": ["A", "B"], "runner": {"A": RUN}}, "B is no runner profile"),
        ({"environment": ["A=B"]}, "'A=B' is no name of an environment variable"),
        ({"root": "/no/such/folder"}, "/no/such/folder does not exist; make it"),
        ({"root": {}}, "name a folder"),
        ({"root": {"a/b": "/tmp"}}, r"root"),
        ({"root": {"a": "/tmp", "b": "/no/such"}}, r"DIFX\.root\.b: /no/such does not exist"),
        ({"commands": {"x": {"player": "*", "call": "rpc.a.b"}}}, r"commands\.x\.call"),
        (
            {"commands": {"x": {"player": "DIFF", "call": "a"}}},
            r"x\.player: DIFF fits .* mean DIFX",
        ),
        ({"max_jobs": 0}, "max_jobs"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        config_of(tmp_path, table)
    assert re.search(says, str(error.value)), str(error.value)


def test_a_bank_of_another_host_may_name_what_is_not_here(tmp_path: Path) -> None:
    table = {"hpc_host": "elsewhere.example", "root": "/no/such", "runner": {"A": RUN}}
    assert "DIFX" in config_of(tmp_path, table).banks


def test_the_doctor_names_programs_that_are_not_there(tmp_path: Path) -> None:
    runner = {**RUN, "check": ["no-such-check"], "prepare": ["/no/such/prepare"]}
    config = config_of(tmp_path, {"runner": {"A": runner}})
    around = Surroundings(simulate=True, data_root=tmp_path, dibas_dir=None, is_served=False)
    found = diagnose(config, "DIFX", around)
    assert [(each.text, each.remedy) for each in found] == [
        (
            "no-such-check is not on the PATH",
            "install it, or correct banks.DIFX.runner.A.check",
        ),
        ("/no/such/prepare is not there", "put it there, or correct banks.DIFX.runner.A.prepare"),
    ]
