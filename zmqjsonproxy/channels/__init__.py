"""Live channels: what is published, to whoever subscribed."""
