"""Bytes of calls and replies, in both dialects; no sockets, threads or clocks."""
