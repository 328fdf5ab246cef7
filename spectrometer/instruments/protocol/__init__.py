"""Bytes of instruments. No socket, port, thread or clock."""
