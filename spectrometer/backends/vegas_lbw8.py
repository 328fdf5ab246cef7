"""VEGAS L8: one or eight narrow sub-bands anywhere in the sampled band (MODE10 to MODE29)."""

from __future__ import annotations

from typing import Any

from spectrometer.backends.base import Value
from spectrometer.backends.parameters import Legal, ModeParameter, number
from spectrometer.backends.vegas import SUBBANDS
from spectrometer.backends.vegas_lbw import LbwBackend, one_or_each
from spectrometer.derive.mixer import MIXER_COUNT, Oscillator, nearest_oscillator
from spectrometer.derive.switching import SwitchingCycle
from spectrometer.derive.vegas import L8_DECIMATION, Clocks, in_mhz, lbw_clocks

__all__ = ["VegasL8Backend"]

_number = number(-1e12, 1e12, unit="MHz or Hz")


class VegasL8Backend(LbwBackend):
    """The modes `l8/lbw1` and `l8/lbw8`; one FPGA image serves both."""

    @property
    def subbands(self) -> int:
        """1 or 8."""
        return SUBBANDS if "lbw8" in self.mode.backend else 1

    def _parameters(self) -> list[ModeParameter]:
        middle = abs(self.setup.frequency_mhz) * 1e6 / 2

        def frequency(value: Any) -> float:
            hertz = in_mhz(_number(value)) * 1e6
            nearest_oscillator(hertz, self.setup.frequency_mhz)
            return hertz

        as_many = one_or_each(Legal(frequency, "float", unit="MHz"), "centres")

        def centres(value: Any) -> list[float]:
            found: list[float] = as_many(value)
            if len(found) != self.subbands:
                wanted = f"{self.setup.mode_name} has {self.subbands} sub-bands"
                raise ValueError(f"{len(found)} centres; expected {self.subbands}, {wanted}")
            return found

        top = abs(self.setup.frequency_mhz)
        what = (
            "Centre of the sub-band"
            if self.subbands == 1
            else f"Centres of the {self.subbands} sub-bands"
        )
        return [
            *super()._parameters(),
            ModeParameter(
                "subband_freq",
                [middle] * self.subbands,
                Legal(centres, as_many.annotation, unit="MHz"),
                f"{what}, a list in MHz (Hz above 5000), 0 to {top:g} MHz.",
            ),
        ]

    def clocks(self) -> Clocks:
        return lbw_clocks(self.parameters["nchan"], self.setup.frequency_mhz, L8_DECIMATION)

    def oscillators(self) -> list[Oscillator]:
        """One for each sub-band."""
        return [
            nearest_oscillator(wanted, self.setup.frequency_mhz)
            for wanted in self.parameters["subband_freq"]
        ]

    def subband_frequencies(self) -> list[float]:
        found = [oscillator.frequency for oscillator in self.oscillators()]
        return found if len(found) == SUBBANDS else found * SUBBANDS

    def _vegas_status(self, cycle: SwitchingCycle) -> dict[str, Value]:
        return super()._vegas_status(cycle) | {"NSUBBAND": self.subbands}

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        status, registers = super().compute()
        registers["mode_sel"] = 1 if self.subbands == 1 else 0
        gains = self.parameters["gain"]
        for n, oscillator in enumerate(self.oscillators()):
            registers[f"s{n}_quant_gain"] = gains[n] if len(gains) == SUBBANDS else gains[0]
            registers[f"s{n}_mixer_cnt"] = MIXER_COUNT
            for i, block in enumerate(oscillator.blocks()):
                registers[f"s{n}_lo_{i}_lo_ram"] = block
        return status, registers
