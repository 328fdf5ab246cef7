"""Names, identities, ranges and the order of a transfer. No I/O."""
