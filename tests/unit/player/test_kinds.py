"""Classes of kinds, and how they are found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.toy_bank import ToyBank

from dealer import DealerError
from dealer.rehearsal import factory_of
from player.config import load
from player.effective import Flags, settings_of
from player.errors import CommandError, ConfigError, KindError
from player.kindcommands import find_command
from player.kinds import find_endpoint, find_kind, kind_names


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


def install(folder: Path, name: str, group: str, word: str, target: str) -> None:
    """Put what pip would leave of a distribution with one entry point there."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{word} = {target}\n")


@pytest.mark.parametrize(
    ("group", "find"),
    [
        ("dealer_player.banks", find_kind),
        ("dealer_player.endpoints", find_endpoint),
        ("dealer_player.commands", find_command),
        ("dealer_player.plans", factory_of),
    ],
)
def test_a_name_that_two_distributions_register_is_told_with_both(
    group: str, find: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "a", "first-site", group, "lamp", "support.toy_bank:ToyBank")
    install(tmp_path / "b", "second-site", group, "lamp", "support.toy_bank:FailingBank")
    install(tmp_path / "c", "same-again", group, "bell", "support.toy_bank:ToyBank")
    install(tmp_path / "d", "same-again", group, "bell", "support.toy_bank:ToyBank")
    for folder in "abcd":
        monkeypatch.syspath_prepend(tmp_path / folder)
    with pytest.raises((KindError, CommandError, DealerError)) as told:
        find("lamp")
    for part in (
        "registered more than once: ",
        "support.toy_bank:ToyBank by first-site 1.0",
        "support.toy_bank:FailingBank by second-site 1.0",
        "uninstall all but one, or write module:NAME",
    ):
        assert part in str(told.value)
    if find is find_kind:
        assert find("bell") is ToyBank  # found twice on the path, and the same


def test_the_old_group_of_endpoints_is_told_with_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        tmp_path, "old-site", "dealer_player.doors", "bell", "support.toy_endpoint:LineEndpoint"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KindError, match=r"dealer_player.doors, which is called dealer_player.end"):
        find_endpoint("bell")


@pytest.mark.parametrize("code", ["1 / 0", "def (", "raise RuntimeError('no')"])
def test_a_module_that_fails_while_it_is_imported_is_said_so(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_site_kind.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_site_kind", raising=False)
    with pytest.raises(KindError, match="importing broken_site_kind:X raised "):
        find_kind("broken_site_kind:X")


INNER = {
    "an attribute that another module has not": (
        "import math\nX = math.no_such_thing\n",
        "AttributeError",
        2,
    ),
    "an attribute of its own": ("class Y: pass\n\n\nX = Y().nothing\n", "AttributeError", 4),
    "a name that another module has not": ("\nfrom math import no_such_thing\n", "ImportError", 2),
    "a module that is not installed": ("\n\nimport no_such_driver\n", "ModuleNotFoundError", 3),
    "a syntax error": ("x = 1\ndef (:\n", "SyntaxError", 2),
    "its own end": ("import sys\nsys.exit(3)\n", "SystemExit", 2),
}


@pytest.mark.parametrize(("code", "error", "line"), INNER.values(), ids=INNER.keys())
def test_what_goes_wrong_inside_a_module_is_told_with_its_line_for_kinds_endpoints_and_commands(
    code: str, error: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner_site_kind.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    says = rf"importing inner_site_kind:X raised {error} in \S*inner_site_kind.py:{line}: "
    monkeypatch.setattr("player.kindcommands.BUILT_IN", {"tune": "inner_site_kind:X"})
    monkeypatch.setattr("dealer.rehearsal.BUILT_IN", {"tuner": "inner_site_kind:X"})
    finds: list[Callable[[], object]] = [
        lambda: find_kind("inner_site_kind:X"),
        lambda: find_endpoint("inner_site_kind:X"),
        lambda: find_command("tune"),
        lambda: factory_of("tuner"),
    ]
    for find in finds:
        monkeypatch.delitem(sys.modules, "inner_site_kind", raising=False)
        with pytest.raises((KindError, CommandError, DealerError), match=says):
            find()


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


HOOKED = """
from player.bank import Bank
from zmqjsonproxy import command

class K(Bank):
    @command
    def close(self): "Close the shutter."
"""

HIDDEN = """
from player.bank import Bank
from zmqjsonproxy import command, query

class K(Bank):
    @command
    def begin(self): "Begin a measurement."
    @query
    def url(self): return "where the camera is"
"""


def test_a_kind_that_exports_a_hook_of_the_host_is_a_fault_and_hidden_methods_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "dibas.toml"
    for name, code in (("hooked_kind", HOOKED), ("hidden_kind", HIDDEN)):
        (tmp_path / f"{name}.py").write_text(code)
    file.write_text('[banks.BANKA]\nkind = "hooked_kind:K"\nhpc_host = "h"\n')
    with pytest.raises(
        ConfigError, match=r"dibas.toml:2: banks.BANKA.kind: .*K.close is marked for callers, but"
    ):
        load(file)
    file.write_text('[banks.BANKA]\nkind = "hidden_kind:K"\nhpc_host = "h"\n')
    (warning,) = load(file).warnings
    assert "dibas.toml:2: banks.BANKA.kind: begin, url of K are attributes of proxies" in str(
        warning
    )
    assert "proxy.remote.begin(...)" in str(warning)


def test_a_kind_that_cannot_tell_which_values_hold_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(nasty(tmp_path, monkeypatch, "RaisingComposed"))
    with pytest.raises(KindError, match=r"composed raised RuntimeError in .*: boom"):
        settings_of(config, None, Flags(), {})
