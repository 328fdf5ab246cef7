"""Search-mode PSRFITS by your: floats by its reader of PSRFITS, as the one above it wraps them at
256."""

import sys

import your
from answer import answer
from your.formats.psrfits import PsrfitsFile

file = PsrfitsFile([sys.argv[1]])
count = int(file.nspectra())
answer(
    {
        "version": your.__version__,
        "sample_time": float(file.native_tsamp()),
        "day": int(file.tstart),
        "second": (file.tstart % 1) * 86400,
        "intensity": "mean" if file.poln_order == "AABBCRCI" else "sum",
    },
    values=file.get_data(0, count, npoln=1).reshape(count, -1),
    products=file.get_data(0, count, npoln=4) if file.npoln == 4 else [],
    frequencies=file.freqs,
)
