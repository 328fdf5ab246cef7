"""Bytes and rules of the guiServer protocol; no sockets, no clock. A packet is read from the outside in
by `frames`, `packets` and `items`.
"""
