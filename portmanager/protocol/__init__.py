"""The bytes and the decisions of the port manager. No sockets, no clock, no files."""
