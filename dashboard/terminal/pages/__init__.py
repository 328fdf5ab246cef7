"""Pages of the terminal: state in, lines out. No clock, no terminal."""
