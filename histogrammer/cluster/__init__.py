"""Spectra of large files of events, filled by many workers. Needs the extra `cluster`, Dask's."""
