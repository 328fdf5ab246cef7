"""Control of a Bank: the lease, the object `control` that gives it, and the gate of commands."""
