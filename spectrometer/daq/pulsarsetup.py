"""Set-up of a scan of a pulsar mode, read from the values of the status memory. Pure: values in,
setup out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spectrometer.daq.dedispersion import Transforms
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.scansetup import MAX_CHANNELS, number_of, safe_name
from spectrometer.daq.source import feed_basis
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value

__all__ = ["BACKEND", "PulsarSetup", "RecordedForm", "read_pulsar_setup"]

BACKEND = "GUPPI"
"""The status key BACKEND of pulsar modes."""
MAX_BINS = 1 << 16


class RecordedForm(StrEnum):
    """Form of the recorded data."""

    SEARCH = "SEARCH"
    FOLD = "FOLD"
    CAL = "CAL"
    RAW = "RAW"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulsarSetup:
    """One scan of a pulsar mode; seconds, MHz, pc/cm3."""

    recording: RecordedForm
    is_coherent: bool
    """Voltages are dedispersed before they are detected."""
    nchan: int
    sample_time: float
    """Of a sample that is recorded or folded, as wanted."""
    pol_type: str
    """IQUV, AABBCRCI or AA+BB."""
    basis: str
    """Of the feed's polarizations, LIN or CIRC."""
    dm: float
    """Of coherent dedispersion."""
    transforms: Transforms
    blocsize: int
    """Bytes; 0: not said."""
    nbin: int
    fold_time: float
    par_file: str
    cal_frequency: float
    """Hz."""
    cal_duty: float
    scan_length: float | None
    """None: until STOP."""
    project: str
    bank: str
    scan_number: int


def read_pulsar_setup(values: Mapping[str, Value]) -> PulsarSetup:
    """Read a scan's setup; numbers may stand there as text.

    Raises:
        ScanSetupError: A key is missing or its value cannot be.
    """
    word = str(values.get("OBS_MODE", UNSPECIFIED)).upper()
    kind, is_coherent = word.removeprefix("COHERENT_"), word.startswith("COHERENT_")
    if kind not in RecordedForm.__members__ or (is_coherent and kind == "RAW"):
        raise ScanSetupError(
            f"OBS_MODE is {word}; expected SEARCH, FOLD, CAL or RAW, or COHERENT_ and one of the first three"
        )
    recording = RecordedForm(kind)

    def positive(key: str, default: float | None = None) -> float:
        number = number_of(values, key, default)
        if not number > 0:
            raise ScanSetupError(f"{key} is {number:g}; expected more than 0")
        return number

    nchan = int(number_of(values, "OBSNCHAN"))
    if not 1 <= nchan <= MAX_CHANNELS:
        raise ScanSetupError(f"OBSNCHAN is {nchan}; expected 1 to {MAX_CHANNELS}")
    nbin = int(number_of(values, "NBIN", 256))
    if not 2 <= nbin <= MAX_BINS:
        raise ScanSetupError(f"NBIN is {nbin}; expected 2 to {MAX_BINS}")
    duty = number_of(values, "CAL_DCYC", 0.5)
    if not 0 < duty < 1:
        raise ScanSetupError(f"CAL_DCYC is {duty:g}; expected more than 0 and less than 1")
    one_product = int(number_of(values, "NPOL", 4)) == 1 or bool(number_of(values, "ONLY_I", 0))
    pol_type = "AA+BB" if one_product else str(values.get("POL_TYPE", "IQUV")).upper()
    if pol_type not in ("IQUV", "AABBCRCI", "AA+BB"):
        raise ScanSetupError(f"POL_TYPE is {pol_type}; expected IQUV, AABBCRCI or AA+BB")
    length = number_of(values, "SCANLEN", 0.0)
    return PulsarSetup(
        recording=recording,
        is_coherent=is_coherent,
        nchan=nchan,
        sample_time=positive("TBIN") * positive("DS_TIME", 1.0),
        pol_type=pol_type,
        basis=feed_basis(values.get("FD_POLN", "")) or "LIN",
        dm=max(number_of(values, "CHAN_DM", 0.0), 0.0),
        transforms=Transforms(
            int(min(max(number_of(values, "FFTLEN", 16384), 16), 1 << 24)),
            int(min(max(number_of(values, "OVERLAP", 0), 0), 1 << 22)),
        ),
        blocsize=int(max(number_of(values, "BLOCSIZE", 0), 0)),
        nbin=nbin,
        fold_time=positive("TFOLD", 1.0),
        par_file=str(values.get("PARFILE", UNSPECIFIED)),
        cal_frequency=positive("CAL_FREQ") if recording is RecordedForm.CAL else 0.0,
        cal_duty=duty,
        scan_length=length if length > 0 else None,
        project=safe_name(str(values.get("PROJID", UNSPECIFIED))),
        bank=safe_name(str(values.get("BANKNAM", "BANK"))),
        scan_number=int(number_of(values, "SCANNUM", 0)),
    )
