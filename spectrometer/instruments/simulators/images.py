"""Registers of the FPGA images that the modes of a configuration name; sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spectrometer.backendnames import (
    GUPPI_COHERENT,
    GUPPI_INCOHERENT,
    VEGAS_HBW,
    VEGAS_L1,
    VEGAS_L8,
)
from spectrometer.derive.guppi import NODES
from spectrometer.derive.mixer import BLOCK_BYTES, BLOCKS
from spectrometer.modes import ModeConfig

__all__ = ["images_of"]

WORD = 4
LOOK_UP_TABLE = 1024 * WORD
ETHERNET_CORE = 0x4000
_SUBBANDS = 8

_VEGAS = ["sg_sync", "arm", "ssg_length", "ssg_ms_sel", "status", "sg_period"]
_GUPPI = ["ARM", "FFT_SHIFT", "DC_EN"]


def _family(backend: str) -> dict[str, int]:
    """The registers that every image of a family has."""
    if backend in VEGAS_HBW:
        names = [*_VEGAS, "acc_len", "fftshift"]
    elif backend in VEGAS_L1:
        names = [*_VEGAS, "reset", "gain"]
    elif backend in VEGAS_L8:
        own = [f"s{n}_{what}" for n in range(_SUBBANDS) for what in ("quant_gain", "mixer_cnt")]
        names = [*_VEGAS, "reset", "mode_sel", *own]
    elif backend == GUPPI_INCOHERENT:
        stokes = [f"{what}_{which}" for what in ("SCALE", "OFFSET") for which in "IQUV"]
        names = [*_GUPPI, "ACC_LENGTH", *stokes]
    else:
        names = [*_GUPPI, "SCALE_P0", "SCALE_P1", "N_CHAN", "tenGB_reset"]
    registers = dict.fromkeys(names, WORD)
    if backend not in (GUPPI_INCOHERENT, GUPPI_COHERENT):
        registers["ssg_lut_bram"] = LOOK_UP_TABLE
    if backend in VEGAS_L8:
        registers |= {
            f"s{n}_lo_{i}_lo_ram": BLOCK_BYTES for n in range(_SUBBANDS) for i in range(BLOCKS)
        }
    return registers


def images_of(modes: Iterable[ModeConfig]) -> dict[str, Mapping[str, int]]:
    """Image -> register -> bytes.

    An image has its family's registers, and what the modes' tables `network` and `registers` name.
    What only a phase names is not there: a slip of the pen in a phase is refused as the board would
    refuse it.
    """
    images: dict[str, dict[str, int]] = {}
    for mode in modes:
        registers = images.setdefault(mode.bof_file, {})
        registers |= _family(mode.backend)
        network = mode.network
        for suffix in [""] if mode.coherent is None else [str(n) for n in range(NODES)]:
            registers[network.core + suffix] = ETHERNET_CORE
            registers[network.dest_ip + suffix] = registers[network.dest_port + suffix] = WORD
        for name in mode.registers:
            registers.setdefault(name, WORD)
    return dict(images)
