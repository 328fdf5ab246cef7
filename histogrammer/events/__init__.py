"""Events: their files and other sources, and their blocks by column."""
