"""Ways in for clients of other control systems: kinds of Banks with endpoints in their protocols."""
