"""Spectra as files, as pictures, and as live pipes."""
