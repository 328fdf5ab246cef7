"""Fixtures of the tests of all Backends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.memory import private_status

from spectrometer.status import StatusBuffer


@pytest.fixture
def status() -> Iterator[StatusBuffer]:
    """A status memory of the test's own."""
    with private_status() as buffer:
        yield buffer
