"""Spectral-line (VEGAS) modes: switching signals, exposures, status values, which they share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from spectrometer.backends.base import Backend, BackendSetup, Value, polarizations
from spectrometer.backends.parameters import ModeParameter, integer, number
from spectrometer.derive.switching import (
    MAX_GRANULES,
    MAX_PHASES,
    PhaseRequest,
    SsgPhase,
    SwitchingCycle,
    gbt_requests,
)
from spectrometer.derive.vegas import Clocks, Exposure, exposure, hardware_exposure
from spectrometer.errors import SwitchingError
from spectrometer.status.keys import VEGAS_KEYS

__all__ = ["VegasBackend"]

STOKES = {"SELF": 2, "SELF1": 1, "SELF2": 1, "CROSS": 4}
SUBBANDS = 8
MAX_CHANNELS = 1 << 20
MAX_EXPOSURE_S = 86400.0


class VegasBackend(Backend):
    """Base of the spectral-line modes."""

    family = "VEGAS"
    obs_mode, bw_mode = "", ""
    """Values of OBS_MODE and BW_MODE."""

    def __init__(self, setup: BackendSetup) -> None:
        super().__init__(setup)
        self._requests: tuple[PhaseRequest, ...] | None = (
            None  # None: the generator as it is after a reset
        )
        self._prepared_requests: tuple[PhaseRequest, ...] | None = None

    def _parameters(self) -> list[ModeParameter]:
        return [
            *super()._parameters(),
            ModeParameter(
                "polarization",
                "SELF",
                polarizations,
                "SELF: both polarizations; SELF1, SELF2: one of them; CROSS: both and their correlation.",
            ),
            ModeParameter(
                "nchan",
                self.mode.nchan,
                integer(8, MAX_CHANNELS),
                "Channels; has to match the FPGA image.",
            ),
            ModeParameter(
                "exposure", 1.0, number(0, MAX_EXPOSURE_S), "Requested integration time, s."
            ),
            ModeParameter(
                "hwexposr",
                self.mode.hwexposr_s or 0.001,
                number(0, 60.0),
                "Requested hardware integration time, s; the shortest possible one is the mode's.",
            ),
            ModeParameter("num_spectra", 1, integer(1, 2**31 - 1), "Recorded, without effect."),
        ]

    # switching signals

    def clear_phases(self) -> int:
        """Remove all switching phases."""
        self._requests = ()
        return 0

    def add_phase(self, request: PhaseRequest) -> int:
        """Append a switching phase; the number of phases. SwitchingError if it is too long, or one
        too many."""
        self._granules(request)
        if len(self._requests or ()) >= MAX_PHASES:
            raise SwitchingError(
                f"there are {MAX_PHASES} switching phases already; clear_switching_states first"
            )
        self._requests = (*(self._requests or ()), request)
        return len(self._requests)

    def set_gbt_phases(self, period: float, ss_list: Sequence[Sequence[float]]) -> int:
        """Replace all switching phases; the number of phases. SwitchingError leaves them as they
        were."""
        requests = gbt_requests(period, ss_list)
        if len(requests) > MAX_PHASES:
            raise SwitchingError(
                f"{len(requests)} switching phases, blanking ones counted; at most {MAX_PHASES}"
            )
        for request in requests:
            self._granules(request)
        self._requests = requests
        return len(requests)

    def cycle(self) -> SwitchingCycle:
        """The switching cycle with the present parameters."""
        tick = self.clocks().spec_tick
        if self._requests is None:
            return SwitchingCycle.fresh(tick)
        return SwitchingCycle(
            tick,
            tuple(
                SsgPhase(
                    granules=self._granules(request),
                    blank=request.blank,
                    cal=request.cal,
                    sr1=request.sr1,
                )
                for request in self._requests
            ),
        )

    def _granules(self, request: PhaseRequest) -> int:
        count, tick = self.granules(request), self.clocks().spec_tick
        if not 1 <= count <= MAX_GRANULES:
            limits = f"expected {tick:.3g} to {MAX_GRANULES * tick:.4g} s in this mode"
            raise SwitchingError(f"a switching phase of {request.duration:g} s; {limits}")
        return count

    def prepare(self) -> None:
        super().prepare()
        self._prepared_requests = self._requests

    @property
    def unprepared(self) -> list[str]:
        changed = [] if self._requests == self._prepared_requests else ["switching states"]
        return [*super().unprepared, *changed]

    # what the modes differ in

    @abstractmethod
    def clocks(self) -> Clocks:
        """Clocks with the present parameters."""

    @abstractmethod
    def granules(self, request: PhaseRequest) -> int:
        """Duration of a phase in granules."""

    @abstractmethod
    def subband_frequencies(self) -> list[float]:
        """Centres of the 8 sub-bands, Hz."""

    def finish(self) -> None:
        """Nothing: a spectral-line image is armed when a scan starts."""

    # values

    def hardware_exposure(self) -> tuple[int, float]:
        """(acc_len, s)."""
        return hardware_exposure(self.parameters["hwexposr"], self.clocks().spec_tick)

    def exposure(self, cycle: SwitchingCycle) -> Exposure:
        """The integration time that can be had."""
        return exposure(
            self.parameters["exposure"],
            self.clocks(),
            self.hardware_exposure()[1],
            phases=len(cycle.phases),
            granules=cycle.granules,
            period=cycle.period,
            rounding=self.setup.rounding,
        )

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        cycle = self.cycle()
        status = self.layered_status(
            {**self._vegas_status(cycle), **self._switching_status(cycle)}, VEGAS_KEYS
        )
        registers: dict[str, int | bytes] = {
            **self.setup.bank.registers,
            **self.mode.registers,
            "ssg_length": cycle.granules,
            "ssg_lut_bram": cycle.table(),
            "ssg_ms_sel": self.mode.master_slave_sel[0 if self.setup.is_master else 3],
        }
        return status, registers

    def _vegas_status(self, cycle: SwitchingCycle) -> dict[str, Value]:
        p, clocks = self.parameters, self.clocks()
        taken = self.exposure(cycle)
        values = self.common_status() | {
            "M_STTMJD": 0,
            "M_STTOFF": 0,
            "NBITS": 8,
            "NBITSADC": 8,
            "PKTFMT": "SPEAD",
            "NPOL": 2,
            "CHAN_BW": clocks.channel_width,
            "EFSAMPFR": clocks.sampler_frequency,
            "FPGACLK": clocks.fpga_clock,
            "OBSBW": clocks.bandwidth,
            "EXPOSURE": taken.seconds,
            "HWEXPOSR": self.hardware_exposure()[1],
            "NCHAN": p["nchan"],
            "OBSNCHAN": p["nchan"],
            "CRPIX1": p["nchan"] // 2 + 1,
            "NSUBBAND": 1,
            "BW_MODE": self.bw_mode,
            "OBS_MODE": self.obs_mode,
            "POLARIZE": p["polarization"],
            "NMSTOKES": STOKES[p["polarization"]],
            "SWMASTER": "VEGAS",
            "SWPERIOD": cycle.period,
            "SWPERINT": int(taken.seconds / cycle.period + 0.5),
        }
        for index, frequency in enumerate(self.subband_frequencies()):
            values[f"SUB{index}FREQ"] = frequency
        for n in range(1, SUBBANDS + 1):
            values[f"_MCR1_{n:02d}"] = values[f"_MCDL_{n:02d}"] = clocks.channel_width
            values[f"_MFQR_{n:02d}"] = clocks.frequency_resolution
        return values

    def _switching_status(self, cycle: SwitchingCycle) -> dict[str, Value]:
        gbt, inside = cycle.gbt(), int(self.setup.is_master)
        values: dict[str, Value] = {"NUMPHASE": len(gbt.starts)}
        rows = zip(gbt.starts, gbt.cal, gbt.sig_ref, gbt.blanking, strict=True)
        for n, (start, cal, sig_ref, blanking) in enumerate(rows, 1):
            values |= {
                f"_SBLK_{n:02d}": blanking,
                f"_SCAL_{n:02d}": cal,
                f"_SSRF_{n:02d}": sig_ref,
                f"_SPHS_{n:02d}": start,
                f"_AICL_{n:02d}": cal * inside,
                f"_AISA_{n:02d}": sig_ref * inside,
                f"_AISB_{n:02d}": 0,
                f"_AECL_{n:02d}": cal * (1 - inside),
                f"_AESA_{n:02d}": sig_ref * (1 - inside),
                f"_AESB_{n:02d}": 0,
            }
        return values
