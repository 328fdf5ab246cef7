"""Faults at random points of scans, and promises that hold afterwards.

`python -m tools.soak --minutes M --seed N` prints the table; `make soak MINUTES= SEED=` runs it.
"""
