"""IPv6: served, and reached by address and by names that stand for addresses of both kinds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from support.original_server import OriginalPlayer
from support.player_run import free_port
from support.rpc_bank import Bank
from support.toy_bank import ToyBank, write_configuration

from dealer import ConfigurationError, Dealer
from dealer.players import players_of_file
from player.config import load
from player.errors import ConfigError
from player.host import Host
from zmqjsonproxy import PeerLostError, ZMQJSONProxyClient, ZMQJSONProxyServer
from zmqjsonproxy.recording import Recorder

ROOT = Path(__file__).resolve().parents[2]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here")


def test_both_clients_reach_a_server_by_its_address(make_proxy: Callable[..., Any]) -> None:
    with zmq.Context() as context, ZMQJSONProxyServer(context, "tcp://[::1]:*") as server:
        server.expose("bank", Bank())
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        try:
            assert server.url.startswith("tcp://[::1]:")
            proxy = make_proxy(server.url)
            assert proxy.add(2, 3) == 5
            with proxy.batch() as batch:
                added = batch.add(2, 3)
            assert added.result() == 5
            proxy.close()
        finally:
            server.quit_loop()
            thread.join()


def test_a_server_of_the_original_is_reached_so(make_proxy: Callable[..., Any]) -> None:
    with OriginalPlayer("tcp://[::1]:*", mode="MODE1") as old:
        proxy = make_proxy(old.url)
        assert [proxy.get_mode() for _ in range(3)] == ["MODE1"] * 3
        proxy.close()


@pytest.mark.parametrize(
    ("bind", "serves_on"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("::", "[::]")]
)
def test_a_player_serves_and_a_dealer_of_the_same_file_finds_it(
    tmp_path: Path, bind: str, serves_on: str
) -> None:
    port = free_port()
    table = {"bind": bind, "hpc_host": "::1", "player_port": port}
    file = write_configuration(tmp_path / "d.toml", {"BANKA": table}, "insecure = true")
    with Host(load(file), "BANKA", kind=ToyBank) as host:
        host.open()
        assert host.url == f"tcp://{serves_on}:{port}"
        assert host.wait_until_ready()
        assert players_of_file(file) == {"BANKA": f"tcp://[::1]:{port}"}
        with Dealer(config=file, timeout=20) as d:
            assert d.get_bank_name() == {"BANKA": "BANKA"}


def test_a_recorder_stands_between(tmp_path: Path) -> None:
    with zmq.Context() as context, OriginalPlayer("tcp://[::1]:*", mode="MODE1") as old:
        recorder = Recorder(context, "tcp://[::1]:*", old.url, tmp_path / "r.rec")
        thread = threading.Thread(target=recorder.run)
        thread.start()
        with ZMQJSONProxyClient(None, "bank", recorder.url, 20.0) as proxy:
            assert proxy.get_mode() == "MODE1"
        recorder.quit()
        thread.join()


TWO = """
import sys, threading, zmq
from zmqjsonproxy import ThreadHub, ZMQJSONProxyServer, query
class Bank:
    @query
    def where(self): return self.at
found = []
for at in sys.argv[1:]:
    with zmq.Context() as context, ZMQJSONProxyServer(context, at) as server:
        bank = Bank()
        bank.at = at.rpartition(":")[0]
        server.expose("bank", bank)
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        port = server.url.rpartition(":")[2]
        with ThreadHub() as hub:
            for host in ("both", "four", "six"):
                try:
                    found.append(hub.call(f"tcp://{host}:{port}", "bank", "where", timeout=20))
                except Exception as error:
                    found.append(type(error).__name__)
            hub.call(f"tcp://both:{port}", "bank", "where", timeout=20)
        server.quit_loop()
        thread.join()
print(*found)
"""


def test_a_name_that_stands_for_both_kinds_reaches_whichever_serves(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost both four\n::1 both six\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    inside = ["unshare", "-rm", "sh", "-c", script, str(hosts)]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a name cannot be given two addresses here: no right to make a mount namespace")
    done = subprocess.run(
        [*inside, sys.executable, "-c", TWO, "tcp://127.0.0.1:*", "tcp://[::1]:*"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    four, six = "tcp://127.0.0.1", "tcp://[::1]"
    found = done.stdout.split()
    # What the third name is in IPv4 is up to the C library: glibc takes ::1 for 127.0.0.1, too.
    assert [*found[:2], *found[3:]] == [four, four, six, "PeerLostError", six], done.stderr


def test_nobody_at_a_name_is_told_as_soon_as_ever(make_proxy: Callable[..., Any]) -> None:
    with pytest.raises(PeerLostError, match="connection refused"):
        make_proxy(f"tcp://localhost:{free_port()}").add(2, 3)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("tcp://hpc1:6667", "is a URL"),
        ("hpc1:6667", "has a port"),
        ("hpc 1", "is no host"),
        ("höhe", "is not ASCII"),
    ],
)
def test_a_host_that_is_none_is_a_fault_with_its_line_for_players_and_dealers(
    tmp_path: Path, host: str, says: str
) -> None:
    file = write_configuration(tmp_path / "d.toml", {"BANKA": {"hpc_host": host}})
    with pytest.raises(ConfigError, match=rf"d.toml:\d+: banks.BANKA.hpc_host: .*{says}"):
        load(file)
    with pytest.raises(ConfigurationError, match=rf"banks.BANKA.hpc_host: .*{says}"):
        players_of_file(file)


@pytest.mark.parametrize("bind", ["127.0.0.1", "lo", "localhost"])
def test_the_loopback_interface_is_judged_alike_by_player_dealer_and_check(
    tmp_path: Path, bind: str
) -> None:
    port = free_port()
    file = write_configuration(tmp_path / "d.toml", {"BANKA": {"bind": bind, "player_port": port}})
    config = load(file)
    assert config.warnings == ()
    assert config.url("BANKA") == f"tcp://127.0.0.1:{port}"
    assert config.url("BANKA", bind) == f"tcp://127.0.0.1:{port}"
    assert players_of_file(file) == {"BANKA": f"tcp://127.0.0.1:{port}"}
    with Host(config, "BANKA", kind=ToyBank) as host:
        host.open()
        assert host.url == f"tcp://127.0.0.1:{port}"
