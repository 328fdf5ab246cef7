"""Names of measurements and parts."""

from __future__ import annotations

import pytest

from benchmarks.parts import selected


def test_a_name_is_all_its_parts_and_a_part_is_itself() -> None:
    parts = selected(["operations", "calls.query"])
    assert list(parts) == ["operations.memory", "operations.time", "calls.query"]


@pytest.mark.parametrize("name", ["nothing", "calls.nothing"])
def test_an_unknown_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(KeyError, match=r"nothing; .*there are: \w+"):
        selected([name])
