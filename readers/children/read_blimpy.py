"""GUPPI raw by blimpy."""

import sys

import blimpy
import numpy as np
from answer import answer

raw = blimpy.GuppiRaw(sys.argv[1])
blocks, header = [], {}
for _ in range(raw.find_n_data_blocks()):
    found, block = raw.read_next_data_block()  # (channel, time, polarization)
    header = header or found
    blocks.append(block.copy())  # it fills one array anew each time
first = {
    key: header[key]
    for key in ("OBSFREQ", "OBSBW", "OBSNCHAN", "TBIN", "STT_IMJD", "STT_SMJD", "STT_OFFS")
}
answer(
    {
        "version": blimpy.__version__,
        "sample_time": float(first["TBIN"]),
        "day": int(first["STT_IMJD"]),
        "second": float(first["STT_SMJD"]) + float(first["STT_OFFS"]),
    },
    values=np.concatenate(blocks, axis=1).transpose(1, 2, 0),
)
