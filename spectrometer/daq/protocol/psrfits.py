"""PSRFITS: the tables of a search-mode and a fold-mode file, their rows and their cards. Numbers
in, layout out.

After the PSRFITS definition, version 6.1 (CSIRO; Hotan, van Straten & Manchester 2004). What it
calls PSR is FOLD here and in the status memory. Opens no file, reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spectrometer.status.protocol.cards import Value

__all__ = [
    "COLUMNS",
    "HEADER_VERSION",
    "UNITS",
    "Layout",
    "Scaled",
    "layout_cards",
    "primary_cards",
    "row_type",
    "scale_profiles",
    "scale_samples",
]

HEADER_VERSION = "6.1"
SEARCH_STEPS = 255
FOLD_STEPS = 65534
FOLD_LIMIT = 32767

Doubles = npt.NDArray[np.float64]
PsrCard = tuple[str, Value, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Of the SUBINT table.

    Attributes:
        frequencies: Middle of each channel, MHz.
        channel_width: MHz, negative where the frequency falls.
        pol_type: Of PSRFITS: IQUV, AABBCRCI, AA+BB or INTEN.
        npol: How many products that is.
        sample_time: s; of a fold-mode file that of a bin.
        nsblk: Samples of a row; 1 in fold mode.
        nbin: Bins of a profile; 1 in search mode.
        coherent_dm: pc/cm3, taken away within channels.
        dm: pc/cm3, of the pulsar; channels are not shifted by it.
    """

    frequencies: tuple[float, ...]
    channel_width: float
    pol_type: str
    npol: int
    sample_time: float
    nsblk: int = 1
    nbin: int = 1
    coherent_dm: float = 0.0
    dm: float = 0.0

    @property
    def is_search(self) -> bool:
        """Samples in time rather than profiles."""
        return self.nbin == 1

    @property
    def nchan(self) -> int:
        """Channels."""
        return len(self.frequencies)

    @property
    def centre(self) -> float:
        """Of all channels, MHz."""
        return (self.frequencies[0] + self.frequencies[-1]) / 2

    @property
    def scaled_in_common(self) -> int:
        """Products, from the first, that have one scale in search mode."""
        return 2 if self.pol_type == "AABBCRCI" else 1


def row_type(layout: Layout) -> np.dtype[np.void]:
    """Of a row of SUBINT, big-endian."""
    nchan, npol = layout.nchan, layout.npol
    data: tuple[str, str, tuple[int, ...]] = ("DATA", ">i2", (npol, nchan, layout.nbin))
    if layout.is_search:
        data = ("DATA", "u1", (layout.nsblk, npol, nchan))
    columns: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = [
        ("INDEXVAL", ">f8"),
        ("TSUBINT", ">f8"),
        ("OFFS_SUB", ">f8"),
        ("LST_SUB", ">f8"),
        ("RA_SUB", ">f8"),
        ("DEC_SUB", ">f8"),
        ("GLON_SUB", ">f8"),
        ("GLAT_SUB", ">f8"),
        ("FD_ANG", ">f4"),
        ("POS_ANG", ">f4"),
        ("PAR_ANG", ">f4"),
        ("TEL_AZ", ">f4"),
        ("TEL_ZEN", ">f4"),
    ]
    columns += [] if layout.is_search else [("PERIOD", ">f8")]
    columns += [
        ("DAT_FREQ", ">f8", (nchan,)),
        ("DAT_WTS", ">f4", (nchan,)),
        ("DAT_OFFS", ">f4", (npol * nchan,)),
        ("DAT_SCL", ">f4", (npol * nchan,)),
        data,
    ]
    return np.dtype(columns)


UNITS = {
    "TBIN": "s",
    "CTR_FREQ": "MHz",
    "CHAN_BW": "MHz",
    "REF_FREQ": "MHz",
    "DM": "pc cm-3",
    "RM": "rad m-2",
    "TSUBINT": "s",
    "OFFS_SUB": "s",
    "LST_SUB": "s",
    "RA_SUB": "deg",
    "DEC_SUB": "deg",
    "GLON_SUB": "deg",
    "GLAT_SUB": "deg",
    "FD_ANG": "deg",
    "POS_ANG": "deg",
    "PAR_ANG": "deg",
    "TEL_AZ": "deg",
    "TEL_ZEN": "deg",
    "PERIOD": "s",
    "DAT_FREQ": "MHz",
    "DATA": "Counts",
}
"""Name of a column -> its unit."""


