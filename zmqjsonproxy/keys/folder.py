"""The key folder of a host: the key of its servers, and the clients they know, re-read while
running.

keys/server.key          public and secret key of all servers of the host
keys/clients/NAME.key    name, role and public key of a client, whether it is revoked
keys/servers.toml        keys of other hosts' servers, where a server is a client of others

A file that is broken, or too open, lets nobody in. So does a folder that is gone. One that cannot
be read, or that others may use, is said so of, and what was known before holds meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from groundwork.closing import Closing
from groundwork.printable import printable
from groundwork.truncation import cut
from zmqjsonproxy.keys.errors import KeyFileError
from zmqjsonproxy.keys.files import open_folder, read_if_there, read_private
from zmqjsonproxy.keys.pair import pair_of_secret
from zmqjsonproxy.keys.protocol.documents import HOST, ClientKey, read_client, read_server
from zmqjsonproxy.keys.protocol.keytexts import fingerprint
from zmqjsonproxy.rights import KeyPair, Role

__all__ = ["CLIENTS", "SERVER_FILE", "KeyFolder", "token_digest"]

log = logging.getLogger(__name__)

SERVER_FILE = "server.key"
CLIENTS = "clients"
SUFFIX = ".key"
_EVERY_S = 0.4
"""A change is seen within twice this time."""
_MAX_CLIENT_FILES = 10_000
"""Clients of a folder."""
_READ_EACH_TIME = 50
"""Files that are read whatever the system says of them; of more the others in turn."""
_YOUNG_NS = 2_000_000_000
"""A file changed so shortly before it was read may have been changed once more since, at the same
time by the clock of the file system."""
_SHOWN = 20
_AGAIN_S = 60.0
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE, errno.EINTR)
"""Errors that have nothing to do with the file itself."""


def token_digest(token: str) -> str:
    """Return how a server keeps a token, which it need not know itself."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    """A file of a client as it was read last; with a fault that passes, who it lets in is known from
    before."""

    signature: tuple[int, ...]
    at_ns: int
    text: str
    client: ClientKey | None
    fault: KeyFileError | None

    def holds(self, signature: tuple[int, ...], changed_ns: int) -> bool:
        """Tell whether the system says that nothing was changed since."""
        if self.fault is not None and isinstance(self.fault.__cause__, OSError):
            return False  # it may be readable now, as it is
        return signature == self.signature and changed_ns < self.at_ns - _YOUNG_NS


@dataclass(frozen=True, slots=True)
class _Known:
    """The clients at one time."""

    by_name: Mapping[str, ClientKey] = field(default_factory=dict)
    by_public: Mapping[str, ClientKey] = field(default_factory=dict)
    by_digest: Mapping[str, ClientKey] = field(default_factory=dict)
    faults: tuple[KeyFileError, ...] = ()

    @classmethod
    def of(cls, path: Path, clients: Iterable[ClientKey], faults: list[KeyFileError]) -> _Known:
        """Return the clients but those that share a key or a token, who would be taken for one
        another."""
        names: dict[str, ClientKey] = {}
        publics: dict[str, ClientKey] = {}
        digests: dict[str, ClientKey] = {}
        twice: set[str] = set()
        for client in clients:
            names[client.name] = client
            others = [publics.setdefault(client.public, client)]
            if client.token_digest:
                others.append(digests.setdefault(client.token_digest, client))
            for other in others:
                if other is not client:
                    twice |= {client.name, other.name}
                    reason = f"its key or token is that of {other.name}, too; neither is let in"
                    remedy = "make new ones for both, or remove one of the files"
                    at = path / f"{client.name}{SUFFIX}"
                    faults.append(KeyFileError(at, reason, remedy))
        return cls(
            names,
            {public: client for public, client in publics.items() if client.name not in twice},
            {digest: client for digest, client in digests.items() if client.name not in twice},
            tuple(faults),
        )


class _ClientFiles:
    """Reads the files of clients, and again what may have changed.

    Args:
        path: Of their folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, _Read] = {}
        self._turn = 0

    def read(self) -> _Known:
        """Return what the files say now.

        Raises:
            KeyFileError: The folder is not there, or cannot be read, or others may use it.
        """
        folder = open_folder(self._path)
        try:
            names = sorted(name for name in os.listdir(folder) if _is_of_client(name))
            faults: list[KeyFileError] = []
            if len(names) > _MAX_CLIENT_FILES:
                reason = (
                    f"has {len(names)} files of clients; the first {_MAX_CLIENT_FILES} are taken"
                )
                faults.append(KeyFileError(self._path, reason))
            found = self._look(folder, names[:_MAX_CLIENT_FILES])
        except OSError as error:
            raise KeyFileError(self._path, f"cannot be read: {error.strerror}") from error
        finally:
            os.close(folder)
        self._read = found
        faults += [each.fault for each in found.values() if each.fault is not None]
        clients = [each.client for each in found.values() if each.client is not None]
        return _Known.of(self._path, clients, faults)

    def _look(self, folder: int, names: list[str]) -> dict[str, _Read]:
        begin = self._turn if self._turn < len(names) else 0
        self._turn = begin + _READ_EACH_TIME
        found: dict[str, _Read] = {}
        for index, name in enumerate(names):
            before = self._read.get(name)
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed since
            signature = (
                status.st_dev,
                status.st_ino,
                status.st_size,
                status.st_mode,
                status.st_uid,
                status.st_mtime_ns,
                status.st_ctime_ns,
            )
            is_its_turn = begin <= index < self._turn
            if before and before.holds(signature, status.st_ctime_ns) and not is_its_turn:
                found[name] = before
            else:
                found[name] = self._read_one(folder, name, signature, before)
        return found

    def _read_one(
        self, folder: int, name: str, signature: tuple[int, ...], before: _Read | None
    ) -> _Read:
        at_ns = time.time_ns()
        path = self._path / name
        try:
            text = read_private(folder, path)
        except KeyFileError as error:
            cause = error.__cause__
            if before and isinstance(cause, OSError) and cause.errno in _PASSING:
                return replace(before, fault=error)
            return _Read(signature, at_ns, "", None, error)
        if before and before.client and before.text == text:
            return _Read(signature, at_ns, text, before.client, None)
        try:
            client = read_client(text, name.removesuffix(SUFFIX))
        except ValueError as error:
            remedy = "correct it there, or make it anew: player keys new"
            return _Read(signature, at_ns, text, None, KeyFileError(path, str(error), remedy))
        return _Read(signature, at_ns, text, client, None)


