"""What is computed from spectra: statistics, integrals, projections. Pure."""
