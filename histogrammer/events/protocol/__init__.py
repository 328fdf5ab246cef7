"""Bytes of event data. No files, no sockets."""
