"""NSCLDAQ's import names for what `dealer-player` brings."""
