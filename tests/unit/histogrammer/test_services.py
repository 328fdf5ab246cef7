"""Services of one name at a port manager: what a histogrammer warns of."""

from __future__ import annotations

import pytest

from histogrammer.services import listed_otherwise
from portmanager import Allocation

MINE = Allocation(31000, "RG", "rusty")


@pytest.mark.parametrize(
    "others",
    [
        [],
        [Allocation(30999, "RG", "graham")],
        [Allocation(30999, "RG_REST", "rusty"), Allocation(30998, "RG_", "rusty")],
        [Allocation(30999, "XRG_1", "rusty")],
    ],
)
def test_a_service_that_is_there_once_is_no_matter(others: list[Allocation]) -> None:
    assert listed_otherwise([MINE, *others], "RG", "rusty", 31000, "--rest-service") == []


@pytest.mark.parametrize(
    ("listed", "port", "told"),
    [
        ((30999, 31000), 30999, "port 30999, which is ours, as RG, and port 31000 as RG_1;"),
        ((30999, 31000), 31000, "port 31000, which is ours, as RG_1, and port 30999 as RG;"),
    ],
)
def test_several_of_one_name_are_told_with_their_ports(
    listed: tuple[int, int], port: int, told: str
) -> None:
    found = [Allocation(listed[0], "RG", "rusty"), Allocation(listed[1], "RG_1", "rusty")]
    (sentence,) = listed_otherwise(found, "RG", "rusty", port, "--rest-service")
    assert f"service RG of rusty is there several times: {told}" in sentence


def test_a_port_that_is_not_listed_is_not_spoken_of() -> None:
    found = [Allocation(30999, "RG", "rusty"), Allocation(30998, "RG_1", "rusty")]
    assert listed_otherwise(found, "RG", "rusty", 31000, "--rest-service") == []
