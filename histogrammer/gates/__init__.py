"""Kinds of gates (conditions), a module each. Pure."""
