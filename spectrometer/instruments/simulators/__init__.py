"""Simulated instruments that speak the real protocols: boards over KATCP on a TCP port,
synthesizers on a terminal."""
