"""GUPPI raw by baseband."""

import sys

import baseband.guppi
from answer import answer

with baseband.guppi.open(sys.argv[1], "rs") as stream:
    values = stream.read()  # (time, polarization, channel)
    start = stream.start_time
    answer(
        {
            "version": baseband.__version__,
            "sample_time": float(1 / stream.sample_rate.to_value("Hz")),
            "day": int(start.utc.mjd),
            "second": float((start.utc.mjd % 1) * 86400),
            "errors": len(stream.info.errors),
        },
        values=values,
    )
