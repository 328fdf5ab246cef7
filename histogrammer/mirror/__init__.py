"""Mirrors: display memories copied to other hosts over TCP."""
