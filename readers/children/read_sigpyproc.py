"""Search-mode PSRFITS by sigpyproc."""

import sys
from importlib.metadata import version

from answer import answer
from sigpyproc.io.pfits import PFITSFile
from sigpyproc.readers import PFITSReader

file = PFITSFile(sys.argv[1])
whole = PFITSReader(sys.argv[1])  # reads what the other leaves alone: antenna, position, backend
start = file.pri_hdr.tstart.utc
answer(
    {
        "version": version("sigpyproc"),
        "sample_time": float(file.sub_hdr.tsamp),
        "day": int(start.mjd),
        "second": float((start.mjd % 1) * 86400),
        "intensity": "sum",
        "samples": int(whole.header.nsamples),
    },
    values=file.read_subints(0, file.sub_hdr.nsubint),
    products=[],
    frequencies=file.sub_hdr.freqs.array,
)
