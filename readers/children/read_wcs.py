"""Axis of the column DATA of spectra by wcslib."""

import sys

import astropy
import numpy as np
from answer import answer
from astropy.io import fits
from astropy.wcs import WCS

with fits.open(sys.argv[1]) as units:
    table = units["SPECTRA"]
    number = table.columns.names.index("DATA") + 1
    axis = WCS(table.header, keysel=["binary"], colsel=[number])
    channels = np.arange(table.data["DATA"].shape[-1])
    rows = table.data
    answer(
        {
            "version": astropy.__version__,
            "unit": str(axis.wcs.cunit[0]),
            "type": str(axis.wcs.ctype[0]),
        },
        values=np.asarray(rows["DATA"], float),
        frequencies=axis.wcs_pix2world(channels, 0)[0] / 1e6,
        cal=np.asarray(rows["CAL"]),
        times=np.asarray(rows["TIME"]),
        exposures=np.asarray(rows["EXPOSURE"]),
        polarizations=np.array([str(pol) for pol in rows["POL"]]),
    )
