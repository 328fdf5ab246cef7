"""Whatever stands in the file, the answer is a configuration or a list of faults with their
places."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from support.damaged_config import SHORT, damaged

from player.config import load
from player.errors import ConfigError, Fault

FUZZ = settings(max_examples=150)


def faults_of(path: Path) -> list[Fault]:
    try:
        assert load(path, {"HOME": "/home/x"}).banks
    except ConfigError as error:
        return error.faults or pytest.fail("refused without a reason")
    return []


def check(path: Path) -> None:
    faults = faults_of(path)
    for fault in faults:
        assert fault.text
        assert "\n" not in fault.key
        assert fault.line is None or 1 <= fault.line <= path.read_bytes().count(b"\n") + 1
    assert len(set(faults)) == len(faults)


@FUZZ
@given(damaged())
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dibas.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    check(path)


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "dibas.toml"
    path.write_bytes(data)
    check(path)


def test_the_short_file_is_without_faults(tmp_path: Path) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text(
        "\n".join(SHORT).replace(
            ', "BANKB", "BANKC", "BANKD", "BANKE", "BANKF", "BANKG", "BANKH"', ""
        )
    )
    assert list(load(path, {}).banks) == ["BANKA"]


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 10_000,
        ".".join(["a"] * 10_000) + " = 1",
        "[" + ".".join(["a"] * 10_000) + "]",
        "a = " + "9" * 10_000,
        "a = 1\n" * 2,
        "[banks.BANKA]\nhpc_host = 'a'\nfilters = " + "[" * 50 + "]" * 50,
    ],
    ids=["lists", "tables", "dotted", "header", "digits", "twice", "lists in a key"],
)
def test_what_would_exhaust_a_reader_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load(path, {})


def test_many_faults_are_found_without_looking_everything_up_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dibas.toml"
    path.write_text(
        "\n".join(
            f"[banks.B{n}]\nhost = 'h'\nport = 1\n[banks.B{n}.endpoints.x]\n" for n in range(300)
        )
    )
    schemas, registered = list[object](), list[str]()
    schema, entries = TypeAdapter.json_schema, importlib.metadata.entry_points

    def json_schema(adapter: TypeAdapter[Any], **options: Any) -> dict[str, Any]:
        schemas.append(adapter)
        return schema(adapter, **options)

    def entry_points(**group: str) -> Any:
        registered.append(group["group"])
        return entries(**group)

    monkeypatch.setattr(TypeAdapter, "json_schema", json_schema)
    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert len(refused.value.faults) > 1000
    assert len(schemas) < 10
    assert len(registered) < 10
