"""Keys of a client: own key, pins, bundles."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from zmqjsonproxy.keys import KeyFileError, KeyRing
from zmqjsonproxy.keys.files import changing, write_private
from zmqjsonproxy.keys.pair import new_pair
from zmqjsonproxy.keys.protocol.documents import PLAIN, Bundle, write_bundle
from zmqjsonproxy.keys.register import new_client
from zmqjsonproxy.keys.ring import add_pins, own_folder, read_bundle_file, take_bundle

HPC1, HPC2 = (new_pair().public for _ in range(2))


def test_keys_of_a_bundle_are_those_of_the_client(tmp_path: Path) -> None:
    made = new_client("anna")
    folder = tmp_path / "deep" / "keys"
    take_bundle(folder, Bundle(made.own, {"hpc1": HPC1}), replace=False)
    ring = KeyRing.load(folder)
    assert ring is not None
    assert (ring.name, ring.pair.public, ring.token) == ("anna", made.public, made.own.token)
    assert ring.for_server("tcp://hpc1:6667") == HPC1
    assert made.own.secret not in repr(ring)
    assert made.own.token not in repr(ring)
    for path, mode in (
        (folder, 0o700),
        (folder / "client.key", 0o600),
        (folder / "servers.toml", 0o600),
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_bundle_replaces_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    first, second = new_client("anna").own, new_client("anna").own
    take_bundle(tmp_path / "keys", Bundle(first, {"hpc1": HPC1}), replace=False)
    take_bundle(tmp_path / "keys", Bundle(first, {"hpc1": HPC1}), replace=False)
    for bundle in (Bundle(second, {}), Bundle(first, {"hpc1": HPC2, "hpc2": HPC2})):
        with pytest.raises(KeyFileError, match="--replace"):
            take_bundle(tmp_path / "keys", bundle, replace=False)
    ring = KeyRing.load(tmp_path / "keys")
    assert ring is not None
    assert ring.pins == {"hpc1": HPC1}
    take_bundle(tmp_path / "keys", Bundle(second, {"hpc1": HPC2}), replace=True)
    ring = KeyRing.load(tmp_path / "keys")
    assert ring is not None
    assert ring.pins == {"hpc1": HPC2}
    assert ring.token == second.token


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("tcp://hpc1:6667", "hpc1"),
        ("tcp://HPC1:6668", "hpc1"),
        ("tcp://hpc1:7000", None),
        ("tcp://hpc1:7001", "hpc2"),
        ("tcp://hpc2:6667", None),
        ("tcp://127.0.0.1:6667", "hpc2"),
        ("tcp://localhost:6667", "hpc2"),
        ("tcp://[::1]:6667", "hpc2"),
        ("tcp://[fd00::1]:6667", "hpc1"),
        ("tcp://[fd00::1]:7000", "hpc2"),
        ("inproc://hpc1", None),
        ("ipc:///tmp/hpc1", None),
    ],
)
def test_pin_of_a_port_wins_over_that_of_its_host(url: str, host: str | None) -> None:
    pins = {
        "hpc1": HPC1,
        "hpc1:7000": PLAIN,
        "hpc1:7001": HPC2,
        "localhost": HPC2,
        "fd00::1": HPC1,
        "[fd00::1]:7000": HPC2,
    }
    key = None if host is None else {"hpc1": HPC1, "hpc2": HPC2}[host]
    assert KeyRing(name="anna", pair=new_pair(), pins=pins).for_server(url) == key


def test_without_an_own_key_there_is_none(tmp_path: Path) -> None:
    assert KeyRing.load(tmp_path / "nowhere") is None
    add_pins(tmp_path / "keys", {"hpc1": HPC1}, replace=False)
    assert KeyRing.load(tmp_path / "keys") is None


def test_pin_that_differs_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert add_pins(folder, {"hpc1": HPC1}, replace=False) == {}
    assert add_pins(folder, {"hpc1": HPC1, "hpc2": HPC2}, replace=False) == {}
    assert add_pins(folder, {"hpc1": HPC2}, replace=False) == {"hpc1": HPC1}
    take_bundle(folder, Bundle(new_client("anna").own), replace=False)
    ring = KeyRing.load(folder)
    assert ring is not None
    assert ring.pins == {"hpc1": HPC1, "hpc2": HPC2}
    assert add_pins(folder, {"hpc1": HPC2}, replace=True) == {"hpc1": HPC1}


@pytest.mark.parametrize("name", ["client.key", "servers.toml"])
def test_files_that_others_may_read_or_that_are_broken_are_errors(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "keys"
    own = new_client("anna").own
    take_bundle(folder, Bundle(own, {"hpc1": HPC1}), replace=False)
    (folder / name).chmod(0o640)
    with pytest.raises(KeyFileError, match=f"chmod 600 {folder / name}"):
        KeyRing.load(folder)
    (folder / name).write_text(f'secret = "{own.secret}" x')
    (folder / name).chmod(0o600)
    with pytest.raises(KeyFileError, match="not TOML") as caught:
        KeyRing.load(folder)
    assert own.secret not in str(caught.value)


def test_place_of_the_keys_is_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own_folder({"DIBAS_KEYS": "/etc/my"}) == Path("/etc/my")
    assert own_folder({"DIBAS_KEYS": ""}) is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_folder({}) == tmp_path / ".config" / "dealer-player" / "keys"
    assert own_folder({"XDG_CONFIG_HOME": "/x"}) == Path("/x/dealer-player/keys")
    monkeypatch.setenv("DIBAS_KEYS", str(tmp_path / "keys"))
    with pytest.raises(KeyFileError, match=r"keys: is not there, .* correct DIBAS_KEYS"):
        KeyRing.load()
    (tmp_path / "keys").mkdir(mode=0o700)
    assert KeyRing.load() is None
    take_bundle(tmp_path / "keys", Bundle(new_client("anna").own), replace=False)
    assert getattr(KeyRing.load(), "name", "") == "anna"


def test_bundle_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "anna.keys"
    bundle = Bundle(new_client("anna").own, {"hpc1": HPC1})
    with pytest.raises(KeyFileError, match="No such file"):
        read_bundle_file(path)
    tmp_path.chmod(0o700)
    with changing(tmp_path) as folder:
        write_private(folder, path, write_bundle(bundle))
    assert read_bundle_file(path) == bundle
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_bundle_file(path)
    path.write_text("[client]\n")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="is no bundle of keys: name is missing"):
        read_bundle_file(path)
