"""Reasons that a Bank gives of live spectra that do not come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from spectrometer.backends.guppi import GuppiIncoherentBackend
from spectrometer.backends.vegas_hbw import VegasHbwBackend
from spectrometer.followedbank import FollowedBank


@pytest.mark.parametrize(
    ("kind", "has_counts", "why"),
    [
        (None, True, "no mode is set"),
        (VegasHbwBackend, None, "simulated without a source: no data are taken"),
        (VegasHbwBackend, False, "vegas_hpc_server makes no live spectra; spectrometer-daq does"),
        (GuppiIncoherentBackend, True, "pulsar modes make no live spectra"),
        (VegasHbwBackend, True, ""),
    ],
)
def test_the_reason_is_that_of_program_and_mode(
    kind: Any, has_counts: bool | None, why: str
) -> None:
    backend = None if kind is None else kind.__new__(kind)
    bank: Any = SimpleNamespace(_current=SimpleNamespace(backend=backend))
    programs: Any = SimpleNamespace(name="vegas_hpc_server", has_counts=has_counts)
    assert FollowedBank._why_no_spectrum(bank, programs) == why
