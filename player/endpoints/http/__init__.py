"""The endpoint for browsers and web tools: pages, JSON, metrics, streams. It changes nothing."""
