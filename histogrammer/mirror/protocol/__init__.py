"""Bytes of mirrors, and the states of both ends. No sockets, no clock."""
