"""Roles of requests."""

from __future__ import annotations

import pytest

from groundwork.roles import Role
from histogrammer.flavors import FLAVORS, RUSTOGRAMER, SPECTCL, Flavor
from histogrammer.rest.protocol.requests import ROUTES
from histogrammer.rest.protocol.rights import OBSERVED, is_change, role_of
from histogrammer.rest.protocol.spectclroutes import routes_of
from histogrammer.rest.protocol.stubs import STUBS

READING = ("List", "Return", "Integrate", "Say that only")
"""First words of the summaries of requests that change nothing."""


def test_only_requests_of_the_table_have_roles() -> None:
    assert ROUTES.keys() >= OBSERVED


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=list(FLAVORS))
@pytest.mark.parametrize("request_", sorted(ROUTES))
def test_observers_may_what_says_of_itself_that_it_reads(request_: str, flavor: Flavor) -> None:
    if request_ in STUBS and not flavor.carries_out_all:
        assert role_of(request_, flavor) is Role.OBSERVE  # an answer, and nothing else
        return
    reads = routes_of(flavor)[request_].summary.startswith(READING)
    expected = Role.OBSERVE if reads else Role.OPERATE
    if request_ == "exit":
        expected = Role.ADMIN
    elif request_ == "trace/fetch":  # it takes the changes away from whoever has the token
        expected = Role.OPERATE
    assert role_of(request_, flavor) is expected


@pytest.mark.parametrize(
    "request_", ["filter/file", "pseudo/delete", "fit/update", "treevariable/set"]
)
def test_what_only_spectcl_carries_out_is_a_change_there(request_: str) -> None:
    assert (is_change(request_, SPECTCL), is_change(request_, RUSTOGRAMER)) == (True, False)


def test_traces_change_nothing_that_others_see() -> None:
    assert not is_change("trace/establish", RUSTOGRAMER)
    assert role_of("trace/establish", RUSTOGRAMER) is Role.OPERATE
