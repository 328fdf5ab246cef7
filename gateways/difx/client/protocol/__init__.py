"""Client's side of the guiServer protocol as state and values; no sockets, no clock."""
