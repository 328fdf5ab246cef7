"""Endpoints: the ways in through which a Bank is reached."""
