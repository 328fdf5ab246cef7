"""Control of a Bank without clocks, files and sockets."""
