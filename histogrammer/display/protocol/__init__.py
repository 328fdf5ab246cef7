"""Bytes of the display memory. No files."""
