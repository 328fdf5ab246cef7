"""Bytes of recordings; no file is opened here."""
