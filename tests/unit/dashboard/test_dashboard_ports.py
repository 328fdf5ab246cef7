"""Places of the port managers of an array."""

from __future__ import annotations

import pytest

from dashboard.ports import managers

PLACES = [
    ("", ["hpc1", "hpc2", "hpc1", ""], ["hpc1:30000", "hpc2:30000"]),
    ("localhost:31000", ["hpc1"], ["hpc1:31000"]),
    ("central:31000", ["hpc1", "hpc2"], ["central:31000"]),
]


@pytest.mark.parametrize(("told", "hosts", "wanted"), PLACES)
def test_a_manager_that_is_called_localhost_is_on_each_host(
    told: str, hosts: list[str], wanted: list[str]
) -> None:
    assert [f"{one.host}:{one.port}" for one in managers(told, hosts)] == wanted
