"""Parts that all packages share, of the standard library alone: addresses and other texts, errors that
travel, code found by its name. Knows nothing of Banks."""
