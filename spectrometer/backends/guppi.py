"""Pulsar (GUPPI) modes: what they share, and the incoherent ones, of one FPGA and one computer."""

from __future__ import annotations

from pathlib import Path

from spectrometer.backends.base import Backend, Value, fitting
from spectrometer.backends.parameters import ModeParameter, choice, integer, number, text
from spectrometer.derive.guppi import incoherent
from spectrometer.status.keys import GUPPI_KEYS

__all__ = ["GuppiBackend", "GuppiIncoherentBackend", "scale"]

SCALES = ("scale_i", "scale_q", "scale_u", "scale_v")
MAX_SCALE = 65535.99998  # a register holds 16 bits before and 16 behind the point
PFB_OVERLAP = 12
FAST_NAME = "FAST4K"  # in the name of a mode: total power only, in smaller packets

MAX_MHZ = 1e6  # a terahertz
scale = number(0, MAX_SCALE, unit="", closed=True)


class GuppiBackend(Backend):
    """Base of the pulsar modes."""

    family = "GUPPI"
    obs_modes: tuple[str, ...] = ()

    def _parameters(self) -> list[ModeParameter]:
        return [
            *super()._parameters(),
            ModeParameter(
                "integration_time",
                40.96e-6,
                number(0, 60.0),
                "Time of a sample, s; the next shorter one of 2^n spectra is taken.",
            ),
            ModeParameter(
                "obs_mode",
                self._default_obs_mode(),
                choice(self.obs_modes),
                f"What is recorded: one of {', '.join(self.obs_modes)}.",
            ),
            ModeParameter("only_i", 0, integer(0, 1), "0: all Stokes parameters, 1: only I."),
            ModeParameter("nbin", 256, integer(2, 1 << 16), "Bins of a folded profile."),
            ModeParameter("tfold", 1.0, number(0, 86400.0), "Time of a folded profile, s."),
            ModeParameter(
                "par_file",
                "example.par",
                text,
                "The pulsar's par file, for folding; a relative path is beside the array's configuration.",
            ),
            ModeParameter(
                "feed_polarization", "LIN", choice(("LIN", "CIRC")), "Of the feed: LIN, CIRC."
            ),
        ]

    def _default_obs_mode(self) -> str:
        given = str(self.mode.status.get("OBS_MODE", "")).upper()
        return given if given in self.obs_modes else self.obs_modes[0]

    def finish(self) -> None:
        """Arm once: the pulsar images send data from then on."""
        self.run_phase("arm")

    def reset_if_needed(self) -> None:
        """Nothing: the pulsar images are reset when they are loaded."""

    def par_path(self) -> Path:
        """The par file; it may not exist."""
        path = Path(self.parameters["par_file"])
        return path if path.is_absolute() else self.setup.config_dir / path

    def _guppi_status(self) -> dict[str, Value]:
        p = self.parameters
        values: dict[str, Value] = {
            "NRCVR": 2,
            "NBITS": 8,
            "NBIN": p["nbin"],
            "TFOLD": p["tfold"],
            "PFB_OVER": PFB_OVERLAP,
            "FD_POLN": p["feed_polarization"],
            "OBS_MODE": p["obs_mode"],
            "PARFILE": fitting(str(self.par_path())),
        }
        if "CAL" in p["obs_mode"]:
            values["CAL_MODE"] = "ON"
        for n in range(4):
            values |= {f"OFFSET{n}": 0.0, f"SCALE{n}": 1.0}
        return self.common_status() | values

    def _all_status(self, computed: dict[str, Value]) -> dict[str, Value]:
        return {"CAL_MODE": "OFF", **self.layered_status(computed, GUPPI_KEYS)}


class GuppiIncoherentBackend(GuppiBackend):
    """The modes `guppi-inco`."""

    obs_modes = ("SEARCH", "FOLD", "CAL", "RAW")

    def _parameters(self) -> list[ModeParameter]:
        return [
            *super()._parameters(),
            ModeParameter(
                "obs_frequency", 2000.0, number(0, MAX_MHZ, unit="MHz"), "Centre of the band, MHz."
            ),
            *(
                ModeParameter(name, 1.0, scale, f"Gain of Stokes {name[-1].upper()}.")
                for name in SCALES
            ),
            ModeParameter("scale", None, scale, "Sets all four scales.", sets=SCALES),
        ]

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        p, bandwidth = self.parameters, self.setup.frequency_mhz
        taken = incoherent(p["integration_time"], bandwidth, self.mode.nchan)
        fast = FAST_NAME in self.setup.mode_name
        status = self._guppi_status() | {
            "ACC_LEN": taken.acc_len,
            "CHAN_BW": taken.channel_width,
            "TBIN": taken.time,
            "OBSBW": bandwidth,
            "OBSFREQ": p["obs_frequency"],
            "OBSNCHAN": self.mode.nchan,
            "CHAN_DM": 0.0,
            "DS_TIME": 1,
            "OVERLAP": 0,
            "FFTLEN": 16384,
            "BLOCSIZE": 33554432,
            "PKTFMT": "FAST4K" if fast else "1SFA",
            "POL_TYPE": "AA+BB" if fast else "IQUV",
            "NPOL": 1 if fast else 4,
            "ONLY_I": p["only_i"] if p["obs_mode"] == "SEARCH" and not fast else 0,
        }
        registers: dict[str, int | bytes] = {
            **self.setup.bank.registers,
            **self.mode.registers,
            "ACC_LENGTH": taken.acc_length,
        }
        for name in SCALES:
            registers[name.upper()] = int(p[name] * 65536)
            registers[f"OFFSET_{name[-1].upper()}"] = 0
        return self._all_status(status), registers
