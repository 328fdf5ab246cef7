"""The JSON Schema of the configuration: it is current, and says of files what `player check` says
of single tables."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from support.backends import SHIPPED
from support.damaged_config import SHORT, damaged
from support.doc_page import blocks_of

from arrayconfig.files import merged
from player.config import load
from player.errors import ConfigError
from player.kinds import BUILT_IN
from player.schema import SCHEMA_FILE, file_schema

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / SCHEMA_FILE).read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
GOOD = tomllib.loads(SHIPPED.read_text())
WITH_DIFX = merged(GOOD, {"banks": {"DIFX": {"kind": "difx", "hpc_host": "hpc1", "root": "/data"}}})
FILES = [
    path
    for folder in ("conf", "examples")
    for path in sorted((ROOT / folder).rglob("*.toml"))
    if path.name != "pyproject.toml"
]
BLOCKS = [
    (f"{path.relative_to(ROOT)}:{block.line}", block.body)
    for path in sorted((ROOT / "docs").rglob("*.md"))
    for block in blocks_of(path.read_text())
    if block.language == "toml" and set(tomllib.loads(block.body)) & set(SCHEMA["properties"])
]


def errors(content: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(content)]


def test_the_schema_in_the_tree_is_that_of_the_models() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    how = f"player config schema {' '.join(f'--kind {kind}' for kind in BUILT_IN)} > {SCHEMA_FILE}"
    assert file_schema(BUILT_IN) == SCHEMA, f"make it anew: {how}"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_examples_are_valid(path: Path) -> None:
    assert errors(tomllib.loads(path.read_text())) == []
    assert path.read_text().startswith("#:schema ")
    assert (
        path.parent / path.read_text().splitlines()[0].removeprefix("#:schema ")
    ).resolve() == ROOT / SCHEMA_FILE


@pytest.mark.parametrize("text", [text for _, text in BLOCKS], ids=[name for name, _ in BLOCKS])
def test_what_the_documentation_shows_is_valid(text: str) -> None:
    assert errors(merged(WITH_DIFX, tomllib.loads(text))) == []  # most pages show parts


def put(*path: Any) -> Callable[[Any], None]:
    """A change: the last word is the value, None to delete the key."""

    def change(content: Any) -> None:
        *tables, key, value = path
        for part in tables:
            content = content[part]
        if value is None:
            del content[key]
        else:
            content[key] = value

    return change


BAD = {
    "port": put("instrument", "player_port", 70000),
    "type": put("banks", "BANKA", "player_port", "6667"),
    "unknown key": put("banks", "BANKA", "player_prt", 6667),
    "unknown table": put("instruments", {}),
    "name of a Bank": put("banks", "bankx", GOOD["banks"]["BANKD"]),
    "no host": put("banks", "BANKA", "hpc_host", None),
    "no host of another kind": put("banks", "BANKA", {"kind": "other"}),
    "choice": put("banks", "BANKA", "synth", "via", "telnet"),
    "MAC address": put("hpc_macs", "hpc1-10", "mac", "00:02"),
    "filter": put("banks", "BANKA", "filters", "450", 0xFFF),
    "no Bank": put("banks", {}),
    "incomplete mode": put("modes", "NEW", {"nchan": 5}),
    "mode": put("modes", "MODE1", "nchan", 0),
    "defaults": put("mode_defaults", "vegas", "nchann", 5),
    "arm delay": put("mode_defaults", "vegas", "needed_arm_delay_s", 1),
    "phases": put("mode_defaults", "vegas_hbw", "phases", "arm", [["arm", "x"]]),
    "endpoint": put("banks", "BANKA", "endpoints", {"http": {"viewers": 0}}),
    "semaphore": put("banks", "BANKA", "status_memory", {"semaphore": "no slash"}),
}


@pytest.mark.parametrize("change", BAD.values(), ids=list(BAD))
def test_known_faults_are_found(change: Callable[[Any], None]) -> None:
    content = copy.deepcopy(GOOD)
    change(content)
    assert errors(content) != []


def test_variables_and_other_kinds_are_allowed() -> None:
    content = copy.deepcopy(GOOD)
    put("banks", "BANKA", "synth", "via", "${VIA}")(content)
    others = {"http": {"kind": "my_package:Endpoint", "viewers": 0}, "scpi": {"port": 5025}}
    put("banks", "BANKA", "endpoints", others)(content)
    put("banks", "PSU", {"kind": "my_package:Supply", "hpc_host": "h", "voltage": 5})(content)
    assert errors(content) == []


@settings(max_examples=150)
@given(damaged())
def test_whatever_is_read_without_faults_is_valid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dibas.toml"
    alone = text.replace(', "BANKB", "BANKC", "BANKD", "BANKE", "BANKF", "BANKG", "BANKH"', "")
    path.write_bytes(alone.encode("utf-8", "surrogatepass"))
    try:
        content = load(path, {"HOME": "/home/x"}).source.tables
    except ConfigError:
        return
    assert errors(content) == []


def test_the_short_file_is_valid() -> None:
    assert errors(tomllib.loads("\n".join(SHORT))) == []
