"""Instruments, to which the Backends write."""
