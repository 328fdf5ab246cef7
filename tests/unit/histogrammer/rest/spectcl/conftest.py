"""A histogrammer by the rules of SpecTcl that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.rest_client import RestClient, rest_client

from histogrammer.flavors import SPECTCL


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[RestClient]:
    with rest_client(tmp_path, flavor=SPECTCL) as made:
        yield made
