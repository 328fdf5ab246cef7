"""Tasks of clients, a module for each command."""
