"""VEGAS high bandwidth: the whole band of the sampler in one spectrum (MODE1 to MODE3)."""

from __future__ import annotations

from spectrometer.backends.base import Value
from spectrometer.backends.vegas import SUBBANDS, VegasBackend
from spectrometer.derive.switching import PhaseRequest
from spectrometer.derive.vegas import Clocks, hbw_clocks, phase_granules

__all__ = ["VegasHbwBackend"]

DEFAULT_PHASE_S = 1.0


class VegasHbwBackend(VegasBackend):
    """The modes `h1k` and `h16k`."""

    obs_mode, bw_mode = "HBW", "high"

    def prepare_defaults(self) -> None:
        self._requests = None
        super().prepare_defaults()
        # As in the original the generator holds an empty cycle until the next prepare.
        self._requests = self._prepared_requests = (PhaseRequest(duration=DEFAULT_PHASE_S),)

    def reset_if_needed(self) -> None:
        board = self.setup.registers
        if board is not None and board.read_int("status") & 1:
            self.run_phase("reset")

    def clocks(self) -> Clocks:
        return hbw_clocks(self.parameters["nchan"], self.setup.frequency_mhz)

    def granules(self, request: PhaseRequest) -> int:
        return phase_granules(
            request.duration,
            self.hardware_exposure()[1],
            self.clocks().spec_tick,
            self.setup.rounding,
        )

    def subband_frequencies(self) -> list[float]:
        return [abs(self.setup.frequency_mhz) * 1e6 / 2] * SUBBANDS

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        status, registers = super().compute()
        registers["acc_len"] = self.hardware_exposure()[0]
        return status, registers
