"""Ground of both halves of a proxy, without sockets, threads or clocks."""
