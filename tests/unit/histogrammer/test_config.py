"""The table of a histogrammer, and its documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from histogrammer.config import HistogrammerBankConfig
from player.tables import BankConfig

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
HEADING = "### `[banks.X]` of a histogrammer\n"


def test_every_key_of_its_own_is_explained() -> None:
    section = re.split(r"\n#{2,3} ", DOCUMENT.read_text().split(HEADING, 1)[1])[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    own = [key for key in HistogrammerBankConfig.model_fields if key not in BankConfig.model_fields]
    assert documented == own


def test_only_the_flavors_that_are_there_are_taken() -> None:
    given = {"kind": "histogrammer", "hpc_host": "localhost"}
    assert HistogrammerBankConfig(**given).flavor == "rustogramer"
    assert HistogrammerBankConfig(**given, flavor="spectcl").flavor == "spectcl"
    with pytest.raises(
        ValidationError, match="'root' is not there; there are rustogramer, spectcl"
    ):
        HistogrammerBankConfig(**given, flavor="root")


def test_programs_are_commands() -> None:
    given = {"kind": "histogrammer", "hpc_host": "localhost"}
    with pytest.raises(ValidationError, match=r"programs\.online"):
        HistogrammerBankConfig(**given, programs={"online": []})


def test_streams_are_places_of_streams() -> None:
    given = {"kind": "histogrammer", "hpc_host": "localhost"}
    taken = {"live": "daq1:5501", "pulled": "pull:tcp://daq1:5502", "told": "sub:tcp://[::1]:5503"}
    assert HistogrammerBankConfig(**given, streams=taken).streams == taken
    with pytest.raises(ValidationError, match="'daq1' is no stream: HOST:PORT, pull:tcp://HOST:PO"):
        HistogrammerBankConfig(**given, streams={"live": "daq1"})
