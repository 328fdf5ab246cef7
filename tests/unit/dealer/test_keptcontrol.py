"""Control that the commands of one user share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dealer.keptcontrol import KeptControl, control_file


def test_credentials_are_kept_until_they_end_or_are_removed(tmp_path: Path) -> None:
    path, now = tmp_path / "state" / "control.json", [100.0]
    kept = KeptControl(path, lambda: now[0])
    kept.add(
        {"tcp://a:1": ("7:t", 200.0), "tcp://b:1": ("8:u", 300.0), "tcp://c:1": ("9:v", 300.0)}
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    kept.remove(["tcp://c:1", "tcp://d:1"])
    assert KeptControl(path, lambda: now[0]).credentials() == {
        "tcp://a:1": "7:t",
        "tcp://b:1": "8:u",
    }
    now[0] = 200.0
    assert kept.credentials() == {"tcp://b:1": "8:u"}


def test_commands_that_run_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path, urls = tmp_path / "control.json", [f"tcp://a:{port}" for port in range(1, 41)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda url: KeptControl(path, lambda: 0.0).add({url: ("7:t", 9.0)}), urls))
    assert KeptControl(path, lambda: 0.0).credentials().keys() == set(urls)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', '{"a": ["x", "y"]}', "null"])
def test_a_damaged_file_is_as_none(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "control.json"
    path.write_text(damage)
    kept = KeptControl(path, lambda: 0.0)
    assert kept.credentials() == {}
    kept.add({"tcp://a:1": ("7:t", 200.0)})
    assert kept.credentials() == {"tcp://a:1": "7:t"}


def test_it_is_in_the_state_folder_of_the_user() -> None:
    assert control_file({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path(
        "/s/dealer-player/control.json"
    )
    assert control_file({"HOME": "/h"}) == Path("/h/.local/state/dealer-player/control.json")
    assert control_file({}) is None
    assert KeptControl(None).credentials() == {}
