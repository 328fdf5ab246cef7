"""What the Backends write to."""
