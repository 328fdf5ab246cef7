"""Files over calls: areas of files that a server offers, and their transfer, whole or by range."""
