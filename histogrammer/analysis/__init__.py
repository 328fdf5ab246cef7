"""Calculations on spectra: statistics, integrals, projections. Pure."""
