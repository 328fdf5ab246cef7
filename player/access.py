"""Access to a Player: at which addresses callers need keys, and the keys of this host.

Any address but the loopback one demands keys, and that one too with `[instrument] keys = true`; none
does with `insecure = true`.
"""

from __future__ import annotations

import logging
import shlex
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

from arrayconfig.hosts import reachable_host
from groundwork.addresses import bind_address, is_loopback_host, split_url, tcp_url
from groundwork.closing import Closing
from player.errors import BankNameError, KeysMissingError, OwnKeysError
from player.findings import Finding
from player.hosts import banks_here
from player.ports import local_url
from player.tables import Config
from zmqjsonproxy.keys import KeyFileError, KeyFolder, KeyRing
from zmqjsonproxy.keys.pair import unfit_for_keys
from zmqjsonproxy.keys.protocol.documents import HOST, PLAIN, pin_name
from zmqjsonproxy.keys.ring import read_pins_file
from zmqjsonproxy.rights import ClientKeys, KeyPair, Role, ServerKeys, read_role

__all__ = ["Access", "key_findings", "keys_of_host"]

NEW_KEYS = "player keys new"
log = logging.getLogger(__name__)


class Access(Closing):
    """Access to one Player, as `[instrument] keys, insecure, key_dir, original_role` say.

    Args:
        config: The whole configuration.
        bank: Of the Player.
        host: Address that it serves calls on; empty: as the configuration says.

    Attributes:
        url: Where this host reaches it for calls; empty: it does not serve yet.
    """

    def __init__(self, config: Config, bank: str, host: str = "") -> None:
        self._config, self._bank, self._host = config, bank, host or config.bind(bank)
        self.url = ""
        self._folder: KeyFolder | None = None
        self._lock = threading.Lock()

    def is_demanded(self, host: str) -> bool:
        """Tell whether who comes to an address of this host needs a key there."""
        return self._config.demands_keys(host)

    def folder(self) -> KeyFolder:
        """Return the key folder of this host, watched; the same one each time.

        Raises:
            KeysMissingError: There is none, with what to type.
            KeyFileError: It cannot be used.
        """
        with self._lock:
            if self._folder is None:
                self._folder = _opened(self._config, self._host)
                self._folder.watch()
            return self._folder

    def server_keys(self) -> ServerKeys | None:
        """Return what the server of calls knows of keys; None: none.

        Where callers need none it knows those of this host all the same, if there are any: a web
        page there calls on behalf of people, by their tokens.

        Raises:
            PlayerError: Callers need keys, and those of this host cannot be used.
        """
        is_demanded = self.is_demanded(self._host)
        if not is_demanded and (self._config.instrument.insecure or not self._has_folder()):
            return None
        try:
            folder = self.folder()
            pair = folder.server()
        except (KeyFileError, KeysMissingError) as error:
            if not is_demanded:
                log.warning(
                    "callers need no keys here, and tokens of people are unknown: %s", error
                )
                return None
            if isinstance(error, KeysMissingError):
                raise
            raise _missing(self._config, self._host, error) from error
        return ServerKeys(
            public=pair.public,
            secret=pair.secret,
            find=folder.find,
            find_token=folder.find_token,
            on_loopback=self._config.instrument.keys,
        )

    def _has_folder(self) -> bool:
        try:
            return self._config.key_dir.exists()
        except OSError:  # a folder above it is nobody's business
            return False

    @property
    def original_role(self) -> Role | None:
        """Rights of clients of the original where they need no keys; None: none at all."""
        role = self._config.instrument.original_role
        return None if role == "none" else read_role(role)

    def client_keys(self) -> ClientKeys | None:
        """Return the keys by which this Player reaches others, and itself; None: without keys."""
        return keys_of_host(self._config, self._bank, self._host, self.url)

    def close(self) -> None:
        """End the re-reading of the folder; may be called twice."""
        with self._lock:
            if self._folder is not None:
                self._folder.close()


def _opened(config: Config, host: str) -> KeyFolder:
    try:
        return KeyFolder(config.key_dir)
    except KeyFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise _missing(config, host, error) from error
        raise


