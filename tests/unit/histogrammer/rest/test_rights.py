"""Roles of requests."""

from __future__ import annotations

import pytest

from groundwork.roles import Role
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.rights import OBSERVED, role_of
from histogrammer.rest.protocol.stubs import STUBS

READING = ("List", "Return", "Integrate", "Say that only")
"""First words of the summaries of requests that change nothing."""


def test_only_requests_of_the_table_have_roles() -> None:
    assert ROUTES.keys() >= OBSERVED


@pytest.mark.parametrize("request_", sorted(ROUTES.keys() - STUBS.keys()))
def test_observers_may_what_says_of_itself_that_it_reads(request_: str) -> None:
    reads = ROUTES[request_].summary.startswith(READING)
    expected = Role.OBSERVE if reads else Role.OPERATE
    if request_ == "exit":
        expected = Role.ADMIN
    elif request_ == "trace/fetch":  # it takes the changes away from whoever has the token
        expected = Role.OPERATE
    assert role_of(request_) is expected
