"""How the class of a kind is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.toy_bank import ToyBank

from player.errors import KindError
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
