"""Bytes and decisions of the dashboard. No sockets, no clock."""
