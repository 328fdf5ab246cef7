"""Low-bandwidth (LBW) spectral-line modes: narrow bands, channelized by the computer's GPU."""

from __future__ import annotations

from typing import Any

from spectrometer.backends.base import BackendSetup, Value
from spectrometer.backends.parameters import Legal, ModeParameter, integer
from spectrometer.backends.vegas import VegasBackend
from spectrometer.derive.switching import PhaseRequest, SwitchingCycle
from spectrometer.derive.vegas import blanking_granules, phase_granules

__all__ = ["LbwBackend", "one_or_each"]

DEFAULT_PHASES = (PhaseRequest(duration=1.0),)
DEFAULT_GAIN = 1024
SUBBAND_COUNTS = (1, 8)

_gain = integer(0, 2**32 - 1)


def one_or_each(legal: Legal, what: str) -> Legal:
    """A list of one value or of one for each of the 8 sub-bands; a value alone is a list of it."""

    def convert_all(value: Any) -> list[Any]:
        values = list(value) if isinstance(value, list | tuple) else [value]
        if len(values) not in SUBBAND_COUNTS:
            raise ValueError(f"{len(values)} {what}; expected one, or one for each of 8 sub-bands")
        return [legal(item) for item in values]

    several = {"type": "array", "items": legal.schema}
    return Legal(
        convert_all,
        f"{legal.annotation} | Sequence[{legal.annotation}]",
        legal.words,
        legal.unit,
        {"anyOf": [legal.schema, several]} if legal.schema else {},
    )


class LbwBackend(VegasBackend):
    """Base of the low-bandwidth modes."""

    obs_mode, bw_mode = "LBW", "low"
    needs_gpu = True

    def __init__(self, setup: BackendSetup) -> None:
        super().__init__(setup)
        self._requests = DEFAULT_PHASES

    def prepare_defaults(self) -> None:
        self._requests = DEFAULT_PHASES
        super().prepare_defaults()

    def _parameters(self) -> list[ModeParameter]:
        return [
            *super()._parameters(),
            ModeParameter(
                "gain",
                list(self.mode.gain) or [DEFAULT_GAIN],
                one_or_each(_gain, "gains"),
                "Gain before the samples are requantized: one number, or one for each of 8 sub-bands.",
            ),
        ]

    def reset_if_needed(self) -> None:
        """Nothing: the low-bandwidth images are reset when they are loaded."""

    def granules(self, request: PhaseRequest) -> int:
        clocks, rounding = self.clocks(), self.setup.rounding
        if request.blank:
            return blanking_granules(
                request.duration, clocks.channel_width, clocks.spec_tick, rounding
            )
        return phase_granules(
            request.duration, self.hardware_exposure()[1], clocks.spec_tick, rounding
        )

    def _vegas_status(self, cycle: SwitchingCycle) -> dict[str, Value]:
        return super()._vegas_status(cycle) | {"EXPOCLKS": self.exposure(cycle).clocks}
