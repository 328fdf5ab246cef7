"""Observing: the course of a scan, its states and times, from arming to its report."""
