"""Fold and calibration PSRFITS by PyPulse."""

import sys
from importlib.metadata import version

import numpy as np
from answer import answer

numpy = np
numpy.trapz, numpy.in1d = np.trapezoid, np.isin  # which it calls, and numpy 2 has no more

import pypulse  # noqa: E402

archive = pypulse.Archive(sys.argv[1], prepare=False, baseline_removal=False, verbose=False)
values = np.array(archive.getData(squeeze=False, weight=False))
frequencies = np.array(archive.freq[0], float)
numbers = {
    "version": version("pypulse"),
    "period": float(archive.getPeriod()),
    "day": int(archive.header["STT_IMJD"]),
    "second": float(archive.header["STT_SMJD"]) + float(archive.header["STT_OFFS"]),
    "dm": float(archive.getDM()),
    "duration": float(archive.getDuration()),
}
times = np.array([float(offset) for offset in archive.subint_starts])
if not archive.isCalibrator():
    archive.dedisperse()
dedispersed = np.array(archive.getData(squeeze=False, weight=False))
answer(numbers, values=values, frequencies=frequencies, times=times, dedispersed=dedispersed)
