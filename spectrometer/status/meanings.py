"""Meanings of the keys of the status memory, as short as the comment of a card. Reads nothing."""

from __future__ import annotations

import re

__all__ = ["meaning", "unit_of"]

_UNITS = ("Hz", "deg", "m", "pc/cm3", "s")
"""Units with which meanings begin."""

_MEANINGS = {
    "ACC_LEN": "spectra that the FPGA sums",
    "ANT_X": "m, ITRF, of the antenna",
    "ANT_Y": "m, ITRF, of the antenna",
    "ANT_Z": "m, ITRF, of the antenna",
    "AZ": "deg, azimuth of the telescope",
    "BACKEND": "family of the mode",
    "BANKNAM": "Bank",
    "BANKNUM": "node of a coherent mode",
    "BLOCSIZE": "bytes of a block, as the mode has it",
    "BMAJ": "deg, of the beam",
    "BMIN": "deg, of the beam",
    "BOFFILE": "image of the FPGA",
    "BW_MODE": "low or high bandwidth",
    "CAL_DCYC": "part of a period that the diode is on",
    "CAL_FREQ": "Hz, of the diode",
    "CAL_MODE": "diode: ON or OFF",
    "CAL_PHS": "turns of the diode at the start",
    "CHAN_DM": "pc/cm3, taken away within channels",
    "DAQSRC": "source that was wished for",
    "DATADIR": "data root",
    "DATAHOST": "address of the FPGA's data link",
    "DATAPORT": "port of the FPGA's data link",
    "DEC": "deg, of the source",
    "DEC_STR": "dd:mm:ss.s, of the source",
    "DS_FREQ": "channels that are summed",
    "DS_TIME": "samples that are summed",
    "EXPOCLKS": "clocks of the FPGA in an exposure",
    "EXPOSURE": "s, of an integration",
    "FD_HAND": "+1: A, B are X, Y or L, R",
    "FD_POLN": "basis of A and B, LIN or CIRC",
    "FD_SANG": "deg, where A = B",
    "FD_XYPH": "deg, of A* B of the diode",
    "FFTLEN": "of coherent dedispersion, as the mode has it",
    "FRONTEND": "receiver",
    "LST": "s, sidereal time",
    "MODENAME": "kind of the mode",
    "MODENUM": "mode",
    "M_STTMJD": "day of the start in the FPGA, MJD",
    "M_STTOFF": "s since its beginning",
    "NBIN": "bins of a folded profile",
    "NBITS": "bits of a sample of the sampler",
    "NBITSADC": "bits of a sample of the sampler",
    "NCHAN": "channels of the mode",
    "NMSTOKES": "products of the polarizations",
    "NOISESRC": "noise source of the sampler, ON or OFF",
    "NPOL": "polarizations of the mode",
    "NRCVR": "polarizations of the receiver",
    "NSUBBAND": "sub-bands",
    "NUMPHASE": "switching states",
    "OBSERVER": "observer",
    "OBSID": "observation",
    "OBS_MODE": "kind of the recording",
    "ONLY_I": "1: total power only",
    "OVERLAP": "of blocks, as the mode has it",
    "PARFILE": "par file of the pulsar",
    "PFB_OVER": "taps of the FPGA's filter bank",
    "PKTFMT": "format of the FPGA's packets",
    "POLARIZE": "polarizations: SELF, SELF1, SELF2 or CROSS",
    "POL_TYPE": "products of the polarizations",
    "PROJID": "project",
    "RA": "deg, of the source",
    "RA_STR": "hh:mm:ss.s, of the source",
    "SCAN": "number of the scan",
    "SCANLEN": "s, as asked for",
    "SCANNUM": "number of the scan",
    "SIMULATE": "1: nothing was received",
    "SRC_NAME": "source",
    "SWMASTER": "maker of the switching signals",
    "SWPERINT": "switching periods in an integration",
    "SWPERIOD": "s, of switching",
    "SWVER": "version of the FPGA's image",
    "TELESCOP": "telescope",
    "TFOLD": "s, of a folded profile",
    "TRK_MODE": "TRACK, SCANGC or SCANLAT",
    "ZA": "deg, zenith angle of the telescope",
    "_SWSGPLY": "polarity of the switching signals",
}
_FAMILIES = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"OFFSET\d", "offset of a product in the FPGA"),
        (r"SCALE\d", "gain of a product in the FPGA"),
        (r"SIM[A-Z0-9]+", "wish for the synthetic receiver"),
        (r"_SPHS_\d\d", "start of a state, part of the period"),
        (r"_SBLK_\d\d", "s of blanking at the start of a state"),
        (r"_SCAL_\d\d", "diode in a state: 1 on"),
        (r"_SSRF_\d\d", "signal or reference in a state, 0 or 1"),
        (r"_A[IE]CL_\d\d", "internal or external diode in a state"),
        (r"_A[IE]S[AB]_\d\d", "internal or external reference in a state"),
    )
]


def meaning(key: str) -> str:
    """Return what a key stands for; a site's own keys only are known to be the status memory's."""
    if key in _MEANINGS:
        return _MEANINGS[key]
    return next(
        (text for pattern, text in _FAMILIES if pattern.fullmatch(key)), "of the status memory"
    )


def unit_of(key: str) -> str:
    """Return the unit of a key's value; empty: it has none, or it is not known."""
    begin = re.split("[ ,]", meaning(key), maxsplit=1)[0]
    return begin if begin in _UNITS else ""
