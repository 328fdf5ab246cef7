"""Spectra as text and back. Pure: no files are opened here."""
