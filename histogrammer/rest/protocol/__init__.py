"""Requests and answers of the REST interface as texts and objects. No sockets, no framework."""
