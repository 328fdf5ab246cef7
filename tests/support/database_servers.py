"""PostgreSQL and Redis of the operating system's packages, each on a socket file of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.player_run import poll

ACCOUNT = "postgres"
"""Account under which PostgreSQL runs if the tests run as root, under whom it does not."""


class LocalServer:
    """A server process that is started and stopped as a test likes.

    Attributes:
        folder: Of its files and its socket.
    """

    def __init__(
        self, words: list[str], folder: Path, account: str | None, is_ready: Callable[[], bool]
    ) -> None:
        self.folder, self._words, self._account = folder, words, account
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = process = subprocess.Popen(
                self._words, stdout=log, stderr=log, user=self._account, group=self._account
            )

        def is_there() -> bool:
            assert process.poll() is None, (self.folder / "log").read_text()
            return self._is_ready()

        poll(is_there, f"{self._words[0]} is there")

    def stop(self) -> None:
        """End it, connections and all; may be called twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None


@contextmanager
def _server(
    words: list[str], folder: Path, account: str | None, is_ready: Callable[[], bool]
) -> Iterator[LocalServer]:
    made = LocalServer(words, folder, account, is_ready)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def _folder(account: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sinks-"))  # of a short name, as sockets need
    try:
        if account is not None:
            found = pwd.getpwnam(account)
            os.chown(folder, found.pw_uid, found.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server() -> Iterator[tuple[LocalServer, str]]:
    """Run PostgreSQL; it and its URL. Skips where it is not installed."""
    pytest.importorskip("asyncpg", reason="the extra `postgres` is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    account = ACCOUNT if os.geteuid() == 0 else None
    if account is not None and not any(one.pw_name == account for one in pwd.getpwall()):
        pytest.skip("PostgreSQL does not run as root, and there is no account postgres")
    postgres = found[-1]
    with _folder(account) as folder:
        words = ["-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync"]
        words += ["--no-instructions", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [postgres.with_name("initdb"), *words],
            check=True,
            capture_output=True,
            user=account,
            group=account,
        )
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "1MB",
            "max_wal_senders": "0",
            "autovacuum": "off",
        }
        line = [str(postgres), "-D", str(folder / "data")]
        line += [word for key, value in options.items() for word in ("-c", f"{key}={value}")]

        def is_ready() -> bool:
            asked = [postgres.with_name("pg_isready"), "-q", "-h", folder]
            return subprocess.run(asked, check=False).returncode == 0

        with _server(line, folder, account, is_ready) as server:
            yield server, f"postgresql://postgres@/postgres?host={folder}"


@contextmanager
def redis_server() -> Iterator[tuple[LocalServer, str]]:
    """Run Redis, which keeps its keys over a stop; it and its URL. Skips where it is not installed."""
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    redis = shutil.which("redis-server")
    if redis is None:
        pytest.skip("redis-server is not installed")
    with _folder(None) as folder:
        line = [redis, "--port", "0", "--unixsocket", str(folder / "s"), "--dir", str(folder)]
        line += ["--save", "3600 1", "--appendonly", "no"]

        def is_ready() -> bool:
            with socket.socket(socket.AF_UNIX) as peer:
                return peer.connect_ex(str(folder / "s")) == 0

        with _server(line, folder, None, is_ready) as server:
            yield server, f"unix://{folder / 's'}"
