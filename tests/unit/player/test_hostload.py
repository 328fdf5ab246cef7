"""Load of the host as it is published."""

from __future__ import annotations

import os

from player.hostload import HostLoad


def test_load_has_sensible_numbers_of_this_host() -> None:
    found = HostLoad().read()
    assert found["cores"] == os.cpu_count()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found["memory_bytes"] == total
    assert isinstance(found["used_bytes"], int)
    assert 0 < found["used_bytes"] <= total
    assert isinstance(found["player_bytes"], int)
    assert 0 < found["player_bytes"] <= total


def test_traffic_is_unknown_at_the_first_reading() -> None:
    found = HostLoad().read()
    assert (found["received_per_s"], found["sent_per_s"]) == (0, 0)
