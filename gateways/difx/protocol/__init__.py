"""Bytes and rules of the guiServer protocol; no sockets, no clock."""
