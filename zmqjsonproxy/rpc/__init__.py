"""Calling exposed objects."""
