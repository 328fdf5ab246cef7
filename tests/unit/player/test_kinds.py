"""How the class of a kind is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.toy_bank import ToyBank

from player.config import load
from player.effective import Flags, settings_of
from player.errors import ConfigError, KindError
from player.kinds import find_kind, kind_names


def test_a_kind_can_be_named_by_module_and_class() -> None:
    assert find_kind("support.toy_bank:ToyBank") is ToyBank


def test_the_spectrometer_is_a_kind_like_any_other() -> None:
    assert "spectrometer" in kind_names()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nonsense", "kind 'nonsense': no such kind of Bank; there are .*spectrometer"),
        ("no_such_module_here:X", "cannot import no_such_module_here:X"),
        ("support.toy_bank:Nothing", "module support.toy_bank has no Nothing"),
        ("support.toy_bank:Device", "is not a subclass of player.bank.Bank"),
        ("support.toy_bank:write_configuration", "is not a subclass"),
        (":", "cannot import|raised"),
    ],
)
def test_what_is_no_kind_is_said_in_a_sentence(kind: str, text: str) -> None:
    with pytest.raises(KindError, match=text):
        find_kind(kind)


@pytest.mark.parametrize("code", ["1 / 0", "def (", "raise RuntimeError('no')"])
def test_a_module_that_fails_while_it_is_imported_is_said_so(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_site_kind.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_site_kind", raising=False)
    with pytest.raises(KindError, match="importing broken_site_kind:X raised "):
        find_kind("broken_site_kind:X")


NASTY = """
from pydantic import field_validator
from player.bank import Bank
from player.tables import BankConfig

class NoModel(Bank):
    @classmethod
    def config_model(cls): return 5

class RaisingModel(Bank):
    @classmethod
    def config_model(cls): raise ValueError("boom")

class NoSections(Bank):
    @classmethod
    def instrument_sections(cls): return None

class NoTypes(Bank):
    @classmethod
    def instrument_sections(cls): return {"a": 5}

class RaisingCheck(Bank):
    @classmethod
    def check(cls, config): raise RuntimeError("boom")

class NoFaults(Bank):
    @classmethod
    def check(cls, config): return ["text"]

class Validated(BankConfig):
    hpc_host: str
    @field_validator("hpc_host")
    @classmethod
    def _raise(cls, value): raise KeyError(value)

class RaisingValidator(Bank):
    @classmethod
    def config_model(cls): return Validated

class RaisingComposed(Bank):
    @classmethod
    def composed(cls, config): raise RuntimeError("boom")
"""


def nasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> Path:
    (tmp_path / "nasty_kinds.py").write_text(NASTY)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "dibas.toml"
    file.write_text(f'[banks.BANKA]\nkind = "nasty_kinds:{kind}"\nhpc_host = "h"\n')
    return file


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("NoModel", "config_model answered '5'; expected a subclass of player.tables.BankConfig"),
        ("RaisingModel", "config_model raised ValueError in"),
        ("NoSections", "instrument_sections answered 'None'"),
        ("NoTypes", "a: the model of this table raised"),
        ("RaisingCheck", "check raised RuntimeError in"),
        ("NoFaults", "expected a list of config.fault(...)"),
        ("RaisingValidator", "banks.BANKA: the model of this table raised KeyError in"),
    ],
)
def test_whatever_a_kind_says_of_its_configuration_is_a_fault_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, text: str
) -> None:
    file = nasty(tmp_path, monkeypatch, kind)
    with pytest.raises(ConfigError) as raised:
        load(file)
    (fault,) = raised.value.faults
    assert fault.file == file
    assert text in str(fault)


def test_a_kind_that_cannot_tell_which_values_hold_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(nasty(tmp_path, monkeypatch, "RaisingComposed"))
    with pytest.raises(KindError, match=r"composed raised RuntimeError in .*: boom"):
        settings_of(config, None, Flags(), {})
