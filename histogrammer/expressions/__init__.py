"""Expressions of pseudo parameters, as Tcl's `expr` has them. Pure."""
