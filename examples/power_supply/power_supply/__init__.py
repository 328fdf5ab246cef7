"""A laboratory power supply as a Bank."""
