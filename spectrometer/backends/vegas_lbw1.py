"""VEGAS L1: one narrow band, a quarter of the sampler's rate (MODE4 to MODE9)."""

from __future__ import annotations

from spectrometer.backends.base import Value
from spectrometer.backends.vegas import SUBBANDS
from spectrometer.backends.vegas_lbw import LbwBackend
from spectrometer.derive.vegas import L1_DECIMATION, Clocks, lbw_clocks

__all__ = ["VegasL1Backend"]


class VegasL1Backend(LbwBackend):
    """The modes `l1/lbw1`."""

    def clocks(self) -> Clocks:
        return lbw_clocks(self.parameters["nchan"], self.setup.frequency_mhz, L1_DECIMATION)

    def subband_frequencies(self) -> list[float]:
        return [abs(self.setup.frequency_mhz) * 1e6 / 2] * SUBBANDS

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        status, registers = super().compute()
        registers["gain"] = self.parameters["gain"][0]
        return status, registers
