"""A histogrammer that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.rest_client import RestClient, rest_client


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[RestClient]:
    with rest_client(tmp_path) as made:
        yield made
