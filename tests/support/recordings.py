"""The sample recordings that the package `baseband` ships; nothing of it is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def recording(name: str = "sample_puppi.raw") -> Path:
    """Path of an installed sample recording."""
    spec = importlib.util.find_spec("baseband")
    assert spec is not None, "the recordings are installed with the extra `dev`"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data" / name
