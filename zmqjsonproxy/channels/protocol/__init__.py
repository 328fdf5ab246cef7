"""Bytes of live channels."""
