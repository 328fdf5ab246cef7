"""What the HTTP endpoint says and whom it answers: no sockets, no clock, no framework."""
