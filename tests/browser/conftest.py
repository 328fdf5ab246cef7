"""Tests in a browser, in a pytest call of their own: `make test-web`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.chromium import Watched

from benchmarks.chromium import chromium, why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them beside others: playwright keeps an event loop in the main thread."""
    ours = [item for item in items if HERE in item.path.parents]
    reason = why_not() or ("they run alone: make test-web" if len(ours) < len(items) else "")
    for item in ours if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Make profiles of the browser, which at the end have to be without a fault."""
    with ExitStack() as stack:

        def make(origin: str, **options: Any) -> Watched:
            made = Watched(browser, origin, **options)
            stack.callback(made.close)
            return made

        yield make
