"""What both halves of a proxy share, without sockets, threads or clocks."""
