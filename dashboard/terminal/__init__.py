"""The array on a terminal: the state that the pages show, as lines of text."""
