"""The commands `dealer keys ...`: what each takes and prints."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from commandline import (
    DONE,
    FAILED,
    Argument,
    Command,
    Run,
    argument,
    command,
    flag,
    port_number,
    say,
    tell,
)
from dealer.errors import ConfigurationError
from dealer.players import configuration_path, find_players, tables_of_file
from zmqjsonproxy.keys import KeyFileError, KeyFolder, KeysError, TrustError, fingerprint
from zmqjsonproxy.keys.issuing import (
    client_lines,
    describe_client,
    issue_in_bundle,
    issue_to_own,
    registration_line,
)
from zmqjsonproxy.keys.pair import pair_of_secret
from zmqjsonproxy.keys.protocol.documents import PLAIN, pin_name
from zmqjsonproxy.keys.register import revoke
from zmqjsonproxy.keys.ring import (
    add_pins,
    own_folder,
    read_bundle_file,
    read_own_file,
    read_pins_file,
    take_bundle,
)
from zmqjsonproxy.keys.trust import DEFAULT_PORT, fetch_key
from zmqjsonproxy.rights import Role, read_role

__all__ = ["COMMAND"]

WITHIN_S = 5.0
_FINGERPRINT = re.compile(r"(?:[0-9a-f]{4}-){7}[0-9a-f]{4}\Z")
ROLES = tuple(map(str, Role))
_OWN = "own keys: $DIBAS_KEYS, else ~/.config/dealer-player/keys"
KEY_DIR = argument(
    "--key-dir DIR",
    "key folder of the servers; default: [instrument] key_dir of the configuration",
    type=Path,
)
REPLACE = flag("--replace", "put it in the place of what is there and differs")


def _own_folder() -> Path:
    folder = own_folder(os.environ)
    if folder is None:
        raise ValueError("$DIBAS_KEYS is empty: no keys are used; set it to a folder, or unset it")
    return folder


def _key_dir(options: argparse.Namespace) -> Path:
    """Return the key folder of the servers that the configuration describes."""
    if options.key_dir is not None:
        return Path(options.key_dir).absolute()
    path = configuration_path(options.config)
    given = _of_instrument(path, "key_dir", "keys")
    if not isinstance(given, str) or not given:
        raise ConfigurationError(str(path), ["instrument.key_dir: name of a folder"])
    folder = path if path.is_dir() else path.parent
    return (folder / Path(given).expanduser()).absolute()


def _of_instrument(path: Path, name: str, default: object) -> object:
    """Return what `[instrument]` of a configuration has under a name."""
    instrument = tables_of_file(path, [("instrument", name)]).get("instrument")
    return instrument.get(name, default) if isinstance(instrument, dict) else default


def _key_port(options: argparse.Namespace) -> int:
    """Return the port at which Players tell their public key: as given, else as the configuration
    says, if there is one."""
    if options.key_port is not None:
        return int(options.key_port)
    try:
        path = configuration_path(options.config)
    except ConfigurationError:
        if options.config is not None:
            raise
        return DEFAULT_PORT
    given = _of_instrument(path, "key_port", DEFAULT_PORT)
    if type(given) is not int or not 0 <= given < 1 << 16:
        raise ConfigurationError(str(path), ["instrument.key_port: a port, 0 to 65535"])
    if not given:
        raise ValueError(
            f"{path}: [instrument] key_port = 0, so Players tell their key nowhere; set it, or take "
            "a bundle with it (dealer keys import)"
        )
    return given


def _tell(options: argparse.Namespace, told: dict[str, Any], *lines: str) -> int:
    tell(options.json, told, "\n".join(lines))
    return DONE


# keys of clients


def _new(options: argparse.Namespace) -> int:
    if options.export is not None:
        return _new_in_bundle(options)
    own = _own_folder()
    role = None if options.role is None else read_role(options.role)
    key_dir = None if role is None else _key_dir(options)
    made = issue_to_own(own, options.name, key_dir, role, replace=options.replace)
    told = {"name": options.name, "public": made.public, "fingerprint": fingerprint(made.public)}
    first = f"{options.name}: your own key now, in {own}; fingerprint {told['fingerprint']}"
    if key_dir is None or role is None:
        line = registration_line(made)
        return _tell(options, {**told, "register": line}, first, "its administrator types:", line)
    return _tell(options, told, first, _known_at(key_dir, role))


def _known_at(key_dir: Path, role: Role) -> str:
    return f"servers that read {key_dir} know it from the next second on, with the role {role}"


def _new_in_bundle(options: argparse.Namespace) -> int:
    if options.role is None:
        raise ValueError("a bundle is for a client that servers know: say its --role")
    key_dir, folder, role = _key_dir(options), own_folder(os.environ), read_role(options.role)
    pins = {} if folder is None else read_pins_file(folder)
    if "localhost" not in _hosts_of_players(options, or_none=True):  # it is another host elsewhere
        pins = {at: key for at, key in pins.items() if not at.startswith("localhost")}
    client = issue_in_bundle(
        key_dir, options.name, role, options.export, pins, replace=options.replace
    )
    servers = f"with the keys of {', '.join(sorted(pins))}" if pins else "without keys of servers"
    return _tell(
        options,
        {**describe_client(client), "bundle": str(options.export), "servers": sorted(pins)},
        f"{options.export}: the bundle of {client.name}, {servers}",
        _known_at(key_dir, role),
        f"give it to {client.name} by a safe way, for `dealer keys import {options.export.name}`, and remove it here",
    )


def _list(options: argparse.Namespace) -> int:
    folder = own_folder(os.environ)
    own = None if folder is None else read_own_file(folder)
    pins = {} if folder is None else read_pins_file(folder)
    told: dict[str, Any] = {"folder": None if folder is None else str(folder), "own": None}
    lines = [f"own key: none in {folder or '$DIBAS_KEYS, which is empty'}"]
    if own is not None:
        shown = fingerprint(pair_of_secret(own.secret).public)
        told["own"] = {"name": own.name, "fingerprint": shown}
        lines = [f"own key: {own.name} {shown}, in {folder}"]
    told["servers"] = {
        at: key if key == PLAIN else fingerprint(key) for at, key in sorted(pins.items())
    }
    lines += [f"server {at}: {shown}" for at, shown in told["servers"].items()]
    clients = _clients(options)
    if clients is not None:
        told["clients"] = [describe_client(each) for each in clients.clients().values()]
        lines += [f"client {line}" for line in client_lines(clients.clients().values())]
        lines += [f"fault: {fault}" for fault in clients.faults]
    return _tell(options, told, *lines)


def _clients(options: argparse.Namespace) -> KeyFolder | None:
    """Return the key folder of the servers; None: none is named, or it is not of this user."""
    try:
        return KeyFolder(_key_dir(options))
    except (ConfigurationError, KeyFileError):
        if options.key_dir is not None:
            raise
        return None


def _revoke(options: argparse.Namespace) -> int:
    key_dir = _key_dir(options)
    client = revoke(key_dir, options.name)
    text = f"{client.name}: revoked; servers that read {key_dir} refuse it from the next second on"
    return _tell(options, describe_client(client), text)


# servers


def _trust(options: argparse.Namespace) -> int:
    if options.fingerprint is not None and not _FINGERPRINT.match(options.fingerprint):
        raise ValueError(
            f"{options.fingerprint!r} is no fingerprint; one is 1f3a-99b0-... of 8 groups"
        )
    if options.fingerprint is not None and len(options.hosts) != 1:
        raise ValueError("a fingerprint is that of one host; name one")
    folder, status, hosts = _own_folder(), DONE, options.hosts
    if not hosts:
        hosts = _hosts_of_players(options)
    port = 0 if options.plain else _key_port(options)
    told: dict[str, Any] = {}
    for at in dict.fromkeys(map(pin_name, hosts)):
        try:
            told[at] = _trust_one(options, folder, at, port)
        except KeysError as error:
            told[at], status = {"error": str(error)}, FAILED
            say("dealer", error)
    if options.json:
        tell(True, told, "")
    return status


def _hosts_of_players(options: argparse.Namespace, *, or_none: bool = False) -> list[str]:
    """Return the hosts of all Players, as pins have them.

    Args:
        options: Of the command line.
        or_none: Without a configuration there are none, and that is no error.
    """
    try:
        urls = find_players(None, options.config).values()
    except ConfigurationError:
        if or_none:
            return []
        raise
    hosts = (host for url in urls if (host := urlsplit(url).hostname))
    return list(dict.fromkeys(map(pin_name, hosts)))


def _trust_one(options: argparse.Namespace, folder: Path, at: str, port: int) -> dict[str, str]:
    def say(text: str) -> None:
        print(text, file=sys.stderr if options.json else sys.stdout, flush=True)

    known = read_pins_file(folder).get(at)
    if options.plain:
        key = shown = PLAIN
    else:
        host = re.sub(r":[0-9]+\Z", "", at) if at.count(":") == 1 or at.startswith("[") else at
        key = fetch_key(host.strip("[]"), port, options.timeout or WITHIN_S)
        shown = fingerprint(key)
    if known == key:
        say(f"{at}: is trusted already, with {shown}")
        return {"fingerprint": shown}
    if known is not None and not options.replace:
        before = known if known == PLAIN else fingerprint(known)
        reason = f"tells {shown}, and was trusted with {before}: either its key was made anew, or"
        reason += " somebody else answers; ask its administrator, then give --replace"
        raise TrustError(at, reason)
    if options.fingerprint not in (None, shown):
        raise TrustError(at, f"tells {shown}, and not {options.fingerprint}; it is not trusted")
    if not (options.plain or options.yes or options.fingerprint or _is_agreed(at, shown)):
        raise TrustError(
            at, "is not trusted: compare the fingerprint with `player keys show` there"
        )
    add_pins(folder, {at: key}, replace=True)
    say(f"{at}: trusted from now on, with {shown}" + (": no keys" if options.plain else ""))
    return {"fingerprint": shown}


def _is_agreed(at: str, shown: str) -> bool:
    """Ask a person whether the fingerprint of a host is the right one."""
    print(f"{at} tells {shown}", file=sys.stderr)
    if not sys.stdin.isatty():
        print("nobody can be asked: give --fingerprint, or --yes", file=sys.stderr)
        return False
    print("is it what `player keys show` prints there? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _import(options: argparse.Namespace) -> int:
    folder = _own_folder()
    bundle = read_bundle_file(options.bundle)
    take_bundle(folder, bundle, replace=options.replace)
    servers = sorted(bundle.pins)
    return _tell(
        options,
        {"name": bundle.own.name, "folder": str(folder), "servers": servers},
        f"{bundle.own.name}: your own key now, in {folder}",
        f"servers: {', '.join(servers) or 'none; dealer keys trust HOST fetches the key of one'}",
        f"remove {options.bundle}: it is as good as the key",
    )


def _command(name: str, run: Run, text: str, *arguments: Argument) -> Command:
    return command(name, run, text, *arguments, usage_errors=(ConfigurationError, ValueError))


COMMAND = command(
    "keys",
    None,
    "make, list and revoke keys of clients; trust servers",
    takes_common=False,
    epilog=f"{_OWN}. Exit status: 0 done, 1 failed, 2 usage.",
    commands=(
        _command(
            "new",
            _new,
            "make the key of a client; with a role, let servers know it",
            argument("name NAME", "of the person or program, as anna"),
            argument(
                "--role ROLE",
                "observe, operate or admin: its rights at the servers whose key folder is written; without, "
                "what their administrator has to type is printed",
                choices=ROLES,
            ),
            argument(
                "--export FILE",
                "write a bundle for its owner; default: it is your own, among your keys",
                type=Path,
            ),
            KEY_DIR,
            REPLACE,
        ),
        _command(
            "list",
            _list,
            "show your own key, the servers you trust, and clients they know",
            KEY_DIR,
        ),
        _command(
            "revoke",
            _revoke,
            "let servers refuse a client from the next second on",
            argument("name NAME", "of the client"),
            KEY_DIR,
        ),
        _command(
            "trust",
            _trust,
            "ask hosts for the public key of their servers, and keep it: from then on it has to be that one",
            argument(
                "hosts HOST",
                "name or address, as in the Players' addresses, or HOST:PORT for one server; default: the "
                "hosts of all Players",
                nargs="*",
            ),
            argument(
                "--key-port N",
                "where they tell it; default: [instrument] key_port of the configuration, else "
                f"{DEFAULT_PORT}",
                type=port_number,
            ),
            argument(
                "--fingerprint F", "of the key that is expected, as `player keys show` prints it"
            ),
            flag("--yes", "trust what they tell without asking: only on a network that you trust"),
            flag("--plain", "speak to them without keys, whatever other servers of their hosts do"),
            REPLACE,
        ),
        _command(
            "import",
            _import,
            "take the keys of a bundle as your own",
            argument("bundle FILE", "as `keys new --export` writes it", type=Path),
            REPLACE,
        ),
    ),
)
