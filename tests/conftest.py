"""In which order the tests run."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files begin first and the short ones fill the gaps at the end: within each kind the order stays."""
    items.sort(key=lambda item: "integration" not in item.path.parts)