COLUMNS = {
    "INDEXVAL": "as OFFS_SUB; rows go along with time",
    "TSUBINT": "of a row; fold: that was summed",
    "OFFS_SUB": "since STT: middle of a row; fold: a phase 0",
    "LST_SUB": "mean sidereal time at OFFS_SUB",
    "RA_SUB": "of the source, J2000",
    "DEC_SUB": "of the source, J2000",
    "GLON_SUB": "of the source; not known",
    "GLAT_SUB": "of the source; not known",
    "FD_ANG": "of the feed; not known",
    "POS_ANG": "of the feed on the sky; not known",
    "PAR_ANG": "parallactic; not known",
    "TEL_AZ": "azimuth of the telescope",
    "TEL_ZEN": "zenith angle of the telescope",
    "PERIOD": "of the pulsar in the row's middle",
    "DAT_FREQ": "centre of each channel",
    "DAT_WTS": "fold: share received; search: 1, or 0 if lost",
    "DAT_OFFS": "of each product and channel",
    "DAT_SCL": "of each product and channel",
    "DATA": "value = DATA * DAT_SCL + DAT_OFFS",
    # of the table PSRPARAM
    "PARAM": "line of the par file; F0 is the apparent one",
    # of the table HISTORY
    "DATE_PRO": "UTC when the file was made",
    "PROC_CMD": "program",
    "SCALE": "unit of the values",
    "POL_TYPE": "products of the polarizations",
    "NSUB": "rows of SUBINT",
    "NPOL": "products of the polarizations",
    "NBIN": "bins of a profile; search: 0",
    "NBIN_PRD": "bins of a period; search: 0",
    "TBIN": "of a sample or a bin",
    "CTR_FREQ": "middle of the band",
    "NCHAN": "channels",
    "CHAN_BW": "of a channel, with the sign of the band",
    "REF_FREQ": "where DM is to be taken away to",
    "DM": "of the pulsar; still in DATA",
    "RM": "of the pulsar; still in DATA",
    "PR_CORR": "1: corrected for projection",
    "FD_CORR": "1: corrected for the feed",
    "BE_CORR": "1: corrected for the backend",
    "RM_CORR": "1: corrected for Faraday rotation",
    "DEDISP": "1: channels are dedispersed; here 0",
    "DDS_MTHD": "way of dedispersion between channels",
    "SC_MTHD": "way of correction for scattering",
    "CAL_MTHD": "way of calibration",
    "CAL_FILE": "file of calibration",
    "RFI_MTHD": "way of excision of interference",
}
"""Name of a column -> what it holds."""


def layout_cards(layout: Layout) -> list[PsrCard]:
    """Cards of the SUBINT table beside those of its columns."""
    search = layout.is_search
    return [
        (
            "EPOCHS",
            "VALID",
            "OFFS_SUB stands as it is" if search else "OFFS_SUB is a moment of phase 0",
        ),
        ("INT_TYPE", "TIME", "what rows go along"),
        ("INT_UNIT", "SEC", "its unit"),
        ("SCALE", "Counts", "of DATA * DAT_SCL + DAT_OFFS"),
        ("POL_TYPE", layout.pol_type, "products of the polarizations"),
        ("NPOL", layout.npol, "how many"),
        ("TBIN", layout.sample_time, "s, of a sample or a bin"),
        ("NBIN", layout.nbin, "bins of a profile, else 1"),
        ("NBIN_PRD", layout.nbin, "bins of a period"),
        ("PHS_OFFS", 0.0, "phase of the first bin"),
        ("NBITS", 8 if search else 1, "bits of a sample in SEARCH, else 1"),
        ("ZERO_OFF", 0, "to be taken off samples first"),
        ("SIGNINT", 0, "samples of SEARCH have no sign"),
        ("NSUBOFFS", 0, "rows of the scan before the first here"),
        ("NCHAN", layout.nchan, "channels"),
        ("CHAN_BW", layout.channel_width, "MHz, with the sign of the band"),
        ("REFFREQ", layout.centre, "MHz, where DM is to be taken away to"),
        ("DM", layout.dm, "pc/cm3, of the pulsar; still in DATA"),
        ("RM", 0.0, "rad/m2, of the pulsar"),
        ("NCHNOFFS", 0, "channels of the band before the first here"),
        ("NSBLK", layout.nsblk, "samples of a row in SEARCH, else 1"),
        ("NSTOT", 0, "samples of the file, NSBLK times rows"),
    ]


