"""Measurements of the targets, each beside the floor it is compared with; `python -m
benchmarks`."""
