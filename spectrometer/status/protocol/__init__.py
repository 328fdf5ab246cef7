"""Bytes of the status memory; no shared memory here."""