def _is_gone(error: KeyFileError) -> bool:
    return isinstance(error.__cause__, FileNotFoundError | NotADirectoryError)


def _is_of_client(name: str) -> bool:
    """Tell whether a file is one of a client, and not one that is being written."""
    return name.endswith(SUFFIX) and not name.startswith(".")


class KeyFolder(Closing):
    """Keys of a host. `find` and `find_token` are for any thread and take a microsecond.

    Args:
        path: Of the folder.

    Raises:
        KeyFileError: It is not there, others may use it, or the key of the servers is broken. What
            is wrong with files of clients is in `faults`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server = _server_pair(path)
        self._server_file = "" if self._server is None else self._server.public
        self._files = _ClientFiles(path / CLIENTS)
        self._known, self._generation = _Known(), 0
        self._trouble, self._told_at = "", 0.0
        try:
            self._known = self._files.read()
        except KeyFileError as error:
            if not _is_gone(error):
                raise
            self._trouble = f"{error}; nobody is let in"
        self._host: Mapping[str, ClientKey] = MappingProxyType({})
        if self._server is not None:
            host = ClientKey(name=HOST, role=Role.ADMIN, public=self._server.public)
            self._host = MappingProxyType({host.public: host})
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def generation(self) -> int:
        """Number of changes of the known clients seen so far."""
        return self._generation

    @property
    def faults(self) -> tuple[KeyFileError, ...]:
        """Faults of files of clients, whom they do not let in."""
        return self._known.faults

    @property
    def trouble(self) -> str:
        """Why the clients cannot be read at present; empty: they can."""
        return self._trouble

    def server(self) -> KeyPair:
        """Return the key of the servers of this host; KeyFileError: there is none yet."""
        if self._server is None:
            raise KeyFileError(self.path / SERVER_FILE, "is not there", "type: player keys new")
        return self._server

    def clients(self) -> Mapping[str, ClientKey]:
        """Return the known clients, revoked ones too, by name."""
        return MappingProxyType(dict(self._known.by_name))

    def find(self, public: str) -> ClientKey | None:
        """Return the client of a public key, which may be revoked; None: it is not known.

        The key of the servers is that of client `host`, with all rights.
        """
        return self._known.by_public.get(public) or self._host.get(public)

    def find_token(self, token: str) -> ClientKey | None:
        """Return the client of a token, which may be revoked; None: it is not known."""
        return self._known.by_digest.get(token_digest(token))

    def watch(self) -> None:
        """Re-read the clients from now on, in a thread; logs what is wrong, and that the key of the
        servers was replaced, and raises nothing.

        Contents are compared: what has changed holds within a second. Of more than 50 clients the
        system is asked which files have changed, and all are read in turn besides.
        """
        if self._thread is None:
            self._complain(map(str, self.faults))
            if self._trouble:
                log.error("keys: %s", printable(self._trouble))
            self._thread = threading.Thread(target=self._run, name="keys", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            try:
                self.look()
                self.look_at_server()
            except Exception:  # what is known must not stay for ever without a word
                log.exception("keys in %s could not be looked at", self.path)

    def look(self) -> None:
        """Look for changes of clients now."""
        known, trouble = self._read()
        if trouble:
            self._tell_trouble(trouble)
        elif self._trouble:
            log.warning("keys: %s can be read again", self.path)
            self._trouble = ""
        before, self._known = self._known, known
        if known.by_name != before.by_name or known.by_public != before.by_public:
            self._generation += 1
            _tell_changes(before.by_name, known.by_name)
        self._complain(set(map(str, known.faults)) - set(map(str, before.faults)))

    def look_at_server(self) -> None:
        """Log if the key of the servers is another one now: those that run keep theirs."""
        if self._server is None:
            return
        try:
            keys = _server_keys(self.path)
        except KeyFileError:  # it is being written, or is told at the next start
            return
        public = self._server_file if keys is None else keys[0]
        if public != self._server_file:
            self._server_file = public
            if public != self._server.public:
                text = "keys: %s was replaced: this process has its old key until it is restarted"
                log.error(text, self.path / SERVER_FILE)

    def _read(self) -> tuple[_Known, str]:
        """Return the clients that are let in now, and what is wrong with the folder, if anything
        is."""
        try:
            os.close(open_folder(self.path))
            return self._files.read(), ""
        except KeyFileError as error:
            if _is_gone(error):
                return _Known(), f"{error}; nobody is let in"
            return self._known, f"{error}; who was known before is let in until then"

    def _tell_trouble(self, text: str) -> None:
        now = time.monotonic()
        if text != self._trouble or now - self._told_at >= _AGAIN_S:
            self._trouble, self._told_at = text, now
            log.error("keys: %s", printable(text))

    def _complain(self, faults: Iterable[str]) -> None:
        told = sorted(cut(printable(fault)) for fault in faults)
        for text in told[:_SHOWN]:
            log.error("keys: %s", text)
        if len(told) > _SHOWN:
            log.error("keys: %d more files in %s are not taken", len(told) - _SHOWN, self.path)

    def close(self) -> None:
        """End the thread of `watch`; may be called twice."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _server_keys(path: Path) -> tuple[str, str] | None:
    """Return the public and the secret key of the servers; None: there are none."""
    folder = open_folder(path)
    at = path / SERVER_FILE
    try:
        text = read_if_there(folder, at)
        return None if text is None else read_server(text)
    except ValueError as error:
        raise KeyFileError(at, str(error)) from error
    finally:
        os.close(folder)


def _server_pair(path: Path) -> KeyPair | None:
    keys = _server_keys(path)
    if keys is None:
        return None
    public, secret = keys
    pair = pair_of_secret(secret)
    if pair.public != public:
        raise KeyFileError(path / SERVER_FILE, "public and secret do not belong together")
    return pair


def _tell_changes(before: Mapping[str, ClientKey], now: Mapping[str, ClientKey]) -> None:
    told = [f"{name} is gone" for name in before.keys() - now.keys()]
    for name, client in now.items():
        old = before.get(name)
        if client != old:
            state = "is revoked" if client.is_revoked else f"may {client.role}"
            new = "new, " if old is None else ""
            told.append(f"{name} {state}, {new}key {fingerprint(client.public)}")
    for text in sorted(told)[:_SHOWN]:
        log.info("keys: %s", text)
    if len(told) > _SHOWN:
        log.info("keys: %d more clients have changed", len(told) - _SHOWN)
