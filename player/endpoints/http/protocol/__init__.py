"""Bytes and rules of the HTTP endpoint: no sockets, no clock, no framework."""
