"""The display memory, which displays of the host map, and what stands in it."""