def primary_cards(layout: Layout, obs_mode: str, day: int, second: float) -> list[PsrCard]:
    """Cards of the primary header that follow from the layout and the time of the first sample.

    Args:
        layout: Of the table.
        obs_mode: SEARCH, PSR or CAL.
        day: MJD, UTC.
        second: Since its beginning, s.
    """
    whole = int(second)
    return [
        ("HDRVER", HEADER_VERSION, "version of PSRFITS"),
        ("FITSTYPE", "PSRFITS", "this is a pulsar's file"),
        ("OBS_MODE", obs_mode, "PSR, CAL or SEARCH"),
        ("OBSFREQ", layout.centre, "MHz, middle of the band"),
        ("OBSBW", layout.channel_width * layout.nchan, "MHz, with the sign of the band"),
        ("OBSNCHAN", layout.nchan, "channels"),
        ("CHAN_DM", layout.coherent_dm, "pc/cm3, taken away within channels"),
        ("STT_IMJD", day, "UTC day of the first sample"),
        ("STT_SMJD", whole, "s since its beginning"),
        ("STT_OFFS", second - whole, "s, the rest"),
    ]


@dataclass(frozen=True, slots=True)
class Scaled:
    """Values as they stand in a row: value = data * scale + offset; scale and offset of each
    product and channel."""

    data: npt.NDArray[np.uint8] | npt.NDArray[np.int16]
    scale: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]


def scale_samples(samples: npt.NDArray[np.float32], *, in_common: int = 1) -> Scaled:
    """To 8 bits, from the smallest to the largest of a row: nothing is cut off, and no error is
    over half a step.

    Args:
        samples: Shape (time, products, channels).
        in_common: So many of the first products have one scale and offset in each channel: there
            are readers that take those of AA for BB, too.
    """
    low, high = samples.min(axis=0).astype(np.float64), samples.max(axis=0).astype(np.float64)
    low[:in_common], high[:in_common] = low[:in_common].min(axis=0), high[:in_common].max(axis=0)
    scale, offset = _steps(low, high, SEARCH_STEPS), low.astype(np.float32)
    steps = np.rint((samples - offset.astype(np.float64)) / scale.astype(np.float64))
    return Scaled(np.clip(steps, 0, SEARCH_STEPS).astype(np.uint8), scale, offset)


def scale_profiles(profiles: Doubles) -> Scaled:
    """To 16 bits with a sign, as `scale_samples`.

    Args:
        profiles: Shape (products, channels, bins).
    """
    low, high = profiles.min(axis=2), profiles.max(axis=2)
    scale, offset = _steps(low, high, FOLD_STEPS), ((low + high) / 2).astype(np.float32)
    steps = np.rint(
        (profiles - offset.astype(np.float64)[..., None]) / scale.astype(np.float64)[..., None]
    )
    return Scaled(np.clip(steps, -FOLD_LIMIT, FOLD_LIMIT).astype(np.int16), scale, offset)


def _steps(low: Doubles, high: Doubles, count: int) -> npt.NDArray[np.float32]:
    """Size of a step; a little more than needed, so that the rounding of scale and offset to 32
    bits cuts nothing.

    Where nothing differs, or by less than 32 bits can divide, it is 1: more than the whole
    difference.
    """
    step = ((high - low) * (1 + 1e-6) + np.abs(low) * 2e-7) / count
    return np.where((high > low) & (step >= np.finfo(np.float32).tiny), step, 1.0).astype(
        np.float32
    )
