"""Backends: each family of modes turns parameters into status values and register contents."""