def _missing(config: Config, host: str, error: KeyFileError) -> KeysMissingError:
    """Return what it means for the operator that keys cannot be used."""
    remedy = error.remedy
    if not remedy or NEW_KEYS in remedy:  # they are not there: one may have them, or do without
        line = "take keys = true out" if is_loopback_host(host) else "write insecure = true"
        remedy = f"type: {NEW_KEYS} --config {shlex.quote(str(config.path))}, or {line}"
        remedy += f" below [instrument] in {config.path}, so that nobody is asked for one"
    return KeysMissingError(host, f"{error.path}: {error.reason}", remedy)


def keys_of_host(
    config: Config, bank: str = "", host: str = "", url: str = ""
) -> ClientKeys | None:
    """Return the keys by which programs of this host reach Players: those of its servers, which
    know each other by them, else those of the user.

    Args:
        config: The configuration.
        bank: Bank whose Player asks, or is asked; empty: any of this host.
        host: Address that its Player serves on; empty: as the configuration says.
        url: Where it is reached from this host; empty: as the configuration says.

    Raises:
        OwnKeysError: Those of the user cannot be used.
    """
    pair: KeyPair | None = None
    try:
        pair = KeyFolder(config.key_dir).server()
        ring: KeyRing | None = KeyRing(name=HOST, pair=pair, pins=read_pins_file(config.key_dir))
    except KeyFileError:  # this user may not read them, or there are none
        try:
            ring = KeyRing.load()
        except KeyFileError as error:
            raise OwnKeysError(f"your own keys: {error}") from error
    if ring is None:
        return None
    pins = dict(ring.pins)
    for at, is_demanded in _own_places(config, bank, host, url):
        if not is_demanded:
            pins[at] = PLAIN
        elif pair is not None:
            pins[at] = pair.public
    return replace(ring, pins=pins)


def _own_places(config: Config, bank: str, host: str, url: str) -> Iterator[tuple[str, bool]]:
    """Yield where Players of this host are reached, and whether keys are demanded there: hosts
    where they are, and hosts with ports where they are not."""
    if bank:
        names = [one for one, at in config.bank_hosts.items() if at == config.bank_hosts[bank]]
    else:
        try:
            names = banks_here(config.bank_hosts, socket.gethostname())
        except BankNameError:
            names = []
    for name in names:
        bind = bind_address(host if host and name == bank else config.bind(name))
        port: object = config.banks[name].player_port or config.instrument.player_port
        places = {
            reachable_host(config.banks[name].hpc_host, bind),
            split_url(local_url(tcp_url(bind, 1)))[0],
        }
        if config.demands_keys(bind):
            yield from ((pin_name(place), True) for place in places)
        elif isinstance(port, int):
            yield from ((_with_port(place, port), False) for place in places)
    if url:
        yield _with_port(*split_url(url)), config.demands_keys(host or config.bind(bank))


def _with_port(host: str, port: int) -> str:
    return pin_name(tcp_url(host, port).removeprefix("tcp://"))


def key_findings(config: Config) -> list[Finding]:
    """Return what is wrong with the keys of this host, if callers of a Bank need them."""
    demanding = [name for name in config.banks if config.demands_keys(config.bind(name))]
    if not demanding:
        return []
    bind = config.bind(demanding[0])
    if fault := unfit_for_keys():
        text, _, remedy = fault.partition("; ")
        return [Finding("keys", text, remedy)]
    try:
        folder = KeyFolder(config.key_dir)
        folder.server()
    except KeyFileError as error:
        missing = _missing(config, bind, error)
        text = str(missing).removesuffix(f"; {missing.remedy}")
        return [Finding("keys", f"{', '.join(demanding)}: {text}", missing.remedy)]
    found = [
        Finding(
            "keys", str(KeyFileError(fault.path, fault.reason)), fault.remedy or "correct it there"
        )
        for fault in folder.faults
    ]
    if folder.trouble:
        found.append(Finding("keys", folder.trouble, f"type: {NEW_KEYS} NAME --role ROLE"))
    elif not folder.clients():
        text = f"{config.key_dir}: no client is known: nobody but this host is let in"
        found.append(Finding("keys", text, f"type: {NEW_KEYS} NAME --role ROLE"))
    return found
