"""The folder that Python children of a plan find first on their PYTHONPATH."""
